// Both ways in one pass over the grid. The gradient by theta adds up in double, so that a plane of any size costs
// no accuracy in float32.
#include "cpu/affine_grid.h"

#include <algorithm>

#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

// grad_theta (2, 3) of one image.
template <class T>
void image_backward(const AffineGridSize& size, const AffineCells<T>& cells, const T* grad_grid, T* grad_theta) {
  double total[2][3] = {};
  for (int64_t h = 0; h < size.OH; ++h) {
    const auto y = static_cast<double>(cells.y(h));
    double sum[2] = {}, sum_x[2] = {};
    for (int64_t w = 0; w < size.OW; ++w, grad_grid += 2) {
      for (int64_t k = 0; k < 2; ++k) {
        sum[k] += static_cast<double>(grad_grid[k]);
        sum_x[k] += static_cast<double>(grad_grid[k]) * static_cast<double>(cells.x(w));
      }
    }
    for (int64_t k = 0; k < 2; ++k) {
      total[k][0] += sum_x[k];
      total[k][1] += sum[k] * y;
      total[k][2] += sum[k];
    }
  }
  for (int64_t i = 0; i < 6; ++i) grad_theta[i] = static_cast<T>(total[i / 3][i % 3]);
}

}  // namespace

template <class T>
void affine_grid(const AffineGridSize& size, bool align_corners, const T* theta, T* grid) {
  constexpr int64_t cells_per_task = 1 << 14;
  const int64_t plane = size.OH * size.OW;
  if (size.N == 0 || plane == 0) return;
  const AffineCells<T> cells(size.OH, size.OW, align_corners);
  const int64_t piece = std::min(plane, cells_per_task), pieces = (plane + piece - 1) / piece;
  parallel_for(size.N * pieces, std::max<int64_t>(1, cells_per_task / piece), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t n = task / pieces, first = task % pieces * piece;
      cells.places(theta + 6 * n, first, std::min(piece, plane - first), grid + 2 * (n * plane + first));
    }
  });
}

template <class T>
void affine_grid_backward(const AffineGridSize& size, bool align_corners, const T* grad_grid, T* grad_theta) {
  constexpr int64_t cells_per_task = 1 << 14;
  const int64_t plane = size.OH * size.OW;
  if (size.N == 0 || plane == 0) {
    std::fill_n(grad_theta, 6 * size.N, T(0));
    return;
  }
  const AffineCells<T> cells(size.OH, size.OW, align_corners);
  parallel_for(size.N, std::max<int64_t>(1, cells_per_task / plane), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      image_backward(size, cells, grad_grid + 2 * n * plane, grad_theta + 6 * n);
    }
  });
}

#define INSTANTIATE(T)                                                  \
  template void affine_grid(const AffineGridSize&, bool, const T*, T*); \
  template void affine_grid_backward(const AffineGridSize&, bool, const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cpu
