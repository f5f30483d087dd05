// Convolutions and their gradients against sums over every output cell and tap, in long double, for all options; sizes
// around the edges of the tiles; the bits of an image do not depend on the batch.
#include <cmath>
#include <limits>
#include <vector>

#include "../cpp/check.h"
#include "cuda/divisor.cuh"
#include "ops/conv2d.h"
#include "simt/call.h"

using fastnn::Conv2dOptions;
using fastnn::Conv2dSize;
using fastnn::PaddingMode;
using fastnn::WindowAxis;

namespace {

// The cell of x that a cell of the padded axis copies; -1 where it holds a value of its own.
int64_t source(PaddingMode mode, int64_t i, int64_t size) {
  if (i >= 0 && i < size) return i;
  if (mode == PaddingMode::reflect) return i < 0 ? -i : 2 * size - 2 - i;
  if (mode == PaddingMode::replicate) return i < 0 ? 0 : size - 1;
  if (mode == PaddingMode::circular) return (i + size) % size;
  return -1;
}

// body(weight index, y index, x plane, x cell or -1) for each product of the convolution.
template <class Body>
void for_each_product(const Conv2dSize& s, const Body& body) {
  const WindowAxis &h = s.window.h, &w = s.window.w;
  const int64_t sums = s.channels / s.groups, results = s.out_channels / s.groups;
  for (int64_t y = 0; y < s.batch * s.out_channels * h.output * w.output; ++y) {
    const int64_t j = y % w.output, i = y / w.output % h.output, o = y / w.output / h.output % s.out_channels,
                  n = y / w.output / h.output / s.out_channels;
    for (int64_t tap = 0; tap < sums * h.kernel * w.kernel; ++tap) {
      const int64_t c = o / results * sums + tap / (h.kernel * w.kernel);
      const int64_t row = source(s.padding_mode, h.first(i) + tap / w.kernel % h.kernel * h.dilation, h.size);
      const int64_t column = source(s.padding_mode, w.first(j) + tap % w.kernel * w.dilation, w.size);
      body(o * sums * h.kernel * w.kernel + tap, y, n * s.channels + c,
           row < 0 || column < 0 ? -1 : row * w.size + column);
    }
  }
}

// A case's arrays, and what should come out.
template <class T>
struct Case {
  Conv2dSize size;
  simt::Array<T> x, weight, bias, grad;
  std::vector<long double> y, grad_x, grad_weight, grad_bias;

  static simt::Array<T> noise(int64_t n, int64_t seed, int64_t offset) {
    return simt::Array<T>(n, [=](int64_t i) { return simt::noise(i + seed) / 4; }, offset);
  }
  static std::vector<long double> zeros(int64_t n) { return std::vector<long double>(static_cast<size_t>(n)); }
  int64_t cells() const { return size.window.h.size * size.window.w.size; }
  int64_t outputs() const { return size.window.h.output * size.window.w.output; }
  static int64_t weights(const Conv2dSize& s) {
    return s.out_channels * (s.channels / s.groups) * s.window.h.kernel * s.window.w.kernel;
  }

  Case(const Conv2dSize& s, int64_t offset)
      : size(s),
        x(noise(s.batch * s.channels * cells(), 1, offset)),
        weight(noise(weights(s), 2, offset)),
        bias(noise(s.out_channels, 3, offset)),
        grad(noise(s.batch * s.out_channels * outputs(), 4, offset)),
        y(zeros(grad.size())),
        grad_x(zeros(x.size())),
        grad_weight(zeros(weight.size())),
        grad_bias(zeros(bias.size())) {
    fill();
  }

  long double mean(int64_t plane) {
    long double sum = 0;
    for (int64_t i = 0; i < cells(); ++i) sum += x[plane * cells() + i];
    return sum / static_cast<long double>(cells());
  }

