#pragma once

#include "bindings/integers.h"
#include "bindings/output.h"
#include "ops/pool2d.h"

namespace fastnn::bindings {

inline Pool2dOptions sliding_windows(const py::tuple& kernel_size, const py::tuple& stride, const py::tuple& padding,
                                     const py::tuple& dilation, bool ceil_mode, bool count_include_pad,
                                     int64_t divisor) {
  const char* op = "pool2d";
  const auto kernel = as_integers<2>(op, "kernel_size", kernel_size), step = as_integers<2>(op, "stride", stride);
  const auto sides = as_integers<4>(op, "padding", padding);
  const auto apart = as_integers<2>(op, "dilation", dilation);
  return {.h = {kernel[0], step[0], apart[0], sides[0], sides[1]},
          .w = {kernel[1], step[1], apart[1], sides[2], sides[3]},
          .ceil_mode = ceil_mode,
          .count_include_pad = count_include_pad,
          .divisor = divisor};
}

// A class of its own in Python, since it takes other arguments.
struct AdaptivePool2dOptions : Pool2dOptions {
  explicit AdaptivePool2dOptions(const py::tuple& output_size) {
    const auto output = as_integers<2>("pool2d", "output_size", output_size);
    adaptive = true;
    output_h = output[0];
    output_w = output[1];
  }
};

inline Pool2dOptions pool2d_options(const char* op, py::handle object) {
  if (py::isinstance<AdaptivePool2dOptions>(object)) return object.cast<AdaptivePool2dOptions>();
  if (py::isinstance<Pool2dOptions>(object)) return object.cast<Pool2dOptions>();
  fail_type(op, "expected options to be Pool2dOptions or AdaptivePool2dOptions, got ", type_name(object));
}

// The function's name for errors, without "adaptive_" for windows that are not.
inline const char* op_name(const Pool2dOptions& options, const char* adaptive_name) {
  constexpr size_t prefix = sizeof("adaptive_") - 1;
  return options.adaptive ? adaptive_name : adaptive_name + prefix;
}

// Comparisons or additions, for the interpreter's lock.
inline double pool2d_flops(const Pool2dSize& size) {
  const auto& [h, w] = size.window;
  const double outputs =
      static_cast<double>(size.planes) * static_cast<double>(h.output) * static_cast<double>(w.output);
  const double inputs = static_cast<double>(size.planes) * static_cast<double>(h.size) * static_cast<double>(w.size);
  return inputs + outputs * static_cast<double>(h.kernel) * static_cast<double>(w.kernel);
}

enum class Places { none, indices, taps };

// What a forward says of where its maxima lie; taps that do not fit a byte are indices.
struct FreshPlaces {
  py::object array = py::none();
  backend::MaxPlaces memory;

  FreshPlaces(const char* op, Places wanted, const Pool2dSize& size, Shape shape) {
    if (wanted == Places::none) return;
    const bool bytes = wanted == Places::taps && taps_fit_bytes(size);
    Array fresh = allocate(bytes ? py::dtype::of<uint8_t>() : py::dtype::of<int64_t>(), shape, op);
    void* data = fresh.mutable_data();
    memory = bytes ? backend::MaxPlaces{nullptr, static_cast<uint8_t*>(data)}
                   : backend::MaxPlaces{static_cast<int64_t*>(data), nullptr};
    array = fresh;
  }
};

// y, and with places the pair of y and these.
template <class T>
py::object max_pool2d(py::handle x_object, const Pool2dOptions& options, Places wanted, py::handle out) {
  const char* op = op_name(options, "adaptive_max_pool2d");
  Input<T> x(op, "x", x_object);
  const Pool2dSize size = validate_pool2d(op, "x", x.shape(), options);
  const auto shape = pooled_shape(x.shape(), size);
  Output y(op, out, py::dtype::of<T>(), shape);
  y.apart_from(Aliasing::none, x);
  const FreshPlaces places(op, wanted, size, shape);
  const T* x_data = x.data();
  {
    const GilRelease release(pool2d_flops(size));
    backend::max_pool2d_forward(size, x_data, y.data<T>(), places.memory);
  }
  py::object result = y.finish();
  return wanted == Places::none ? result : py::object(py::make_tuple(result, places.array));
}

// The places that a backward is given, checked.
struct GivenPlaces {
  Array array;
  backend::MaxPlaces memory;

