// Pooling against its definition, one window and one cell at a time: every option, few and many cells in a window,
// ties, NaN, windows without a cell, aligned planes and others, sizes that need 64 bits, wrong indices.
#include <cmath>
#include <limits>

#include "../cpp/check.h"
#include "cuda/device.h"
#include "ops/pool2d.h"
#include "simt/call.h"
#include "simt/message.h"

namespace {

using fastnn::Pool2dOptions;
using fastnn::Pool2dSize;
using fastnn::WindowAxis;
using fastnn::WindowOptions;

constexpr double infinity = std::numeric_limits<double>::infinity();

struct Case {
  int64_t planes, H, W;
  Pool2dOptions options;

  std::vector<int64_t> shape() const { return {1, planes, H, W}; }
  Pool2dSize size() const { return fastnn::validate_pool2d("test", "x", shape(), options); }
};

// The cells of window o, with the tap that each lies under.
std::vector<std::pair<int64_t, int64_t>> cells_of(const WindowAxis& a, int64_t o) {
  std::vector<std::pair<int64_t, int64_t>> cells;
  if (a.stride == 0) {
    const int64_t begin = o * a.size / a.output, end = ((o + 1) * a.size + a.output - 1) / a.output;
    for (int64_t i = begin; i < end; ++i) cells.emplace_back(i, i - begin);
  } else {
    for (int64_t i = 0; i < a.size; ++i) {
      const int64_t from = i - a.first(o), tap = from / a.dilation;
      if (from >= 0 && from % a.dilation == 0 && tap < a.kernel) cells.emplace_back(i, tap);
    }
  }
  return cells;
}

double divisor_along(const Case& c, const WindowAxis& a, int64_t o) {
  if (c.options.adaptive || !c.options.count_include_pad) return static_cast<double>(cells_of(a, o).size());
  return static_cast<double>(std::min(a.first(o) + a.kernel, a.size + a.after) - a.first(o));
}

struct Expected {
  std::vector<double> maximum, mean, divisor;
  std::vector<int64_t> index, tap;
};

template <class T>
Expected pooled(const Case& c, simt::Array<T>& x) {
  Expected e;
  const auto& [h, w] = c.size().window;
  for (int64_t at = 0; at < c.planes * h.output * w.output; ++at) {
    const int64_t q = at % w.output, o = at / w.output % h.output, plane = at / w.output / h.output;
    double best = -infinity, sum = 0;
    int64_t index = -1, tap = 0;
    for (const auto& [i, r] : cells_of(h, o)) {
      for (const auto& [j, s] : cells_of(w, q)) {
        const double value = x[(plane * c.H + i) * c.W + j];
        sum += value;
        if (index >= 0 && !(value > best) && !std::isnan(value)) continue;
        best = value, index = i * c.W + j, tap = taps_fit_bytes(c.size()) ? r * w.kernel + s : 0;
      }
    }
    const double divided = divisor_along(c, h, o) * divisor_along(c, w, q);
    e.divisor.push_back(c.options.divisor != 0 ? static_cast<double>(c.options.divisor) : divided);
    e.maximum.push_back(best), e.mean.push_back(sum / e.divisor.back());
    e.index.push_back(index), e.tap.push_back(tap);
  }
  return e;
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

template <class T>
bool near(double a, double b, double scale) {
  return same(a, b) || std::abs(a - b) <= 16 * static_cast<double>(std::numeric_limits<T>::epsilon()) * scale;
}

// What each cell of x gets from the maxima; `scale` is the sum of what is added.
template <class T>
void check_gradient(const std::vector<double>& expected, simt::Array<T>& given) {
  for (int64_t i = 0; i < given.size(); ++i) {
    CHECK(near<T>(given[i], expected[static_cast<size_t>(i)], 64));
  }
}

template <class T>
void check_max(const Case& c, simt::Array<T>& x, const Expected& e, int64_t offset) {
  const Pool2dSize size = c.size();
  const auto n = static_cast<int64_t>(e.index.size());
  const bool with_taps = taps_fit_bytes(size);
  simt::Array<T> y(n), plain(n), g(n, simt::noise), grad(x.size(), offset), grad_by_taps(x.size(), offset);
  simt::Array<int64_t> indices(n);
  simt::Array<uint8_t> taps(n);
  fastnn::cuda::max_pool2d_forward<T>(size, x.data(), plain.data(), {});
  fastnn::cuda::max_pool2d_forward<T>(size, x.data(), y.data(), {.indices = indices.data()});
  if (with_taps) fastnn::cuda::max_pool2d_forward<T>(size, x.data(), y.data(), {.taps = taps.data()});
  std::vector<double> expected(static_cast<size_t>(x.size()));
  for (int64_t i = 0; i < n; ++i) {
    const auto at = static_cast<size_t>(i);
    CHECK(same(y[i], e.maximum[at]));
    CHECK(same(plain[i], e.maximum[at]));
    CHECK(indices[i] == e.index[at]);
    CHECK(!with_taps || taps[i] == e.tap[at]);
    const int64_t plane = i / (size.window.h.output * size.window.w.output);
    if (e.index[at] >= 0) expected[static_cast<size_t>(plane * c.H * c.W + e.index[at])] += g[i];
  }
  fastnn::cuda::check_max_pool2d_indices(size, fastnn::pooled_shape(c.shape(), size), indices.data());
  fastnn::cuda::synchronize();
  fastnn::cuda::max_pool2d_backward<T>(size, g.data(), {.indices = indices.data()}, grad.data());
  check_gradient(expected, grad);
  if (!with_taps) return;
  fastnn::cuda::max_pool2d_backward<T>(size, g.data(), {.taps = taps.data()}, grad_by_taps.data());
  for (int64_t i = 0; i < grad.size(); ++i) CHECK(grad[i] == grad_by_taps[i]);
}

template <class T>
void check_avg(const Case& c, simt::Array<T>& x, const Expected& e, int64_t offset) {
  const Pool2dSize size = c.size();
  const auto& [h, w] = size.window;
  const auto n = static_cast<int64_t>(e.mean.size());
  simt::Array<T> y(n), g(n, simt::noise), grad(x.size(), offset);
  std::vector<double> expected(static_cast<size_t>(x.size()));
  fastnn::cuda::avg_pool2d_forward<T>(size, c.options, x.data(), y.data());
  for (int64_t i = 0; i < n; ++i) {
    const auto at = static_cast<size_t>(i);
    CHECK(near<T>(y[i], e.mean[at], 4));
    const int64_t plane = i / w.output / h.output;
    for (const auto& [row, r] : cells_of(h, i / w.output % h.output)) {
      for (const auto& [column, s] : cells_of(w, i % w.output)) {
        expected[static_cast<size_t>((plane * c.H + row) * c.W + column)] += g[i] / e.divisor[at];
      }
    }
  }
  fastnn::cuda::avg_pool2d_backward<T>(size, c.options, g.data(), grad.data());
  check_gradient(expected, grad);
}

// Few values, so that many are equal, with some NaN and -inf; for means without these.
template <class T>
void check_case(const Case& c, int64_t offset) {
  const int64_t n = c.planes * c.H * c.W;
  simt::Array<T> ties(
      n, [](int64_t i) { return i % 97 == 13 ? std::nan("")
                                : i % 31 < 3 ? -infinity
                                             : std::floor(simt::noise(i)); },
      offset);
  simt::Array<T> numbers(n, simt::noise, offset);
  check_max<T>(c, ties, pooled(c, ties), offset);
  const bool dilated = c.options.h.dilation > 1 || c.options.w.dilation > 1;
  if (!dilated) check_avg<T>(c, numbers, pooled(c, numbers), offset);
}

Pool2dOptions square(int64_t kernel, int64_t stride, int64_t padding) {
  const WindowOptions o{kernel, stride, 1, padding, padding};
  return {.h = o, .w = o};
}

Pool2dOptions adaptive(int64_t h, int64_t w) { return {.adaptive = true, .output_h = h, .output_w = w}; }

Pool2dOptions with(Pool2dOptions o, bool ceil_mode, bool count_include_pad, int64_t divisor) {
  o.ceil_mode = ceil_mode, o.count_include_pad = count_include_pad, o.divisor = divisor;
  return o;
}

const int64_t far = int64_t{1} << 39;

const Case cases[] = {
    {3, 6, 8, square(2, 2, 0)},
    {2, 7, 9, square(2, 2, 0)},
    {2, 7, 12, with(square(2, 2, 1), true, true, 0)},
    {2, 8, 12, square(3, 2, 1)},
    {2, 9, 11, with(square(3, 2, 1), true, false, 0)},
    {2, 5, 8, square(3, 1, 1)},
    {2, 5, 7, with(square(3, 1, 2), false, true, -5)},
    {1, 6, 8, square(2, 3, 1)},
    {1, 12, 12, with(square(5, 2, 4), true, false, 0)},
    {1, 18, 16, square(17, 1, 3)},
    {2, 9, 20, with({.h = {2, 3, 1, 1, 0}, .w = {4, 2, 1, 0, 3}}, true, true, 0)},
    {2, 8, 12, {.h = {3, 2, 2, 1, 3}, .w = {2, 1, 3, 2, 0}}},
    {2, 1, 8, {.h = {2, 1, 3, 2, 2}, .w = {1, 1, 1, 0, 0}}},  // windows between the rows
    {1, 4, 6, {.h = {2, 1, 5, 4, 4}, .w = {3, 1, 4, 5, 5}}},
    {5, 7, 7, square(7, 1, 0)},
    {3, 8, 8, square(8, 8, 0)},
    {2, 12, 40, {.h = {6, 6, 1, 0, 0}, .w = {20, 20, 1, 0, 0}}},
    {2, 96, 100, {.h = {96, 1, 1, 0, 0}, .w = {100, 1, 1, 0, 0}}},
    {1, 100, 97, {.h = {97, 97, 1, 3, 0}, .w = {96, 96, 1, 0, 0}}},
    {3, 7, 10, adaptive(3, 4)},
    {2, 8, 12, adaptive(5, 12)},
    {2, 3, 4, adaptive(5, 9)},
    {2, 6, 9, adaptive(3, 3)},
    {4, 6, 6, adaptive(1, 1)},
    {2, 4, 4, adaptive(0, 2)},
    {0, 4, 4, square(2, 2, 0)},
    // 64 bits, for the stride or the reach of an axis with one window.
    {2, 3, 8, {.h = {3, far, 1, 0, 0}, .w = {2, 2, 1, 0, 0}}},
    {2, 3, 11, {.h = {3, far, 1, 0, 0}, .w = {3, 1, 1, 2, 1}}},
    {1, 4, 8, {.h = {2, far, far - 1, 0, far - 4}, .w = {2, far, far - 1, 0, far - 8}}},
    {1, 4, 8, with({.h = {far, far, 1, far / 2, far / 2}, .w = {far, far, 1, 1, far - 8}}, true, false, 0)},
};

// A wrong index is named at the next synchronize(), and leads nowhere in the backward.
void check_wrong_index(int64_t position, int64_t index) {
  const Case c{2, 8, 8, square(2, 2, 0)};
  const std::vector<int64_t> shape = fastnn::pooled_shape(c.shape(), c.size());
  simt::Array<float> g(32, [](int64_t) { return 1; }), grad(128);
  simt::Array<int64_t> indices(32, [](int64_t i) { return i % 16 / 4 * 16 + i % 4 * 2; });
  indices[position] = indices[31] = index;
  fastnn::cuda::check_max_pool2d_indices(c.size(), shape, indices.data());
  fastnn::cuda::max_pool2d_backward<float>(c.size(), g.data(), {.indices = indices.data()}, grad.data());
  const std::string message = simt::message_of_synchronize();
  const int64_t row = position / 4 % 4;
  CHECK(message == fastnn::concat("[max_pool2d_backward] expected indices in the rows of their windows, [", row * 16,
                                  ", ", (row + 1) * 16, ") here, got ", index, " at position (0, ", position / 16, ", ",
                                  row, ", ", position % 4, ")"));
  double sum = 0;
  for (int64_t i = 0; i < grad.size(); ++i) sum += grad[i];
  CHECK(sum == 30);
}

// In the rows of its window but beside it: let pass by the check as on the CPU, and leads nowhere, however x lies.
void check_index_beside(int64_t offset) {
  const Case c{1, 2, 16, square(2, 2, 0)};
  simt::Array<float> g(8, [](int64_t) { return 1; }), grad(32, offset);
  simt::Array<int64_t> indices(8, [](int64_t i) { return 2 * i; });
  indices[0] = 2, indices[5] = 9;
  fastnn::cuda::check_max_pool2d_indices(c.size(), fastnn::pooled_shape(c.shape(), c.size()), indices.data());
  fastnn::cuda::synchronize();
  fastnn::cuda::max_pool2d_backward<float>(c.size(), g.data(), {.indices = indices.data()}, grad.data());
  for (int64_t i = 0; i < 32; ++i) CHECK(grad[i] == (i < 16 && i % 2 == 0 && i != 0 && i != 10 ? 1 : 0));
}

}  // namespace

int main() {
  const simt::Call call;
  for (const Case& c : cases) {
    for (const int64_t offset : {0, 1}) {
      check_case<float>(c, offset);
      check_case<double>(c, offset);
    }
  }
  for (const int64_t index : {int64_t{-1}, int64_t{64}, int64_t{1} << 32, INT64_MIN, INT64_MAX}) {
    for (const int64_t position : {0, 9, 21}) check_wrong_index(position, index);
  }
  for (const int64_t offset : {0, 1}) check_index_beside(offset);
  return check::finish("test_simt_pool2d");
}
