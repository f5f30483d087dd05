#pragma once

#include "bindings/parameter_list.h"
#include "ops/clip_grad.h"

namespace fastnn::bindings {

// The gradients by dtype; all are checked here, before any is written.
class GradList {
 public:
  GradList(const char* op, py::handle grads) {
    const ArrayList list(op, "grads", grads, sequence_size(op, "grads", grads));
    if (list.count() > 0) call_.emplace(list[0]);
    for (size_t i = 0; i < list.count(); ++i) {
      const Array grad = list[i];
      const Shape shape = shape_of(grad);
      if (float_size(op, "grads", grad) == 4) {
        f32_.push_back({grad.size(), list.in_place<float>(i, shape)});
      } else {
        f64_.push_back({grad.size(), list.in_place<double>(i, shape)});
      }
      elements_ += static_cast<double>(grad.size());
    }
  }

  GradTensors tensors() const { return {f32_, f64_}; }
  double elements() const { return elements_; }

 private:
  std::optional<CallScope> call_;
  std::vector<GradTensor<float>> f32_;
  std::vector<GradTensor<double>> f64_;
  double elements_ = 0;
};

inline py::object clip_grad_norm(py::handle grads, double max_norm, double norm_type, bool error_if_nonfinite) {
  validate_clip_grad_norm(max_norm, norm_type);
  const GradList list("clip_grad_norm", grads);
  Scalar norm;
  {
    const GilRelease release(3 * list.elements());
    backend::grad_norm(list.tensors(), norm_type, norm.data());
    if (error_if_nonfinite && !std::isfinite(norm.read())) {
      fail_value("clip_grad_norm", "expected gradients with a finite norm, got ", norm.read());
    }
    backend::clip_grad_norm(list.tensors(), max_norm, norm.data());
  }
  return norm.finish();
}

inline void clip_grad_value(py::handle grads, double clip_value) {
  validate_clip_grad_value(clip_value);
  const GradList list("clip_grad_value", grads);
  const GilRelease release(2 * list.elements());
  backend::clip_grad_value(list.tensors(), clip_value);
}

inline void bind_clip_grad(py::module_& m) {
  m.def("clip_grad_norm", &clip_grad_norm, py::arg("grads"), py::arg("max_norm"), py::arg("norm_type"),
        py::arg("error_if_nonfinite"));
  m.def("clip_grad_value", &clip_grad_value, py::arg("grads"), py::arg("clip_value"));
}

}  // namespace fastnn::bindings
