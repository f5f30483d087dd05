// Two functions for each row of ops/activation_list.h: name(x, parameters..., out) and
// name_backward(grad_output, x or y, parameters..., out).
#pragma once

#include "bindings/output.h"
#include "ops/activation.h"

namespace fastnn::bindings {

template <class T>
py::object activation_of(const ActivationInfo& info, py::handle x_object, const ActivationParameters& parameters,
                         py::handle out) {
  Input<T> x(info.name, "x", x_object);
  validate_activation(info.name, info.kind, parameters);
  Output y(info.name, out, py::dtype::of<T>(), x.shape());
  y.apart_from(Aliasing::elementwise, x);
  const T* x_data = x.data();
  {
    const GilRelease release(info.cost * static_cast<double>(x.size()));
    backend::activation_forward(info, parameters, x.size(), x_data, y.data<T>());
  }
  return y.finish();
}

template <class T>
py::object activation_backward_of(const ActivationInfo& info, py::handle grad_object, py::handle kept_object,
                                  const ActivationParameters& parameters, py::handle out) {
  const char* op = info.backward_name;
  Input<T> kept(op, info.kept, kept_object), grad(op, "grad_output", grad_object);
  validate_activation(op, info.kind, parameters);
  const int64_t n = validate_activation_backward(info, grad.shape(), kept.shape());
  Output grad_x(op, out, py::dtype::of<T>(), kept.shape());
  grad_x.apart_from(Aliasing::elementwise, grad, kept);
  const T *grad_data = grad.data(), *kept_data = kept.data();
  {
    const GilRelease release(info.cost * static_cast<double>(n));
    backend::activation_backward(info, parameters, n, grad_data, kept_data, grad_x.data<T>());
  }
  return grad_x.finish();
}

inline py::object activation(const ActivationInfo& info, py::handle x, const ActivationParameters& parameters,
                             py::handle out) {
  return by_dtype(info.name, "x", x, [&](auto t) { return activation_of<decltype(t)>(info, x, parameters, out); });
}

inline py::object activation_backward(const ActivationInfo& info, py::handle grad, py::handle kept,
                                      const ActivationParameters& parameters, py::handle out) {
  return by_dtype(info.backward_name, info.kept, kept,
                  [&](auto t) { return activation_backward_of<decltype(t)>(info, grad, kept, parameters, out); });
}

// Parameters... are doubles; the names say how many.
template <class... Parameters, class... Names>
void bind_activation_pair(py::module_& m, const ActivationInfo& info, const Names&... names) {
  m.def(
      info.name,
      [&info](py::handle x, Parameters... parameters, py::handle out) {
        return activation(info, x, {parameters...}, out);
      },
      py::arg("x"), py::arg(names)..., py::arg("out"));
  m.def(
      info.backward_name,
      [&info](py::handle grad_output, py::handle kept, Parameters... parameters, py::handle out) {
        return activation_backward(info, grad_output, kept, {parameters...}, out);
      },
      py::arg("grad_output"), py::arg(info.kept), py::arg(names)..., py::arg("out"));
}

inline void bind_activation(py::module_& m) {
  for (const ActivationInfo& info : activations) {
    if (!info.first) {
      bind_activation_pair<>(m, info);
    } else if (!info.second) {
      bind_activation_pair<double>(m, info, info.first);
    } else {
      bind_activation_pair<double, double>(m, info, info.first, info.second);
    }
  }
}

}  // namespace fastnn::bindings
