// Every mode against its definition, planes that grow and shrink, and the backward as the exact adjoint.
#include <cmath>

#include "../cpp/check.h"
#include "ops/pad.h"
#include "simt/call.h"

namespace {

using fastnn::PaddingMode;
using fastnn::Sides;

// The cell of x under padded cell i, or -1.
int64_t source(PaddingMode mode, int64_t i, int64_t size) {
  if (i >= 0 && i < size) return i;
  if (mode == PaddingMode::reflect) return i < 0 ? -i : 2 * size - 2 - i;
  if (mode == PaddingMode::replicate) return i < 0 ? 0 : size - 1;
  if (mode == PaddingMode::circular) return (i + size) % size;
  return -1;
}

template <class T>
void check_mode(PaddingMode mode, int64_t planes, int64_t H, int64_t W, const Sides& s) {
  const int64_t PH = s.top + H + s.bottom, PW = s.left + W + s.right, n = planes * H * W, m = planes * PH * PW;
  simt::Array<T> x(n, simt::noise), y(m), g(m, [](int64_t i) { return simt::noise(i + 99); }), grad_x(n);
  fastnn::cuda::pad_planes<T>(mode, planes, H, W, s, x.data(), y.data(), mode == PaddingMode::zeros ? T(2.5) : T(0));
  fastnn::cuda::pad_planes_backward<T>(mode, planes, H, W, s, g.data(), grad_x.data());
  std::vector<double> grad(static_cast<size_t>(n), 0.0);
  for (int64_t i = 0; i < m; ++i) {
    const int64_t p = i / (PH * PW), r = source(mode, i / PW % PH - s.top, H), q = source(mode, i % PW - s.left, W);
    double outside = mode == PaddingMode::zeros ? 2.5 : 0.0;
    for (int64_t k = 0; mode == PaddingMode::mean && k < H * W; ++k) {
      outside += x[p * H * W + k] / static_cast<double>(H * W);
      if (r < 0 || q < 0) grad[static_cast<size_t>(p * H * W + k)] += g[i] / static_cast<double>(H * W);
    }
    const double expected = r < 0 || q < 0 ? outside : x[(p * H + r) * W + q];
    CHECK(std::abs(y[i] - expected) < 1e-6);
    if (r >= 0 && q >= 0) grad[static_cast<size_t>((p * H + r) * W + q)] += g[i];
  }
  for (int64_t i = 0; i < n; ++i) CHECK(std::abs(grad_x[i] - grad[static_cast<size_t>(i)]) < 2e-5);
}

template <class T>
void check_all() {
  for (const auto mode :
       {PaddingMode::zeros, PaddingMode::reflect, PaddingMode::replicate, PaddingMode::circular, PaddingMode::mean}) {
    check_mode<T>(mode, 3, 4, 5, {1, 2, 3, 4});
    check_mode<T>(mode, 2, 4, 5, {3, 3, 4, 0});
    check_mode<T>(mode, 2, 6, 5, {-1, 2, 1, -2});
    check_mode<T>(mode, 1, 3, 3, {-3, 2, 0, 0});
    check_mode<T>(mode, 2, 1, 7, {0, 0, 2, 3});
    check_mode<T>(mode, 0, 4, 5, {1, 1, 1, 1});
    check_mode<T>(mode, 1, 20, 30, {5, 0, 0, 7});
  }
  check_mode<T>(PaddingMode::replicate, 2, 2, 2, {7, 5, 3, 6});
  check_mode<T>(PaddingMode::zeros, 2, 0, 0, {1, 1, 1, 1});
}

}  // namespace

int main() {
  const simt::Call call;
  check_all<float>();
  check_all<double>();
  return check::finish("test_simt_pad");
}
