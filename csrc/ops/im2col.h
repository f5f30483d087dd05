// im2col: every window of a plane as a column (torch: unfold), x (N, C, H, W) -> (N, C kH kW, OH OW):
//   columns[n, (c, i, j), (p, q)] = x[n, c, p * stride - top + i * dilation, q * stride - left + j * dilation]
// and 0 in the padding. col2im (torch: fold) is its adjoint: it adds each element back where it came from, so
// either one is the other's backward.
#pragma once

#include <vector>

#include "ops/conv_geometry.h"

namespace fastnn {

struct Im2ColSize {
  int64_t batch, channels;
  Window window;
  bool batched;  // or of one image, without the axis of the batch

  int64_t taps() const { return window.h.kernel * window.w.kernel; }
  int64_t length() const { return window.h.output * window.w.output; }
};

struct Im2ColOptions {
  WindowOptions h, w;
};

inline Window validate_im2col_window(const char* op, const char* argument, int64_t H, int64_t W,
                                     const Im2ColOptions& options) {
  validate_window_options(op, options.h);
  validate_window_options(op, options.w);
  const Window window{make_axis(H, options.h), make_axis(W, options.w)};
  if (window.h.output < 1 || window.w.output < 1) {
    fail_value(op, "expected ", argument, " with its padding to hold a window of ", window.h.span(), " x ",
               window.w.span(), " cells, got ", H, " x ", W);
  }
  return window;
}

inline Im2ColSize validate_im2col(Shape x, const Im2ColOptions& options) {
  const size_t axes = x.size();
  if ((axes != 3 && axes != 4) || x[axes - 3] == 0 || x[axes - 2] == 0 || x[axes - 1] == 0) {
    fail_value("im2col", "expected x of shape (N, C, H, W) or (C, H, W), all but N at least 1, got ", to_string(x));
  }
  const Window window = validate_im2col_window("im2col", "x", x[axes - 2], x[axes - 1], options);
  return {axes == 4 ? x[0] : 1, x[axes - 3], window, axes == 4};
}

inline std::vector<int64_t> columns_shape(const Im2ColSize& size) {
  const int64_t rows[] = {size.channels, size.window.h.kernel, size.window.w.kernel};
  const int64_t cells[] = {size.window.h.output, size.window.w.output};
  std::vector<int64_t> shape{element_count("im2col", rows), element_count("im2col", cells)};
  if (size.batched) shape.insert(shape.begin(), size.batch);
  return shape;
}

inline Im2ColSize validate_col2im(Shape columns, int64_t H, int64_t W, const Im2ColOptions& options) {
  const char* op = "col2im";
  validate_window_option(op, "output_size", H, 1);
  validate_window_option(op, "output_size", W, 1);
  const Window window = validate_im2col_window(op, "output_size", H, W, options);
  const int64_t kernel[] = {window.h.kernel, window.w.kernel}, output[] = {window.h.output, window.w.output};
  const int64_t taps = element_count(op, kernel), length = element_count(op, output);
  const size_t axes = columns.size();
  if ((axes != 2 && axes != 3) || columns[axes - 2] == 0 || columns[axes - 2] % taps != 0 ||
      columns[axes - 1] != length) {
    fail_value(op, "expected columns of shape (N, C * ", taps, ", ", length, ") or (C * ", taps, ", ", length,
               ") for output_size ", H, " x ", W, ", got ", to_string(columns));
  }
  return {axes == 3 ? columns[0] : 1, columns[axes - 2] / taps, window, axes == 3};
}

inline std::vector<int64_t> image_shape(const Im2ColSize& size) {
  std::vector<int64_t> shape{size.channels, size.window.h.size, size.window.w.size};
  if (size.batched) shape.insert(shape.begin(), size.batch);
  return shape;
}

namespace FASTNN_BACKEND {

template <class T>
void im2col(const Im2ColSize& size, const T* x, T* columns);
template <class T>
void col2im(const Im2ColSize& size, const T* columns, T* x);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