  GivenPlaces(const char* op, py::handle object, bool taps_allowed, const Pool2dSize& size, Shape input_shape)
      : array(as_array(op, "indices", object)) {
    const py::dtype dtype = array.dtype();
    const bool bytes = taps_allowed && dtype.kind() == 'u' && dtype.itemsize() == 1;
    if (!bytes && (dtype.kind() != 'i' || dtype.itemsize() != 8)) {
      fail_type(op, "expected indices of dtype int64, got ", dtype_name(array),
                "; convert them with indices.astype(numpy.int64)");
    }
    validate_pooled(op, "indices", shape_of(array), input_shape, size);
    if (bytes) {
      if (!taps_fit_bytes(size)) fail_type(op, "expected indices of dtype int64, got uint8");
      array = plain<uint8_t>(array);
      memory.taps = const_cast<uint8_t*>(static_cast<const uint8_t*>(array.data()));
    } else {
      array = plain<int64_t>(array);
      memory.indices = const_cast<int64_t*>(static_cast<const int64_t*>(array.data()));
      backend::check_max_pool2d_indices(size, shape_of(array), memory.indices);
    }
  }
};

template <class T>
py::object max_pool2d_backward(py::handle grad_object, py::handle places_object, const py::tuple& input_shape,
                               Pool2dOptions options, bool taps_allowed, py::handle out) {
  const char* op = op_name(options, "adaptive_max_pool2d_backward");
  Input<T> grad(op, "grad_output", grad_object);
  const auto shape = as_integers(op, "input_shape", input_shape);
  take_adaptive_output(op, grad.shape(), shape, options);
  const Pool2dSize size = validate_pool2d(op, "input_shape", shape, options);
  validate_pooled(op, "grad_output", grad.shape(), shape, size);
  const GivenPlaces places(op, places_object, taps_allowed, size, shape);
  Output grad_x(op, out, py::dtype::of<T>(), shape);
  grad_x.apart_from(Aliasing::none, grad, places.array);
  const T* grad_data = grad.data();
  {
    const GilRelease release(pool2d_flops(size));
    backend::max_pool2d_backward(size, grad_data, places.memory, grad_x.data<T>());
  }
  return grad_x.finish();
}

template <class T>
py::object avg_pool2d(py::handle x_object, const Pool2dOptions& options, py::handle out) {
  const char* op = op_name(options, "adaptive_avg_pool2d");
  Input<T> x(op, "x", x_object);
  const Pool2dSize size = validate_pool2d(op, "x", x.shape(), options);
  Output y(op, out, py::dtype::of<T>(), pooled_shape(x.shape(), size));
  y.apart_from(Aliasing::none, x);
  const T* x_data = x.data();
  {
    const GilRelease release(pool2d_flops(size));
    backend::avg_pool2d_forward(size, options, x_data, y.data<T>());
  }
  return y.finish();
}

template <class T>
py::object avg_pool2d_backward(py::handle grad_object, const py::tuple& input_shape, Pool2dOptions options,
                               py::handle out) {
  const char* op = op_name(options, "adaptive_avg_pool2d_backward");
  Input<T> grad(op, "grad_output", grad_object);
  const auto shape = as_integers(op, "input_shape", input_shape);
  take_adaptive_output(op, grad.shape(), shape, options);
  const Pool2dSize size = validate_pool2d(op, "input_shape", shape, options);
  validate_pooled(op, "grad_output", grad.shape(), shape, size);
  Output grad_x(op, out, py::dtype::of<T>(), shape);
  grad_x.apart_from(Aliasing::none, grad);
  const T* grad_data = grad.data();
  {
    const GilRelease release(pool2d_flops(size));
    backend::avg_pool2d_backward(size, options, grad_data, grad_x.data<T>());
  }
  return grad_x.finish();
}

// Layers keep options, and options never change: a copy of a layer has the same ones.
template <class Options, class Define>
void bind_pool2d_options(py::module_& m, const char* name, const Define& define) {
  bind_options<Options>(m, name, [&](auto options) {
    define(options);
    options.def("__deepcopy__", [](py::object self, py::handle) { return self; }, py::arg("memo"));
  });
}

inline void bind_max_pool2d(py::module_& m, const char* name, Places wanted) {
  m.def(
      name,
      [wanted](py::handle x, py::handle options, py::handle out) {
        const Pool2dOptions chosen = pool2d_options("max_pool2d", options);
        return by_dtype(op_name(chosen, "adaptive_max_pool2d"), "x", x,
                        [&](auto t) { return max_pool2d<decltype(t)>(x, chosen, wanted, out); });
      },
      py::arg("x"), py::arg("options"), py::arg("out"));
}

inline void bind_max_pool2d_backward(py::module_& m, const char* name, bool taps_allowed) {
  m.def(
      name,
      [taps_allowed](py::handle grad_output, py::handle places, const py::tuple& input_shape, py::handle options,
                     py::handle out) {
        const Pool2dOptions chosen = pool2d_options("max_pool2d_backward", options);
        return by_dtype(op_name(chosen, "adaptive_max_pool2d_backward"), "grad_output", grad_output, [&](auto t) {
          return max_pool2d_backward<decltype(t)>(grad_output, places, input_shape, chosen, taps_allowed, out);
        });
      },
      py::arg("grad_output"), py::arg("places"), py::arg("input_shape"), py::arg("options"), py::arg("out"));
}

inline void bind_pool2d(py::module_& m) {
  bind_pool2d_options<Pool2dOptions>(m, "Pool2dOptions", [](auto& options) {
    options.def(py::init(&sliding_windows), py::kw_only(), py::arg("kernel_size"), py::arg("stride"),
                py::arg("padding"), py::arg("dilation"), py::arg("ceil_mode") = false,
                py::arg("count_include_pad") = true, py::arg("divisor") = 0);
  });
  bind_pool2d_options<AdaptivePool2dOptions>(m, "AdaptivePool2dOptions", [](auto& options) {
    options.def(py::init<const py::tuple&>(), py::kw_only(), py::arg("output_size"));
  });
  bind_max_pool2d(m, "max_pool2d", Places::none);
  bind_max_pool2d(m, "max_pool2d_with_indices", Places::indices);
  bind_max_pool2d(m, "max_pool2d_with_taps", Places::taps);
  bind_max_pool2d_backward(m, "max_pool2d_backward", false);
  bind_max_pool2d_backward(m, "max_pool2d_backward_of_taps", true);
  m.def(
      "avg_pool2d",
      [](py::handle x, py::handle options, py::handle out) {
        const Pool2dOptions chosen = pool2d_options("avg_pool2d", options);
        return by_dtype(op_name(chosen, "adaptive_avg_pool2d"), "x", x,
                        [&](auto t) { return avg_pool2d<decltype(t)>(x, chosen, out); });
      },
      py::arg("x"), py::arg("options"), py::arg("out"));
  m.def(
      "avg_pool2d_backward",
      [](py::handle grad_output, const py::tuple& input_shape, py::handle options, py::handle out) {
        const Pool2dOptions chosen = pool2d_options("avg_pool2d_backward", options);
        return by_dtype(op_name(chosen, "adaptive_avg_pool2d_backward"), "grad_output", grad_output, [&](auto t) {
          return avg_pool2d_backward<decltype(t)>(grad_output, input_shape, chosen, out);
        });
      },
      py::arg("grad_output"), py::arg("input_shape"), py::arg("options"), py::arg("out"));
}

}  // namespace fastnn::bindings
