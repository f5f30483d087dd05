#pragma once

#include "bindings/integers.h"
#include "bindings/output.h"
#include "ops/im2col.h"

namespace fastnn::bindings {

// (kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, top, bottom, left, right)
inline Im2ColOptions im2col_options(const char* op, const py::tuple& window) {
  const auto v = as_integers<10>(op, "window", window);
  return {{v[0], v[2], v[4], v[6], v[7]}, {v[1], v[3], v[5], v[8], v[9]}};
}

inline double im2col_flops(const Im2ColSize& size) {
  return static_cast<double>(size.batch) * static_cast<double>(size.channels) * static_cast<double>(size.taps()) *
         static_cast<double>(size.length());
}

template <class T>
py::object im2col(py::handle x_object, const Im2ColOptions& options, py::handle out) {
  Input<T> x("im2col", "x", x_object);
  const Im2ColSize size = validate_im2col(x.shape(), options);
  Output columns("im2col", out, py::dtype::of<T>(), columns_shape(size));
  columns.apart_from(Aliasing::none, x);
  const T* x_data = x.data();
  {
    const GilRelease release(im2col_flops(size));
    backend::im2col(size, x_data, columns.data<T>());
  }
  return columns.finish();
}

template <class T>
py::object col2im(py::handle columns_object, int64_t H, int64_t W, const Im2ColOptions& options, py::handle out) {
  Input<T> columns("col2im", "columns", columns_object);
  const Im2ColSize size = validate_col2im(columns.shape(), H, W, options);
  Output x("col2im", out, py::dtype::of<T>(), image_shape(size));
  x.apart_from(Aliasing::none, columns);
  const T* columns_data = columns.data();
  {
    const GilRelease release(im2col_flops(size));
    backend::col2im(size, columns_data, x.data<T>());
  }
  return x.finish();
}

inline void bind_im2col(py::module_& m) {
  m.def(
      "im2col",
      [](py::handle x, const py::tuple& window, py::handle out) {
        const Im2ColOptions options = im2col_options("im2col", window);
        return by_dtype("im2col", "x", x, [&](auto t) { return im2col<decltype(t)>(x, options, out); });
      },
      py::arg("x"), py::arg("window"), py::arg("out"));
  m.def(
      "col2im",
      [](py::handle columns, const py::tuple& output_size, const py::tuple& window, py::handle out) {
        const Im2ColOptions options = im2col_options("col2im", window);
        const auto size = as_integers<2>("col2im", "output_size", output_size);
        return by_dtype("col2im", "columns", columns,
                        [&](auto t) { return col2im<decltype(t)>(columns, size[0], size[1], options, out); });
      },
      py::arg("columns"), py::arg("output_size"), py::arg("window"), py::arg("out"));
}

}  // namespace fastnn::bindings
