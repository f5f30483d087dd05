// The losses of scores against class indices, without a softmax: nll and multi-class margin.
#pragma once

#include "bindings/loss_result.h"
#include "ops/loss.h"

namespace fastnn::bindings {

struct LabelledArguments {
  py::handle input, target, weight, out;
};

// run(inputs, losses, grad, reduced) computes; ignore_index and reduction are those of its options.
template <class T, class Run>
py::object labelled_loss(const char* op, bool want_grad, const LabelledArguments& args, const AxisView& view,
                         Reduction reduction, std::optional<int64_t> ignore_index, const Run& run) {
  Input<T> input(op, "input", args.input);
  auto weight = optional_input<T>(op, "weight", args.weight);
  if (weight) validate_class_weight(op, "input", input.shape(), view.axis_size, weight->shape());
  const Array target = as_array(op, "target", args.target);
  if (!is_index(target)) {
    fail_type(op, "expected target of dtype int64 or int32, got ", dtype_name(target),
              "; convert it with target.astype(numpy.int64)");
  }
  validate_class_indices(op, "input", input.shape(), shape_of(target));
  const Labels labels(op, target, view.axis_size, ignore_index);

  LossResult<T> result(op, reduction, want_grad, args.out, input.shape(), loss_shape(input.shape()));
  result.apart_from(Aliasing::none, input, weight);
  Scratch<T> scratch(result.losses() ? 0 : target.size());
  const backend::LabelledInputs<T> inputs{
      .view = view, .input = input.data(), .labels = labels.data(), .weight = data_or_null(weight)};
  {
    const GilRelease release(4.0 * static_cast<double>(input.size()));
    run(inputs, result.losses() ? result.losses() : scratch.data(), result.grad(), result.reduced());
  }
  return result.finish();
}

inline void bind_nll_loss(py::module_& m, const char* op, bool want_grad) {
  m.def(
      op,
      [op, want_grad](py::handle input, py::handle target, py::handle weight, const NLLOptions& options,
                      py::handle out) {
        return by_dtype(op, "input", input, [&](auto t) {
          using T = decltype(t);
          const Array array = as_array(op, "input", input);
          const AxisView view = validate_classes(op, "input", shape_of(array));
          return labelled_loss<T>(op, want_grad, {array, target, weight, out}, view, options.reduction,
                                  options.ignore_index, [&](const auto& inputs, T* losses, T* grad, double* reduced) {
                                    backend::nll_loss(inputs, options.reduction, losses, grad, reduced);
                                  });
        });
      },
      py::arg("input"), py::arg("target"), py::arg("weight"), py::arg("options"), py::arg("out"));
}

inline void bind_multi_margin_loss(py::module_& m, const char* op, bool want_grad) {
  m.def(
      op,
      [op, want_grad](py::handle input, py::handle target, py::handle weight, const MultiMarginOptions& options,
                      py::handle out) {
        return by_dtype(op, "input", input, [&](auto t) {
          using T = decltype(t);
          const Array array = as_array(op, "input", input);
          const AxisView view = validate_multi_margin(op, shape_of(array));
          return labelled_loss<T>(op, want_grad, {array, target, weight, out}, view, options.reduction, std::nullopt,
                                  [&](const auto& inputs, T* losses, T* grad, double* reduced) {
                                    backend::multi_margin_loss(inputs, options, losses, grad, reduced);
                                  });
        });
      },
      py::arg("input"), py::arg("target"), py::arg("weight"), py::arg("options"), py::arg("out"));
}

}  // namespace fastnn::bindings
