#pragma once

#include "bindings/output.h"
#include "ops/linear.h"

namespace fastnn::bindings {

inline double linear_flops(const LinearSize& size) {
  return 2.0 * static_cast<double>(size.batch) * static_cast<double>(size.in_features) *
         static_cast<double>(size.out_features);
}

// The shape of x with another last dimension.
inline std::vector<int64_t> with_last(Shape x, int64_t last) {
  std::vector<int64_t> shape(x.begin(), x.end());
  shape.back() = last;
  return shape;
}

template <class T>
py::object linear(py::handle x_object, py::handle weight_object, py::handle bias_object, bool relu, py::handle out) {
  Input<T> x("linear", "x", x_object), weight("linear", "weight", weight_object);
  std::optional<Input<T>> bias;
  if (!bias_object.is_none()) bias.emplace("linear", "bias", bias_object);
  const LinearSize size =
      validate_linear("linear", x.shape(), weight.shape(), bias ? std::optional(bias->shape()) : std::nullopt);
  Output y("linear", out, py::dtype::of<T>(), with_last(x.shape(), size.out_features));
  y.apart_from(Aliasing::none, x.array(), weight.array());
  if (bias) y.apart_from(Aliasing::none, bias->array());
  const T *x_data = x.data(), *weight_data = weight.data(), *bias_data = bias ? bias->data() : nullptr;
  {
    const GilRelease release(linear_flops(size));
    cpu::linear_forward(size, x_data, weight_data, bias_data, relu, y.data<T>());
  }
  return y.finish();
}

template <class T>
py::object linear_backward(py::handle grad_object, py::handle x_object, py::handle weight_object,
                           const py::tuple& needs, bool accumulate, const py::tuple& out) {
  const char* op = "linear_backward";
  Input<T> x(op, "x", x_object), grad(op, "grad_output", grad_object), weight(op, "weight", weight_object);
  const LinearSize size = validate_linear_backward(grad.shape(), x.shape(), weight.shape());
  const int64_t bias_shape[] = {size.out_features};
  const Shape shapes[] = {x.shape(), weight.shape(), bias_shape};
  const char* names[] = {"out[0]", "out[1]", "out[2]"};
  std::optional<Output> outputs[3];
  T* data[3] = {};
  for (size_t i = 0; i < 3; ++i) {
    if (!as_bool(op, "needs", needs[i])) continue;
    outputs[i].emplace(op, py::handle(out[i]), py::dtype::of<T>(), shapes[i], names[i]);
    outputs[i]->apart_from(Aliasing::none, x.array(), grad.array(), weight.array());
    for (size_t j = 0; j < i; ++j) {
      if (outputs[j] && outputs[i]->overlaps(*outputs[j])) {
        fail_value(op, "expected the arrays of out not to overlap, got ", names[j], " and ", names[i], " that do");
      }
    }
    if (accumulate && i > 0) outputs[i]->keep_contents();
    data[i] = outputs[i]->data<T>();
  }
  const T *grad_data = grad.data(), *x_data = x.data(), *weight_data = weight.data();
  {
    const GilRelease release(2 * linear_flops(size));
    cpu::linear_backward<T>(size, grad_data, x_data, weight_data, {data[0], data[1], data[2], accumulate});
  }
  py::tuple results(3);
  for (size_t i = 0; i < 3; ++i) results[i] = outputs[i] ? py::object(outputs[i]->finish()) : py::none();
  return results;
}

inline py::tuple three_outputs(py::handle out, const py::tuple& needs, bool accumulate) {
  const char* op = "linear_backward";
  if (needs.size() != 3) fail_value(op, "expected needs to be three booleans, got ", needs.size(), " values");
  if (out.is_none()) {
    if (accumulate) fail_value(op, "expected out with accumulate=True, got None: there is nothing to add to");
    return py::make_tuple(py::none(), py::none(), py::none());
  }
  if (!py::isinstance<py::tuple>(out) || py::len(out) != 3) {
    fail_type(op, "expected out to be a tuple of three arrays or None, got ", type_name(out));
  }
  auto outs = py::reinterpret_borrow<py::tuple>(out);
  for (size_t i = 1; accumulate && i < 3; ++i) {
    if (as_bool(op, "needs", needs[i]) && outs[i].is_none()) {
      fail_value(op, "expected out[", i, "] to be an array with accumulate=True, got None");
    }
  }
  return outs;
}

inline void bind_linear(py::module_& m) {
  m.def(
      "linear",
      [](py::handle x, py::handle weight, py::handle bias, bool relu, py::handle out) {
        return by_dtype("linear", "x", x, [&](auto t) { return linear<decltype(t)>(x, weight, bias, relu, out); });
      },
      py::arg("x"), py::arg("weight"), py::arg("bias"), py::arg("relu"), py::arg("out"));
  m.def(
      "linear_backward",
      [](py::handle grad_output, py::handle x, py::handle weight, const py::tuple& needs, bool accumulate,
         py::handle out) {
        const py::tuple outs = three_outputs(out, needs, accumulate);
        return by_dtype("linear_backward", "x", x, [&](auto t) {
          return linear_backward<decltype(t)>(grad_output, x, weight, needs, accumulate, outs);
        });
      },
      py::arg("grad_output"), py::arg("x"), py::arg("weight"), py::arg("needs"), py::arg("accumulate"), py::arg("out"));
}

}  // namespace fastnn::bindings
