// Products at sizes around the edges of all tiles against plain loops; the bits of a row do not depend on the batch.
#include <algorithm>
#include <cmath>
#include <limits>

#include "../cpp/check.h"
#include "cuda/gemm.cuh"
#include "cuda/split_sums.cuh"
#include "ops/linear.h"
#include "simt/call.h"

namespace {

template <class T>
double tolerance(int64_t terms) {
  return 32.0 * static_cast<double>(terms + 1) * static_cast<double>(std::numeric_limits<T>::epsilon());
}

template <class T>
simt::Array<T> noise(int64_t n, int64_t seed, int64_t offset = 0) {
  return simt::Array<T>(n, [=](int64_t i) { return simt::noise(i + seed); }, offset);
}

template <class T>
double dot(int64_t n, T* a, int64_t a_step, T* b, int64_t b_step) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i * a_step]) * static_cast<double>(b[i * b_step]);
  return sum;
}

template <class T>
bool near(T value, double expected, int64_t terms) {
  return std::abs(static_cast<double>(value) - expected) <= tolerance<T>(terms);
}

// `offset` takes the arrays off the alignment that packs need.
template <class T>
void check_forward(const fastnn::LinearSize& s, bool with_bias, bool relu, int64_t offset) {
  auto x = noise<T>(s.batch * s.in_features, 1, offset), w = noise<T>(s.out_features * s.in_features, 2, offset),
       b = noise<T>(s.out_features, 3, offset);
  simt::Array<T> y(s.batch * s.out_features, offset);
  fastnn::cuda::linear_forward<T>(s, x.data(), w.data(), with_bias ? b.data() : nullptr, relu, y.data());
  for (int64_t i = 0; i < y.size(); ++i) {
    const int64_t n = i / s.out_features, o = i % s.out_features;
    double expected = dot(s.in_features, x.data() + n * s.in_features, 1, w.data() + o * s.in_features, 1);
    if (with_bias) expected += static_cast<double>(b[o]);
    if (relu) expected = std::max(0.0, expected);
    CHECK(near(y[i], expected, s.in_features));
  }
}

template <class T>
void check_grad_x(const fastnn::LinearSize& s, T* grad, T* w, T* grad_x) {
  for (int64_t i = 0; i < s.batch * s.in_features; ++i) {
    const int64_t n = i / s.in_features, k = i % s.in_features;
    CHECK(near(grad_x[i], dot(s.out_features, grad + n * s.out_features, 1, w + k, s.in_features), s.out_features));
  }
}

template <class T>
void check_grad_weight(const fastnn::LinearSize& s, T* grad, T* x, double before, T* grad_w, T* grad_b) {
  T one = T(1);
  for (int64_t o = 0; o < s.out_features; ++o) {
    for (int64_t k = 0; k < s.in_features; ++k) {
      const double expected = before + dot(s.batch, grad + o, s.out_features, x + k, s.in_features);
      CHECK(near(grad_w[o * s.in_features + k], expected, s.batch));
    }
    CHECK(near(grad_b[o], before + dot(s.batch, grad + o, s.out_features, &one, 0), s.batch));
  }
}

template <class T>
void check_backward(const fastnn::LinearSize& s, bool accumulate, int64_t offset) {
  auto x = noise<T>(s.batch * s.in_features, 1, offset), w = noise<T>(s.out_features * s.in_features, 2, offset),
       grad = noise<T>(s.batch * s.out_features, 3, offset);
  const double before = accumulate ? 2.0 : 0.0;
  const auto filled = [](int64_t) { return 2.0; };
  simt::Array<T> grad_x(x.size(), offset), grad_w(w.size(), filled, offset), grad_b(s.out_features, filled, offset);
  fastnn::cuda::linear_backward<T>(s, grad.data(), x.data(), w.data(),
                                   {grad_x.data(), grad_w.data(), grad_b.data(), accumulate});
  check_grad_x(s, grad.data(), w.data(), grad_x.data());
  check_grad_weight(s, grad.data(), x.data(), before, grad_w.data(), grad_b.data());
  fastnn::cuda::linear_backward<T>(s, grad.data(), x.data(), w.data(), {nullptr, nullptr, nullptr, accumulate});
}

