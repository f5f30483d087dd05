#pragma once

#include "bindings/parameter_list.h"
#include "ops/clip_grad.h"

namespace fastnn::bindings {

// The gradients by dtype; all are checked here, before any is written.
class GradList {
 public:
  GradList(const char* op, py::handle grads) {
    const ArrayList list(op, "grads", grads, sequence_size(op, "grads", grads));
    for (size_t i = 0; i < list.count(); ++i) {
      const py::array grad = list[i];
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
  std::vector<GradTensor<float>> f32_;
  std::vector<GradTensor<double>> f64_;
  double elements_ = 0;
};

inline double clip_grad_norm(py::handle grads, double max_norm, double norm_type, bool error_if_nonfinite) {
  validate_clip_grad_norm(max_norm, norm_type);
  const GradList list("clip_grad_norm", grads);
  const GilRelease release(3 * list.elements());
  double norm = 0;
  cpu::grad_norm(list.tensors(), norm_type, &norm);
  if (error_if_nonfinite && !std::isfinite(norm)) {
    fail_value("clip_grad_norm", "expected gradients with a finite norm, got ", norm);
  }
  cpu::clip_grad_norm(list.tensors(), max_norm, &norm);
  return norm;
}

inline void clip_grad_value(py::handle grads, double clip_value) {
  validate_clip_grad_value(clip_value);
  const GradList list("clip_grad_value", grads);
  const GilRelease release(2 * list.elements());
  cpu::clip_grad_value(list.tensors(), clip_value);
}

inline void bind_clip_grad(py::module_& m) {
  m.def("clip_grad_norm", &clip_grad_norm, py::arg("grads"), py::arg("max_norm"), py::arg("norm_type"),
        py::arg("error_if_nonfinite"));
  m.def("clip_grad_value", &clip_grad_value, py::arg("grads"), py::arg("clip_value"));
}

}  // namespace fastnn::bindings
