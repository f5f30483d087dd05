// The losses between two arrays of one shape.
#pragma once

#include <vector>

#include "bindings/loss_result.h"
#include "ops/loss.h"

namespace fastnn::bindings {

// Which loss, and whether its gradient is wanted, too.
struct PointwiseEntry {
  const char* op;
  Pointwise kind;
  bool want_grad;
};

// Weights that are repeated over input's leading axes; null where not given.
template <class T>
class RepeatedInput {
 public:
  RepeatedInput(const char* op, const char* name, py::handle object, Shape input)
      : array_(optional_input<T>(op, name, object)) {
    if (!array_) return;
    own_ = repeated_shape(op, name, input, array_->shape());
    const Shape last = input.last(own_.size());
    spread_.assign(last.begin(), last.end());
  }

  void keep_apart(LossResult<T>& result) const { result.apart_from(Aliasing::none, array_); }

  // As Input::data().
  backend::Repeated<T> data(const char* op) {
    if (!array_) return {};
    const int64_t period = element_count(op, spread_);
    if (same(own_, spread_)) return {array_->data(), period};
    // Axes of length 1 inside: spread out to the last axes of input.
    const auto ndim = static_cast<size_t>(array_->array().ndim()), dropped = ndim - spread_.size();
    py::tuple shape(ndim);
    for (size_t i = 0; i < ndim; ++i) shape[i] = i < dropped ? int64_t{1} : spread_[i - dropped];
    copy_ = plain<T>(broadcast_to(array_->array(), shape));
    return {static_cast<const T*>(copy_.data()), period};
  }

 private:
  std::optional<Input<T>> array_;
  Shape own_;
  std::vector<int64_t> spread_;
  Array copy_;
};

// The targets: of the input's dtype, or for hinge the signs of labels of that dtype or of integers.
template <class T>
class PointwiseTarget {
 public:
  PointwiseTarget(const PointwiseEntry& entry, py::handle object, Shape input) {
    const Array array = as_array(entry.op, "target", object);
    const bool labels = entry.kind == Pointwise::hinge;
    if (!labels || !is_index(array)) values_.emplace(entry.op, "target", array);
    validate_pointwise(entry.op, input, shape_of(array));
    if (labels) resolve(entry.op, array);
  }

  void keep_apart(LossResult<T>& result) const {
    if (!signs_) result.apart_from(Aliasing::elementwise, values_->array());
  }
  const T* data() { return signs_ ? signs_->data() : values_->data(); }

 private:
  void resolve(const char* op, const Array& array) {
    signs_.emplace(array.size());
    const auto to_signs = [&](const auto* target) {
      backend::resolve_signs(op, target, shape_of(array), signs_->data());
    };
    if (values_) {
      to_signs(values_->data());
    } else {
      with_indices(array, to_signs);
    }
  }

  std::optional<Input<T>> values_;
  std::optional<Scratch<T>> signs_;
};

struct PointwiseArguments {
  py::handle input, target, weight, pos_weight, out;
};

template <class T>
py::object pointwise_loss(const PointwiseEntry& entry, const PointwiseArguments& args, const LossOptions& options) {
  Input<T> input(entry.op, "input", args.input);
  PointwiseTarget<T> target(entry, args.target, input.shape());
  RepeatedInput<T> weight(entry.op, "weight", args.weight, input.shape());
  RepeatedInput<T> pos_weight(entry.op, "pos_weight", args.pos_weight, input.shape());
  LossResult<T> result(entry.op, options.reduction, entry.want_grad, args.out, input.shape(), input.shape());
  result.apart_from(Aliasing::elementwise, input);
  target.keep_apart(result);
  weight.keep_apart(result);
  pos_weight.keep_apart(result);
  const backend::PointwiseInputs<T> inputs{.n = input.size(),
                                           .input = input.data(),
                                           .target = target.data(),
                                           .weight = weight.data(entry.op),
                                           .pos_weight = pos_weight.data(entry.op)};
  {
    const GilRelease release((entry.kind == Pointwise::bce_with_logits ? 60.0 : 4.0) * static_cast<double>(inputs.n));
    backend::pointwise_loss(entry.kind, inputs, options, result.losses(), result.grad(), result.reduced());
  }
  return result.finish();
}

inline void bind_plain_loss(py::module_& m, const PointwiseEntry& entry) {
  m.def(
      entry.op,
      [entry](py::handle input, py::handle target, const LossOptions& options, py::handle out) {
        return by_dtype(entry.op, "input", input, [&](auto t) {
          return pointwise_loss<decltype(t)>(entry, {input, target, py::none(), py::none(), out}, options);
        });
      },
      py::arg("input"), py::arg("target"), py::arg("options"), py::arg("out"));
}

inline void bind_weighted_loss(py::module_& m, const PointwiseEntry& entry) {
  m.def(
      entry.op,
      [entry](py::handle input, py::handle target, py::handle weight, py::handle pos_weight, const LossOptions& options,
              py::handle out) {
        return by_dtype(entry.op, "input", input, [&](auto t) {
          return pointwise_loss<decltype(t)>(entry, {input, target, weight, pos_weight, out}, options);
        });
      },
      py::arg("input"), py::arg("target"), py::arg("weight"), py::arg("pos_weight"), py::arg("options"),
      py::arg("out"));
}

}  // namespace fastnn::bindings