// The same bits alone and in a batch that takes another tile; a NaN stays one through the ReLU.
template <class T>
void check_rows(int64_t batch) {
  const fastnn::LinearSize all{batch, 37, 9};
  auto x = noise<T>(batch * 37, 1), w = noise<T>(9 * 37, 2);
  x[36] = std::numeric_limits<T>::quiet_NaN();
  simt::Array<T> y(batch * 9), row(9);
  fastnn::cuda::linear_forward<T>(all, x.data(), w.data(), nullptr, true, y.data());
  CHECK(std::isnan(y[0]) && std::isnan(y[8]) && !std::isnan(y[9]));
  for (int64_t n = 1; n < batch; ++n) {
    fastnn::cuda::linear_forward<T>({1, 37, 9}, x.data() + n * 37, w.data(), nullptr, true, row.data());
    for (int64_t o = 0; o < 9; ++o) CHECK(row[o] == y[n * 9 + o]);
  }
}

// Many products at once, with the bias of rows.
template <class T>
void check_batch(int64_t count, int64_t M, int64_t N, int64_t K) {
  auto a = noise<T>(M * K, 1), b = noise<T>(count * K * N, 2), bias = noise<T>(M, 3);
  simt::Array<T> c(count * M * N);
  fastnn::cuda::gemm<T>({.name = "test",
                         .M = M,
                         .N = N,
                         .K = K,
                         .a = {a.data(), K},
                         .b = {b.data(), N, false, K * N},
                         .c = c.data(),
                         .row_bias = bias.data(),
                         .batch = count});
  for (int64_t i = 0; i < c.size(); ++i) {
    const int64_t item = i / (M * N), m = i / N % M, n = i % N;
    const double product = dot(K, a.data() + m * K, 1, b.data() + item * K * N + n, N);
    CHECK(near(c[i], product + static_cast<double>(bias[m]), K));
  }
}

template <class T>
void check_channels(const fastnn::AxisView& view) {
  auto x = noise<T>(view.outer * view.axis_size * view.inner, 1);
  simt::Array<T> sums(view.axis_size);
  fastnn::cuda::sum_channels("test", view, x.data(), false, sums.data());
  for (int64_t c = 0; c < view.axis_size; ++c) {
    double expected = 0;
    for (int64_t o = 0; o < view.outer; ++o) {
      for (int64_t i = 0; i < view.inner; ++i) expected += x[(o * view.axis_size + c) * view.inner + i];
    }
    CHECK(near(sums[c], expected, view.outer * view.inner));
  }
}

template <class T>
void check_all() {
  const fastnn::LinearSize sizes[] = {{1, 1, 1},    {1, 40, 70},  {3, 5, 7},     {16, 16, 64},
                                      {17, 33, 65}, {65, 12, 66}, {64, 128, 64}, {130, 10, 20},
                                      {0, 3, 4},    {3, 0, 4},    {3, 4, 0},     {1030, 4, 3}};
  for (const auto& size : sizes) {
    for (const bool flag : {false, true}) {
      check_forward<T>(size, flag, flag, 0);
      check_forward<T>(size, !flag, flag, 1);
      check_backward<T>(size, flag, 0);
    }
    check_backward<T>(size, false, 1);
  }
  check_rows<T>(20);
  check_batch<T>(3, 5, 20, 6);
  check_batch<T>(2, 70, 66, 17);
  check_batch<T>(0, 5, 6, 7);
  for (const fastnn::AxisView view :
       {fastnn::AxisView{5, 3, 700}, {9000, 2, 2}, {3, 4, 6000}, {9000, 33, 1}, {0, 3, 5}, {3, 4, 0}}) {
    check_channels<T>(view);
  }
}

}  // namespace

int main() {
  const simt::Call call;
  check_all<float>();
  check_all<double>();
  check_batch<float>(101, 33, 130, 9);  // enough for the largest tile
  check_batch<float>(100, 129, 4, 12);
  return check::finish("test_simt_linear");
}
