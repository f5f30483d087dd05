#pragma once

#include "bindings/bind_softmax.h"
#include "bindings/loss_result.h"
#include "ops/cross_entropy.h"

namespace fastnn::bindings {

inline CrossEntropyOptions make_options(int64_t ignore_index, const std::string& reduction, double label_smoothing) {
  if (!(label_smoothing >= 0.0 && label_smoothing <= 1.0)) {
    fail_value("cross_entropy", "expected label_smoothing in [0, 1], got ", label_smoothing);
  }
  return {ignore_index, parse_reduction("cross_entropy", reduction), label_smoothing};
}

// Class indices resolved to labels, or class probabilities.
template <class T>
struct Target {
  std::optional<Labels> labels;
  std::optional<Input<T>> probabilities;

  Target(py::handle object, Shape logits, const AxisView& view, const CrossEntropyOptions& options) {
    const char* op = "cross_entropy";
    const Array array = as_array(op, "target", object);
    if (!is_index(array) && array.dtype().kind() != 'f') {
      fail_type(op, "expected target of dtype int64 or int32 for class indices, or ", name_of<T>(),
                " for class probabilities, got ", dtype_name(array), "; convert it with target.astype(numpy.int64)");
    }
    if (is_index(array)) {
      validate_class_indices(op, "logits", logits, shape_of(array));
      labels.emplace(op, array, view.axis_size, options.ignore_index);
    } else {
      probabilities.emplace(op, "target", array);
      validate_class_probabilities(logits, probabilities->shape(), options);
    }
  }
};

// The loss, and with `want_grad` the gradient; `out` takes the gradient then, and the losses of "none" otherwise.
template <class T>
py::object cross_entropy(py::handle logits_object, py::handle target_object, py::handle weight_object,
                         const CrossEntropyOptions& options, py::handle out, bool want_grad) {
  const char* op = "cross_entropy";
  Input<T> logits(op, "logits", logits_object);
  const AxisView view = validate_classes(op, "logits", logits.shape());
  auto weight = optional_input<T>(op, "weight", weight_object);
  if (weight) validate_class_weight(op, "logits", logits.shape(), view.axis_size, weight->shape());
  Target<T> target(target_object, logits.shape(), view, options);

  LossResult<T> result(op, options.reduction, want_grad, out, logits.shape(), loss_shape(logits.shape()));
  result.apart_from(Aliasing::none, logits, weight, target.probabilities);
  Scratch<T> scratch(result.losses() ? 0 : view.outer * view.inner);
  const backend::CrossEntropyInputs<T> inputs{.view = view,
                                              .logits = logits.data(),
                                              .labels = target.labels ? target.labels->data() : nullptr,
                                              .probabilities = data_or_null(target.probabilities),
                                              .weight = data_or_null(weight)};
  {
    const GilRelease release(flops_per_exponential * static_cast<double>(logits.size()));
    backend::cross_entropy<T>(inputs, options, result.losses() ? result.losses() : scratch.data(), result.grad(),
                              result.reduced());
  }
  return result.finish();
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
  bind_options<CrossEntropyOptions>(m, "CrossEntropyOptions", [](auto options) {
    options.def(py::init(&make_options), py::kw_only(), py::arg("ignore_index") = -100, py::arg("reduction") = "mean",
                py::arg("label_smoothing") = 0.0);
  });
  bind_cross_entropy_function(m, "cross_entropy", false);
  bind_cross_entropy_function(m, "cross_entropy_with_grad", true);
}

}  // namespace fastnn::bindings
