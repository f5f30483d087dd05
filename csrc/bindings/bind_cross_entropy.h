#pragma once

#include "bindings/bind_softmax.h"
#include "ops/cross_entropy.h"

namespace fastnn::bindings {

inline Reduction parse_reduction(const std::string& name) {
  if (name == "none") return Reduction::none;
  if (name == "mean") return Reduction::mean;
  if (name == "sum") return Reduction::sum;
  fail_value("cross_entropy", "expected reduction to be 'none', 'mean' or 'sum', got '", name, "'");
}

inline CrossEntropyOptions make_options(int64_t ignore_index, const std::string& reduction, double label_smoothing) {
  if (!(label_smoothing >= 0.0 && label_smoothing <= 1.0)) {
    fail_value("cross_entropy", "expected label_smoothing in [0, 1], got ", label_smoothing);
  }
  return {ignore_index, parse_reduction(reduction), label_smoothing};
}

// Class indices resolved to labels, or class probabilities.
template <class T>
struct Target {
  std::optional<cpu::AlignedBuffer<int64_t>> labels;
  std::optional<Input<T>> probabilities;

  Target(py::handle object, Shape logits, const AxisView& view, const CrossEntropyOptions& options) {
    const py::array array = as_array("cross_entropy", "target", object);
    const py::dtype dtype = array.dtype();
    const bool integer = dtype.kind() == 'i' && (dtype.itemsize() == 4 || dtype.itemsize() == 8);
    if (!integer && dtype.kind() != 'f') {
      fail_type("cross_entropy", "expected target of dtype int64 or int32 for class indices, or ", name_of<T>(),
                " for class probabilities, got ", dtype_name(array), "; convert it with target.astype(numpy.int64)");
    }
    if (!integer) {
      probabilities.emplace("cross_entropy", "target", object);
      validate_class_probabilities(logits, probabilities->shape(), options);
      return;
    }
    validate_class_indices(logits, shape_of(array));
    labels.emplace(array.size());
    if (dtype.itemsize() == 4) {
      resolve<int32_t>(array, view.axis_size, options.ignore_index);
    } else {
      resolve<int64_t>(array, view.axis_size, options.ignore_index);
    }
  }

  template <class Index>
  void resolve(const py::array& array, int64_t classes, int64_t ignore_index) {
    const py::array indices = plain<Index>(array);
    cpu::resolve_labels(static_cast<const Index*>(indices.data()), shape_of(indices), classes, ignore_index,
                        labels->data());
  }
};

// The loss, and with `want_grad` the gradient; `out` takes the gradient then, and the losses of "none" otherwise.
template <class T>
py::object cross_entropy(py::handle logits_object, py::handle target_object, py::handle weight_object,
                         const CrossEntropyOptions& options, py::handle out, bool want_grad) {
  const char* op = "cross_entropy";
  Input<T> logits(op, "logits", logits_object);
  const AxisView view = validate_logits(logits.shape());
  std::optional<Input<T>> weight;
  if (!weight_object.is_none()) weight.emplace(op, "weight", weight_object);
  validate_class_weight(logits.shape(), view.axis_size, weight ? std::optional(weight->shape()) : std::nullopt);
  Target<T> target(target_object, logits.shape(), view, options);

  const bool reduced = options.reduction != Reduction::none;
  if (reduced && !want_grad && !out.is_none()) {
    fail_value(op, "expected out only with reduction='none', got ", type_name(out), " with a loss that is a number");
  }
  std::optional<Output> grad, losses;
  std::optional<cpu::AlignedBuffer<T>> scratch;
  if (want_grad) grad.emplace(op, out, py::dtype::of<T>(), logits.shape());
  if (reduced) {
    scratch.emplace(view.outer * view.inner);
  } else {
    losses.emplace(op, want_grad ? py::none() : out, py::dtype::of<T>(), loss_shape(logits.shape()));
  }
  for (std::optional<Output>* output : {&grad, &losses}) {
    if (!*output) continue;
    (*output)->apart_from(Aliasing::none, logits.array());
    if (weight) (*output)->apart_from(Aliasing::none, weight->array());
    if (target.probabilities) (*output)->apart_from(Aliasing::none, target.probabilities->array());
  }
  const cpu::CrossEntropyInputs<T> inputs{
      .view = view,
      .logits = logits.data(),
      .labels = target.labels ? target.labels->data() : nullptr,
      .probabilities = target.probabilities ? target.probabilities->data() : nullptr,
      .weight = weight ? weight->data() : nullptr};
  double loss = 0;
  {
    const GilRelease release(flops_per_exponential * static_cast<double>(logits.size()));
    loss = cpu::cross_entropy<T>(inputs, options, reduced ? scratch->data() : losses->data<T>(),
                                 grad ? grad->data<T>() : nullptr);
  }
  py::object value = reduced ? py::object(py::float_(loss)) : py::object(losses->finish());
  if (!want_grad) return value;
  return py::make_tuple(value, grad->finish());
}

inline void bind_cross_entropy_function(py::module_& m, const char* name, bool want_grad) {
  m.def(
      name,
      [want_grad](py::handle logits, py::handle target, py::handle weight, const CrossEntropyOptions& options,
                  py::handle out) {
        return by_dtype("cross_entropy", "logits", logits, [&](auto t) {
          return cross_entropy<decltype(t)>(logits, target, weight, options, out, want_grad);
        });
      },
      py::arg("logits"), py::arg("target"), py::arg("weight"), py::arg("options"), py::arg("out"));
}

inline void bind_cross_entropy(py::module_& m) {
  py::class_<CrossEntropyOptions>(m, "CrossEntropyOptions", py::is_final())
      .def(py::init(&make_options), py::kw_only(), py::arg("ignore_index") = -100, py::arg("reduction") = "mean",
           py::arg("label_smoothing") = 0.0);
  bind_cross_entropy_function(m, "cross_entropy", false);
  bind_cross_entropy_function(m, "cross_entropy_with_grad", true);
}

}  // namespace fastnn::bindings
