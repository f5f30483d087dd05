#pragma once

#include "bindings/bind_batch_norm.h"
#include "bindings/bind_pool2d.h"
#include "ops/batch_norm_max_pool2d.h"

namespace fastnn::bindings {

// Memory for what batch norm gives, or its gradient, where the backend does not make do without.
template <class T>
struct PlaneRoom {
  std::optional<Output> array;

  PlaneRoom(const char* op, const AxisView& view, const Pool2dSize& size, Shape shape) {
    if (backend::batch_norm_max_pool2d_room(view, size) > 0) array.emplace(op, py::none(), py::dtype::of<T>(), shape);
  }
  T* data() { return array ? array->template data<T>() : nullptr; }
};

// The maxima, their places where they are wanted, and the mean and 1 / sqrt(variance + eps).
template <class T>
py::object batch_norm_max_pool2d(py::handle x, const py::tuple& running, const py::tuple& affine,
                                 const BatchNormOptions& options, const Pool2dOptions& windows, bool places_wanted) {
  const char* op = "batch_norm_max_pool2d";
  BatchNormArrays<T> arrays(op, x, running, affine[0], affine[1], options);
  const Pool2dSize size = validate_batch_norm_max_pool2d(op, arrays.x.shape(), windows);
  const auto shape = pooled_shape(arrays.x.shape(), size);
  Output y(op, py::none(), py::dtype::of<T>(), shape);
  arrays.keep_apart(y, Aliasing::none);
  const FreshPlaces places(op, places_wanted ? Places::taps : Places::none, size, shape);
  PlaneRoom<T> room(op, arrays.view, size, arrays.x.shape());
  const auto inputs = arrays.inputs();
  const auto outputs = arrays.outputs(y);
  {
    const GilRelease release(arrays.flops() + pool2d_flops(size));
    backend::batch_norm_max_pool2d_forward(inputs, options, outputs, size, places.memory, room.data());
  }
  arrays.running.finish();
  return py::make_tuple(y.finish(), places.array, arrays.mean.finish(), arrays.invstd.finish());
}

// saved: x, the places, save_mean and save_invstd.
template <class T>
py::object batch_norm_max_pool2d_backward(py::handle grad_object, const py::tuple& saved_arrays,
                                          const py::tuple& affine, const BatchNormGradientOptions& options,
                                          Pool2dOptions windows, py::handle out) {
  const char* op = "batch_norm_max_pool2d_backward";
  BatchNormSaved<T> saved(op, saved_arrays[0], affine, saved_arrays[2], saved_arrays[3]);
  const Shape shape = saved.x.shape();
  Input<T> grad(op, "grad_output", grad_object);
  const Pool2dSize size = validate_batch_norm_max_pool2d(op, shape, windows);
  validate_pooled(op, "grad_output", grad.shape(), shape, size);
  const GivenPlaces places(op, saved_arrays[1], true, size, shape);
  Gradients<T> gradients(op, options.choice, out);
  saved.prepare(gradients, {&saved.x.array()}, grad, places.array);
  PlaneRoom<T> room(op, saved.view, size, shape);
  const auto inputs = saved.inputs(grad, options);
  const auto wanted = batch_norm_gradients(gradients, options);
  {
    const GilRelease release(saved.flops() + pool2d_flops(size));
    backend::batch_norm_max_pool2d_backward<T>(inputs, wanted, size, places.memory, room.data());
  }
  return gradients.finish();
}

inline void bind_batch_norm_max_pool2d(py::module_& m) {
  m.def(
      "batch_norm_max_pool2d",
      [](py::handle x, const py::tuple& running, const py::tuple& affine, const BatchNormOptions& options,
         py::handle windows, bool places) {
        const char* op = "batch_norm_max_pool2d";
        const Pool2dOptions chosen = pool2d_options(op, windows);
        return by_dtype(op, "x", x, [&](auto t) {
          return batch_norm_max_pool2d<decltype(t)>(x, running, affine, options, chosen, places);
        });
      },
      py::arg("x"), py::arg("running"), py::arg("affine"), py::arg("options"), py::arg("windows"), py::arg("places"));
  m.def(
      "batch_norm_max_pool2d_backward",
      [](py::handle grad_output, const py::tuple& saved, const py::tuple& affine,
         const BatchNormGradientOptions& options, py::handle windows, py::handle out) {
        const char* op = "batch_norm_max_pool2d_backward";
        const Pool2dOptions chosen = pool2d_options(op, windows);
        return by_dtype(op, "x", saved[0], [&](auto t) {
          return batch_norm_max_pool2d_backward<decltype(t)>(grad_output, saved, affine, options, chosen, out);
        });
      },
      py::arg("grad_output"), py::arg("saved"), py::arg("affine"), py::arg("options"), py::arg("windows"),
      py::arg("out"));
}

}  // namespace fastnn::bindings