  void fill() {
    std::vector<long double> means = zeros(size.batch * size.channels);
    const bool takes_mean = size.padding_mode == PaddingMode::mean;
    for (size_t p = 0; takes_mean && p < means.size(); ++p) means[p] = mean(static_cast<int64_t>(p));
    for_each_product(size, [&](int64_t w, int64_t at, int64_t plane, int64_t cell) {
      const long double weight_value = weight[w], grad_value = grad[at];
      const long double value = cell >= 0 ? x[plane * cells() + cell] : means[static_cast<size_t>(plane)];
      y[static_cast<size_t>(at)] += weight_value * value;
      grad_weight[static_cast<size_t>(w)] += grad_value * value;
      if (cell >= 0) grad_x[static_cast<size_t>(plane * cells() + cell)] += grad_value * weight_value;
      for (int64_t i = 0; cell < 0 && takes_mean && i < cells(); ++i) {
        grad_x[static_cast<size_t>(plane * cells() + i)] +=
            grad_value * weight_value / static_cast<long double>(cells());
      }
    });
    for (int64_t i = 0; i < grad.size(); ++i) {
      grad_bias[static_cast<size_t>(i / outputs() % size.out_channels)] += grad[i];
    }
  }
};

template <class T, class Expected>
void check_near(simt::Array<T>& values, double terms, const Expected& expected) {
  const double tolerance = 4 * (terms + 4) * static_cast<double>(std::numeric_limits<T>::epsilon());
  for (int64_t i = 0; i < values.size(); ++i) CHECK(std::abs(values[i] - expected(i)) <= tolerance);
}

template <class T>
void check_forward(Case<T>& c, bool with_bias, bool relu, int64_t offset) {
  simt::Array<T> y(c.grad.size(), offset);
  fastnn::cuda::conv2d_forward<T>(c.size, c.x.data(), c.weight.data(), with_bias ? c.bias.data() : nullptr, relu,
                                  y.data());
  check_near(y, static_cast<double>(c.weight.size()), [&](int64_t i) {
    long double value = c.y[static_cast<size_t>(i)];
    if (with_bias) value += c.bias[i / c.outputs() % c.size.out_channels];
    return relu && value < 0 ? 0.0L : value;
  });
}

template <class T>
void check_backward(Case<T>& c, bool accumulate, int64_t offset) {
  const double before = accumulate ? 2.0 : 0.0;
  const auto filled = [](int64_t) { return 2.0; };
  simt::Array<T> grad_x(c.x.size(), offset), grad_weight(c.weight.size(), filled, offset),
      grad_bias(c.bias.size(), filled, offset);
  fastnn::cuda::conv2d_backward<T>(c.size, c.grad.data(), c.x.data(), c.weight.data(),
                                   {grad_x.data(), grad_weight.data(), grad_bias.data(), accumulate});
  const auto of = [](const std::vector<long double>& expected, double more) {
    return [&expected, more](int64_t i) { return expected[static_cast<size_t>(i)] + more; };
  };
  const auto terms = static_cast<double>(c.size.batch * c.outputs());
  check_near(grad_x, static_cast<double>(c.weight.size() + c.outputs()), of(c.grad_x, 0.0));
  check_near(grad_weight, terms, of(c.grad_weight, before));
  check_near(grad_bias, terms, of(c.grad_bias, before));
}

template <class T>
void check_case(const Conv2dSize& size, int64_t offset = 0) {
  Case<T> c(size, offset);
  for (const bool flag : {false, true}) check_forward(c, flag, flag, offset);
  check_forward(c, true, false, 1 - offset);
  for (const bool accumulate : {false, true}) check_backward(c, accumulate, offset);
  fastnn::cuda::conv2d_backward<T>(c.size, c.grad.data(), c.x.data(), c.weight.data(),
                                   {nullptr, nullptr, nullptr, false});
}

struct Sizes {
  int64_t batch, channels, H, W, filters, kernel_h, kernel_w;
};

Conv2dSize make(const Sizes& s, const Conv2dOptions& options = {}) {
  const int64_t x[] = {s.batch, s.channels, s.H, s.W};
  const int64_t weight[] = {s.filters, s.channels / options.groups, s.kernel_h, s.kernel_w};
  return fastnn::validate_conv2d("conv2d", x, weight, std::nullopt, options);
}

template <class T>
void check_options() {
  check_case<T>(make({2, 3, 9, 11, 5, 3, 2}));
  check_case<T>(make({2, 3, 9, 11, 5, 3, 2}, {.padding = {1, 2, 0, 3}}));
  check_case<T>(make({2, 6, 10, 9, 4, 3, 3}, {.stride = {2, 3}, .padding = {1, 0, 2, 1}, .groups = 2}));
  check_case<T>(make({1, 3, 12, 13, 4, 3, 2}, {.stride = {2, 4}, .padding = {3, 3, 3, 3}, .dilation = {4, 6}}));
  check_case<T>(make({1, 3, 13, 12, 4, 2, 3}, {.stride = {3, 2}, .padding = {1, 1, 1, 1}, .dilation = {2, 3}}));
  check_case<T>(make({1, 3, 12, 12, 4, 2, 2}, {.stride = {6, 5}, .padding = {7, 7, 0, 0}}));  // cells no tap sees
  check_case<T>(make({2, 3, 5, 5, 6, 1, 1}, {.stride = {2, 1}}));
  check_case<T>(make({2, 6, 4, 4, 9, 1, 1}, {.groups = 3}));
  check_case<T>(make({1, 3, 0, 4, 2, 2, 2}, {.padding = {1, 1, 0, 0}}));
  check_case<T>(make({0, 6, 8, 8, 20, 3, 3}));
  check_case<T>(make({0, 6, 8, 8, 20, 1, 1}));
  const int64_t far = int64_t{1} << 40;  // numbers that leave 32 bits
  check_case<T>(make({1, 3, 4, 5, 3, 2, 1}, {.stride = {far, 1}, .padding = {far, far, 0, 0}}));
  check_case<T>(make({1, 2, 4, 5, 2, 2, 1}, {.stride = {far, 1}, .padding = {far, far, 0, 0}}));
}

template <class T>
void check_modes() {
  for (const PaddingMode mode :
       {PaddingMode::zeros, PaddingMode::reflect, PaddingMode::replicate, PaddingMode::circular, PaddingMode::mean}) {
    check_case<T>(make({2, 3, 5, 6, 5, 3, 3}, {.padding = {2, 1, 0, 4}, .padding_mode = mode}));
    check_case<T>(
        make({1, 4, 6, 5, 4, 3, 2}, {.stride = {2, 1}, .padding = {1, 1, 2, 2}, .groups = 4, .padding_mode = mode}));
    check_case<T>(make({2, 5, 8, 8, 3, 1, 1}, {.padding_mode = mode}));
  }
}

template <class T>
void check_tiles() {
  check_case<T>(make({1, 17, 8, 9, 18, 2, 2}));
  check_case<T>(make({3, 2, 8, 11, 33, 3, 3}, {.padding = {1, 1, 1, 1}}), 1);
  check_case<T>(make({2, 65, 4, 4, 66, 1, 1}, {.padding = {0, 1, 0, 0}}));
  check_case<T>(make({3, 20, 9, 8, 7, 1, 1}));  // the plain product
  check_case<T>(make({3, 20, 8, 8, 40, 1, 1}), 1);
  check_case<T>(make({6, 3, 12, 12, 4, 2, 2}));                                        // long sums, in parts
  check_case<T>(make({2, 4, 6, 8, 8, 3, 3}, {.padding = {1, 1, 1, 1}, .groups = 4}));  // depthwise
  check_case<T>(make({1, 3, 9, 7, 3, 5, 3}, {.stride = {2, 2}, .padding = {2, 1, 0, 1}, .groups = 3}), 1);
  check_case<T>(make({2, 2, 50, 60, 2, 2, 1}, {.groups = 2}));
}

// The same bits alone and in a batch.
template <class T>
void check_images(const Conv2dSize& all) {
  Conv2dSize one = all;
  one.batch = 1;
  Case<T> c(all, 0);
  simt::Array<T> y(c.grad.size()), grad_x(c.x.size()), y_one(y.size() / all.batch),
      grad_x_one(grad_x.size() / all.batch);
  fastnn::cuda::conv2d_forward<T>(all, c.x.data(), c.weight.data(), nullptr, false, y.data());
  fastnn::cuda::conv2d_backward<T>(all, c.grad.data(), c.x.data(), c.weight.data(),
                                   {grad_x.data(), nullptr, nullptr, false});
  for (int64_t n = 0; n < all.batch; ++n) {
    T *const x = c.x.data() + n * grad_x_one.size(), *const grad = c.grad.data() + n * y_one.size();
    fastnn::cuda::conv2d_forward<T>(one, x, c.weight.data(), nullptr, false, y_one.data());
    fastnn::cuda::conv2d_backward<T>(one, grad, x, c.weight.data(), {grad_x_one.data(), nullptr, nullptr, false});
    for (int64_t i = 0; i < y_one.size(); ++i) CHECK(y_one[i] == y[n * y_one.size() + i]);
    for (int64_t i = 0; i < grad_x_one.size(); ++i) CHECK(grad_x_one[i] == grad_x[n * grad_x_one.size() + i]);
  }
}

void check_divisor() {
  const int top = std::numeric_limits<int>::max();
  for (const int by : {1, 2, 3, 5, 7, 9, 49, 641, 65536, 65537, 1 << 30, top - 1, top}) {
    const fastnn::cuda::Divisor<int> divide(by);
    for (const int n : {0, 1, by - 1, by, by / 2, 48, 1000003, top / by * by, top / by * by - 1, top - 1, top}) {
      CHECK(divide(n).whole == n / by && divide(n).rest == n % by);
    }
  }
}

template <class T>
void check_all() {
  check_options<T>();
  check_modes<T>();
  check_tiles<T>();
  check_images<T>(make({3, 4, 5, 6, 7, 3, 3}, {.stride = {2, 1}, .padding = {1, 1, 1, 1}}));
}

}  // namespace

int main() {
  const simt::Call call;
  check_divisor();
  check_all<float>();
  check_all<double>();
  Case<float> large(make({100, 1, 14, 12, 100, 2, 1}), 0);  // enough for the largest tile
  check_forward(large, true, true, 0);
  return check::finish("test_simt_conv2d");
}
