// Columns against their definition, and col2im as the adjoint.
#include <cmath>

#include "../cpp/check.h"
#include "ops/im2col.h"
#include "simt/call.h"

namespace {

template <class T>
void check_size(int64_t N, int64_t C, int64_t H, int64_t W, const fastnn::Im2ColOptions& options) {
  const int64_t shape[] = {N, C, H, W};
  const fastnn::Im2ColSize size = fastnn::validate_im2col(shape, options);
  const auto& [h, w] = size.window;
  const int64_t n = N * C * H * W, m = N * C * size.taps() * size.length();
  simt::Array<T> x(n, simt::noise), columns(m), g(m, [](int64_t i) { return simt::noise(i + 7); }), back(n);
  fastnn::cuda::im2col<T>(size, x.data(), columns.data());
  fastnn::cuda::col2im<T>(size, g.data(), back.data());
  std::vector<double> sums(static_cast<size_t>(n), 0.0);
  for (int64_t k = 0; k < m; ++k) {
    const int64_t q = k % w.output, p = k / w.output % h.output, row = k / size.length();
    const int64_t j = row % w.kernel, i = row / w.kernel % h.kernel, plane = row / size.taps();
    const int64_t r = h.first(p) + i * h.dilation, c = w.first(q) + j * w.dilation;
    const bool inside = r >= 0 && r < H && c >= 0 && c < W;
    const int64_t at = (plane * H + r) * W + c;
    CHECK(columns[k] == (inside ? x[at] : T(0)));
    if (inside) sums[static_cast<size_t>(at)] += g[k];
  }
  for (int64_t i = 0; i < n; ++i) CHECK(std::abs(back[i] - sums[static_cast<size_t>(i)]) < 2e-5);
}

template <class T>
void check_all() {
  // kernel, stride, dilation, before, after
  check_size<T>(2, 3, 7, 6, {{3, 1, 1, 1, 1}, {3, 1, 1, 1, 1}});
  check_size<T>(1, 2, 9, 11, {{2, 2, 3, 0, 4}, {4, 3, 2, 5, 1}});
  check_size<T>(2, 1, 5, 5, {{5, 1, 1, 0, 0}, {1, 4, 1, 2, 2}});
  check_size<T>(0, 1, 5, 5, {{3, 1, 1, 0, 0}, {3, 1, 1, 0, 0}});
  check_size<T>(1, 3, 20, 30, {{1, 1, 1, 0, 0}, {1, 1, 1, 0, 0}});
}

}  // namespace

int main() {
  const simt::Call call;
  check_all<float>();
  check_all<double>();
  return check::finish("test_simt_im2col");
}
