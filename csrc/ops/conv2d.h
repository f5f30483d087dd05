// conv2d: cross-correlation of planes x (N, C, H, W) with filters (O, C / groups, kH, kW), of input cells
// i * stride - padding + tap * dilation; an unbatched x (C, H, W) is a batch of one.
//   y[n, o, i, j] = bias[o] + sum over c, a, b of weight[o, c, a, b] * padded x[n, group of o, c, ...]
// Its gradients are the adjoint maps: grad_x sums over the outputs that a cell was seen by, grad_weight over
// all images and output cells, grad_bias over grad_output alone.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "ops/conv_geometry.h"
#include "ops/pad.h"

namespace fastnn {

// How sums may be taken: by their definition, or by Winograd's transforms where a kernel has them (3x3 windows of
// stride and dilation 1), in fewer products and with other roundings.
enum class Conv2dAlgorithm { direct, winograd };

inline Conv2dAlgorithm parse_conv2d_algorithm(const char* op, std::string_view name) {
  if (name == "direct") return Conv2dAlgorithm::direct;
  if (name == "winograd") return Conv2dAlgorithm::winograd;
  fail_value(op, "expected algorithm \"direct\" or \"winograd\", got \"", name, "\"");
}

struct Conv2dOptions {
  std::array<int64_t, 2> stride{1, 1};
  Sides padding{0, 0, 0, 0};
  std::array<int64_t, 2> dilation{1, 1};
  int64_t groups = 1;
  PaddingMode padding_mode = PaddingMode::zeros;
  Conv2dAlgorithm algorithm = Conv2dAlgorithm::direct;
};

struct Conv2dSize {
  int64_t batch, channels, out_channels, groups;
  Window window;
  PaddingMode padding_mode;
  Conv2dAlgorithm algorithm;
};

// Of the result: x's shape with the filters for channels and the window's outputs for cells.
inline std::vector<int64_t> conv2d_output_shape(Shape x, const Conv2dSize& s) {
  std::vector<int64_t> shape{s.out_channels, s.window.h.output, s.window.w.output};
  if (x.size() == 4) shape.insert(shape.begin(), s.batch);
  return shape;
}

inline void validate_conv2d_weight(const char* op, Shape x, Shape weight, const Conv2dOptions& options) {
  const int64_t channels = x[x.size() - 3], groups = options.groups;
  if (groups < 1 || channels < 1 || channels % groups != 0) {
    fail_value(op, "expected groups that divide the channels of x of shape ", to_string(x), ", at least one, got ",
               groups);
  }
  if (weight.size() != 4 || weight[1] != channels / groups) {
    fail_value(op, "expected weight of shape (O, ", channels / groups, ", kH, kW) for x of shape ", to_string(x),
               " with groups=", groups, ", got ", to_string(weight));
  }
  if (weight[0] < 1 || weight[0] % groups != 0 || weight[2] < 1 || weight[3] < 1) {
    fail_value(op, "expected weight of shape (O, ", channels / groups, ", kH, kW), O a multiple of groups=", groups,
               " and none of them 0, got ", to_string(weight));
  }
}

inline Conv2dSize validate_conv2d(const char* op, Shape x, Shape weight, std::optional<Shape> bias,
                                  const Conv2dOptions& options) {
  if (x.size() != 4 && x.size() != 3) {
    fail_value(op, "expected x of shape (N, C, H, W) or (C, H, W), got ", to_string(x));
  }
  validate_conv2d_weight(op, x, weight, options);
  if (bias && (bias->size() != 1 || (*bias)[0] != weight[0])) {
    fail_value(op, "expected bias of shape (", weight[0], ",) for weight of shape ", to_string(weight), ", got ",
               to_string(*bias));
  }
  const int64_t H = x[x.size() - 2], W = x[x.size() - 1];
  const Sides& p = options.padding;
  const WindowOptions h{weight[2], options.stride[0], options.dilation[0], p.top, p.bottom};
  const WindowOptions w{weight[3], options.stride[1], options.dilation[1], p.left, p.right};
  validate_window_options(op, h);
  validate_window_options(op, w);
  const Conv2dSize size{x.size() == 4 ? x[0] : 1,           x[x.size() - 3],      weight[0],        options.groups,
                        {make_axis(H, h), make_axis(W, w)}, options.padding_mode, options.algorithm};
  if (size.window.h.output < 1 || size.window.w.output < 1) {
    fail_value(op, "expected a padded x of at least ", size.window.h.span(), " x ", size.window.w.span(),
               " cells for weight of shape ", to_string(weight), ", got x of shape ", to_string(x));
  }
  validate_padding_mode(op, options.padding_mode, H, W, p);
  return size;
}

inline Conv2dSize validate_conv2d_backward(Shape grad_output, Shape x, Shape weight, const Conv2dOptions& options) {
  const Conv2dSize size = validate_conv2d("conv2d_backward", x, weight, std::nullopt, options);
  const auto expected = conv2d_output_shape(x, size);
  if (!same(grad_output, expected)) {
    fail_value("conv2d_backward", "expected grad_output of shape ", to_string(expected), " for x of shape ",
               to_string(x), " and weight of shape ", to_string(weight), ", got ", to_string(grad_output));
  }
  return size;
}

inline Sides padding(const Window& w) { return {w.h.before, w.h.after, w.w.before, w.w.after}; }

// Whether x has to be written down with the cells that another padding mode than zeros puts around it.
inline bool needs_padded_copy(const Conv2dSize& s) {
  const Sides p = padding(s.window);
  return s.padding_mode != PaddingMode::zeros && (p.top | p.bottom | p.left | p.right) != 0;
}

// The same convolution of an x that has its padding already.
inline Conv2dSize with_padded_input(Conv2dSize s) {
  for (WindowAxis* axis : {&s.window.h, &s.window.w}) {
    axis->size += axis->before + axis->after;
    axis->before = axis->after = 0;
  }
  return s;
}

inline int64_t input_elements(const Conv2dSize& s) {
  const int64_t shape[] = {s.batch, s.channels, s.window.h.size, s.window.w.size};
  return element_count("conv2d", shape);
}

namespace FASTNN_BACKEND {

template <class T>
void conv2d_forward(const Conv2dSize& size, const T* x, const T* weight, const T* bias, bool relu, T* y);

template <class T>
struct Conv2dGradients {
  T* x;  // null where not wanted
  T* weight;
  T* bias;
  bool accumulate;  // add to weight's and bias' gradients
};

template <class T>
void conv2d_backward(const Conv2dSize& size, const T* grad_output, const T* x, const T* weight,
                     const Conv2dGradients<T>& grads);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
