// Softmax and log_softmax forward and backward against loops over long doubles, for rows of every kind that
// csrc/cuda/rows.cuh tells apart: held in registers with packs or without, read again by a block, and across threads.
#include "../cpp/check.h"
#include "ops/softmax.h"
#include "simt/comparison.h"

namespace {

using fastnn::AxisView;
using simt::close, simt::Exact;

// Element c of position p.
int64_t element(const AxisView& view, int64_t p, int64_t c) {
  return (p / view.inner * view.axis_size + c) * view.inner + p % view.inner;
}
int64_t count(const AxisView& view) { return view.outer * view.axis_size * view.inner; }

template <class T>
void check_forward(const AxisView& view, bool log, simt::Array<T>& x, simt::Array<T>& y) {
  for (int64_t p = 0; p < view.outer * view.inner; ++p) {
    Exact top = -simt::infinity<Exact>, total = 0;
    const auto at = [&](int64_t c) { return static_cast<Exact>(x[element(view, p, c)]); };
    for (int64_t c = 0; c < view.axis_size; ++c) top = std::fmax(top, at(c));
    for (int64_t c = 0; c < view.axis_size; ++c) total += std::exp(at(c) - top);
    for (int64_t c = 0; c < view.axis_size; ++c) {
      const Exact shifted = at(c) - top;
      const T value = y[element(view, p, c)];
      CHECK(log ? close(value, shifted - std::log(total), 8, 1) : close(value, std::exp(shifted) / total, 32));
    }
  }
}

template <class T>
void check_backward(const AxisView& view, bool log, simt::Array<T>& g, simt::Array<T>& y, simt::Array<T>& grad_x) {
  for (int64_t p = 0; p < view.outer * view.inner; ++p) {
    Exact total = 0, size = 0;
    const auto at = [&](simt::Array<T>& a, int64_t c) { return static_cast<Exact>(a[element(view, p, c)]); };
    for (int64_t c = 0; c < view.axis_size; ++c) {
      const Exact term = at(g, c) * (log ? 1 : at(y, c));
      total += term;
      size += std::fabs(term);
    }
    for (int64_t c = 0; c < view.axis_size; ++c) {
      const Exact factor = log ? std::exp(at(y, c)) : at(y, c);
      const Exact exact = log ? at(g, c) - factor * total : factor * (at(g, c) - total);
      CHECK(close(grad_x[element(view, p, c)], exact, 32, log ? std::fabs(at(g, c)) + factor * size : factor * size));
    }
  }
}

// Also in place, and off the packs' grid, both with the same bits.
template <class T>
void check_view(const AxisView& view, bool log) {
  const int64_t n = count(view);
  const auto noise = [](int64_t i) { return simt::noise(i + 1000); };
  simt::Array<T> x(n, simt::noise), y(n), g(n, noise), grad_x(n), odd_x(n, simt::noise, 1), odd_g(n, noise, 1);
  fastnn::cuda::softmax_forward<T>(view, log, x.data(), y.data());
  check_forward(view, log, x, y);
  fastnn::cuda::softmax_forward<T>(view, log, odd_x.data(), odd_x.data());
  CHECK(same_bits(y, odd_x));
  fastnn::cuda::softmax_backward<T>(view, log, g.data(), y.data(), grad_x.data());
  check_backward(view, log, g, y, grad_x);
  fastnn::cuda::softmax_backward<T>(view, log, odd_g.data(), odd_x.data(), odd_g.data());
  CHECK(same_bits(grad_x, odd_g));
  fastnn::cuda::softmax_backward<T>(view, log, g.data(), y.data(), y.data());
  CHECK(same_bits(grad_x, y));
}

// Values from one row of the table, over and over, along the axis.
template <class T>
void check_special(const AxisView& view, bool log) {
  constexpr T inf = simt::infinity<T>, big = std::numeric_limits<T>::max() / 4;
  const T table[][4] = {
      {-inf, 0, -inf, 1},   {-inf, -inf, -inf, -inf}, {1, simt::nan<T>, 2, 3}, {simt::nan<T>, -inf, -inf, 2},
      {0, inf, 1, 2},       {inf, -inf, inf, 0},      {big, -big, big, 0},     {-big, -big, -big, -big},
      {-inf, -inf, -inf, 0}};
  for (const auto& row : table) {
    const auto fill = [&](int64_t i) { return row[i / view.inner % view.axis_size % 4]; };
    simt::Array<T> x(count(view), fill), y(count(view));
    fastnn::cuda::softmax_forward<T>(view, log, x.data(), y.data());
    check_forward(view, log, x, y);
  }
  // The maximum grows at every step.
  simt::Array<T> x(count(view), [&](int64_t i) { return static_cast<T>(i / view.inner % view.axis_size); });
  simt::Array<T> y(count(view));
  fastnn::cuda::softmax_forward<T>(view, log, x.data(), y.data());
  for (int64_t i = 0; i < x.size(); ++i) CHECK(std::isfinite(y[i]));
}

template <class T>
void check_all() {
  for (const bool log : {false, true}) {
    for (const int64_t size : {1, 2, 3, 4, 5, 8, 10, 12, 16, 31, 32, 33, 64, 65, 100, 127, 132, 255, 257}) {
      check_view<T>({5, size, 1}, log);
    }
    for (const int64_t size : {500, 516, 1000, 1024, 1025, 1028, 4100, 4101}) check_view<T>({2, size, 1}, log);
    check_view<T>({300, 4, 1}, log);
    for (const int64_t size : {1, 3, 8, 9, 40}) {
      check_view<T>({3, size, 7}, log);
      check_view<T>({1, size, 150}, log);
    }
    for (const AxisView& view : {AxisView{0, 5, 1}, AxisView{3, 0, 1}, AxisView{3, 5, 0}}) check_view<T>(view, log);
    for (const int64_t size : {4, 5, 40, 260, 261, 1030, 1032}) check_special<T>({2, size, 1}, log);
    for (const int64_t size : {4, 12}) check_special<T>({2, size, 3}, log);
  }
}

}  // namespace

int main() {
  const simt::Call call;
  check_all<float>();
  check_all<double>();
  return check::finish("test_simt_softmax");
}
