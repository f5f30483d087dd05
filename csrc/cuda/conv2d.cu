#include "ops/conv2d.h"

#include "cuda/context.h"
#include "cuda/conv2d_parts.cuh"
#include "cuda/gemm.cuh"
#include "cuda/split_sums.cuh"

namespace fastnn::cuda {
namespace {

Sides sides(const Window& w) { return {w.h.before, w.h.after, w.w.before, w.w.after}; }

int64_t padding(const WindowAxis& a) { return a.before | a.after; }

bool needs_padded_copy(const Conv2dSize& s) {
  return s.padding_mode != PaddingMode::zeros && (padding(s.window.h) | padding(s.window.w)) != 0;
}

// The same convolution of an x that has its padding already.
Conv2dSize with_padded_input(Conv2dSize s) {
  for (WindowAxis* axis : {&s.window.h, &s.window.w}) {
    axis->size += axis->before + axis->after;
    axis->before = axis->after = 0;
  }
  return s;
}

int64_t input_elements(const Conv2dSize& s) {
  const int64_t shape[] = {s.batch, s.channels, s.window.h.size, s.window.w.size};
  return element_count("conv2d", shape);
}

// x with the cells that another padding mode than zeros puts around it.
template <class T>
const T* padded_input(const Conv2dSize& s, const T* x) {
  T* padded = scratch<T>(input_elements(with_padded_input(s)));
  pad_planes<T>(s.padding_mode, s.batch * s.channels, s.window.h.size, s.window.w.size, sides(s.window), x, padded);
  return padded;
}

// Cells of a plane are then columns of a product; small planes fill its tiles badly.
bool is_plain_product(const Conv2dSize& s) {
  const auto plain = [](const WindowAxis& a) { return a.kernel == 1 && a.stride == 1 && padding(a) == 0; };
  return s.groups == 1 && plain(s.window.h) && plain(s.window.w) && s.window.h.size * s.window.w.size >= 64;
}

template <class T>
bool fits_int(const Correlation<T, int64_t>& c) {
  bool fits = is_small({c.batch, c.groups, c.sums, c.h[0].size, c.w[0].size}) &&
              is_small({c.batch, c.groups, c.results, c.y_height, c.y_width}) && is_small({c.groups, c.group_step});
  for (int i = 0; i < c.h_phases; ++i) fits &= fits_int(c.h[i]);
  for (int i = 0; i < c.w_phases; ++i) fits &= fits_int(c.w[i]);
  return fits;
}

template <class I, class T>
void run_with(const Correlation<T, int64_t>& c, bool directly) {
  const auto n = [](int64_t value) { return static_cast<I>(value); };
  Correlation<T, I> narrow{c.name,
                           c.x,
                           c.weight,
                           c.y,
                           c.epilogue,
                           n(c.batch),
                           n(c.groups),
                           n(c.sums),
                           n(c.results),
                           n(c.group_step),
                           n(c.result_step),
                           n(c.sum_step),
                           n(c.kernel_w),
                           n(c.y_height),
                           n(c.y_width),
                           c.h_phases,
                           c.w_phases,
                           {},
                           {}};
  for (int i = 0; i < c.h_phases; ++i) narrow.h[i] = narrowed<I>(c.h[i]);
  for (int i = 0; i < c.w_phases; ++i) narrow.w[i] = narrowed<I>(c.w[i]);
  directly ? correlate_directly(narrow) : correlate_by_tiles(narrow);
}

template <class T>
void run(const Correlation<T, int64_t>& c, bool directly) {
  fits_int(c) ? run_with<int>(c, directly) : run_with<int64_t>(c, directly);
}

// But for its axes.
template <class T>
Correlation<T, int64_t> correlation(const Conv2dSize& s, const char* name, const T* x, const T* weight, T* y) {
  Correlation<T, int64_t> c{};
  c.name = name;
  c.x = x;
  c.weight = weight;
  c.y = y;
  c.batch = s.batch;
  c.groups = s.groups;
  c.sums = s.channels / s.groups;
  c.results = s.out_channels / s.groups;
  c.kernel_w = s.window.w.kernel;
  c.sum_step = s.window.h.kernel * s.window.w.kernel;
  c.result_step = c.sums * c.sum_step;
  c.group_step = c.results * c.result_step;
  c.y_height = s.window.h.output;
  c.y_width = s.window.w.output;
  c.h_phases = c.w_phases = 1;
  return c;
}

template <class T>
void adjoint(const Conv2dSize& s, const T* grad_output, const T* weight, T* grad_x) {
  Correlation<T, int64_t> c = correlation(s, "conv2d_backward", grad_output, weight, grad_x);
  std::swap(c.sums, c.results);
  std::swap(c.sum_step, c.result_step);
  c.y_height = s.window.h.size;
  c.y_width = s.window.w.size;
  constexpr int64_t most = Correlation<T, int64_t>::most_phases;
  for (int64_t h = 0; h < phases(s.window.h); h += most) {
    c.h_phases = static_cast<int>(std::min(most, phases(s.window.h) - h));
    for (int i = 0; i < c.h_phases; ++i) c.h[i] = adjoint_axis(s.window.h, h + i);
    for (int64_t w = 0; w < phases(s.window.w); w += most) {
      c.w_phases = static_cast<int>(std::min(most, phases(s.window.w) - w));
      for (int i = 0; i < c.w_phases; ++i) c.w[i] = adjoint_axis(s.window.w, w + i);
      run(c, is_depthwise(s));
    }
  }
}

template <class T>
void grad_x(const Conv2dSize& s, const T* grad_output, const T* weight, T* to) {
  if (needs_padded_copy(s)) {
    const Conv2dSize padded = with_padded_input(s);
    T* grad = scratch<T>(input_elements(padded));
    adjoint(padded, grad_output, weight, grad);
    return pad_planes_backward<T>(s.padding_mode, s.batch * s.channels, s.window.h.size, s.window.w.size,
                                  sides(s.window), grad, to);
  }
  if (!is_plain_product(s)) return adjoint(s, grad_output, weight, to);
  const int64_t cells = s.window.h.size * s.window.w.size;
  gemm<T>({.name = "conv2d_backward",
           .M = s.channels,
           .N = cells,
           .K = s.out_channels,
           .a = {weight, s.channels, true},
           .b = {grad_output, cells, false, s.out_channels * cells},
           .c = to,
           .batch = s.batch});
}

template <class T>
void product_forward(const Conv2dSize& s, const T* x, const T* weight, const T* bias, bool relu, T* y) {
  const int64_t cells = s.window.h.size * s.window.w.size;
  gemm<T>({.name = "conv2d",
           .M = s.out_channels,
           .N = cells,
           .K = s.channels,
           .a = {weight, s.channels},
           .b = {x, cells, false, s.channels * cells},
           .c = y,
           .row_bias = bias,
           .relu = relu,
           .batch = s.batch});
}

}  // namespace

template <class T>
void conv2d_forward(const Conv2dSize& s, const T* x, const T* weight, const T* bias, bool relu, T* y) {
  if (needs_padded_copy(s)) {
    return conv2d_forward(with_padded_input(s), padded_input(s, x), weight, bias, relu, y);
  }
  if (is_plain_product(s)) return product_forward(s, x, weight, bias, relu, y);
  Correlation<T, int64_t> c = correlation(s, "conv2d", x, weight, y);
  c.epilogue = {bias, nullptr, relu, false};
  c.h[0] = forward_axis(s.window.h);
  c.w[0] = forward_axis(s.window.w);
  run(c, is_depthwise(s));
}

template <class T>
void conv2d_backward(const Conv2dSize& s, const T* grad_output, const T* x, const T* weight,
                     const Conv2dGradients<T>& grads) {
  if (grads.x) grad_x(s, grad_output, weight, grads.x);
  if (grads.weight && needs_padded_copy(s)) {
    conv2d_grad_weight(with_padded_input(s), grad_output, padded_input(s, x), grads.accumulate, grads.weight);
  }
  if (grads.weight && !needs_padded_copy(s)) conv2d_grad_weight(s, grad_output, x, grads.accumulate, grads.weight);
  if (grads.bias) {
    sum_channels("conv2d_backward", {s.batch, s.out_channels, s.window.h.output * s.window.w.output}, grad_output,
                 grads.accumulate, grads.bias);
  }
}

#define INSTANTIATE(T)                                                                     \
  template void conv2d_forward(const Conv2dSize&, const T*, const T*, const T*, bool, T*); \
  template void conv2d_backward(const Conv2dSize&, const T*, const T*, const T*, const Conv2dGradients<T>&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cuda
