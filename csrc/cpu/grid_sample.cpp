// A plane of the result is cut into tiles of cells; the taps of a tile are found once and serve all channels. The
// backward takes an image a task, so that no two tasks add to one plane of grad_input.
#include "ops/grid_sample.h"

#include <algorithm>

#include "cpu/affine_grid.h"
#include "cpu/parallel.h"
#include "cpu/sample_taps.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t results_per_task = 1 << 13;

template <class T>
void read_bilinear(const Taps<T>& taps, int64_t n, int64_t W, const T* plane, T* y) {
  for (int64_t j = 0; j < n; ++j) {
    const T* corner = plane + taps.corner[j];
    const T a = taps.weight[0][j], b = taps.weight[1][j], c = taps.weight[2][j], d = taps.weight[3][j];
    if (taps.inside[j] == all_inside) [[likely]] {
      y[j] = corner[0] * a + corner[1] * b + corner[W] * c + corner[W + 1] * d;
    } else {
      T value[4] = {};
      for_each_tap(taps.inside[j], W, [&](int k, int64_t offset) { value[k] = corner[offset]; });
      y[j] = value[0] * a + value[1] * b + value[2] * c + value[3] * d;
    }
  }
}

template <class T>
void read_nearest(const Taps<T>& taps, int64_t n, const T* plane, T* y) {
  for (int64_t j = 0; j < n; ++j) y[j] = taps.inside[j] == (left | top) ? plane[taps.corner[j]] : T(0);
}

// places(image, first cell, cells, memory for them): the piece of the grid.
template <class T, class Places>
void sample(const GridSampleSize& size, const GridSampleOptions& options, const T* input, T* y, const Places& places) {
  const int64_t plane = size.H * size.W, cells = size.cells();
  const SampleAxis<T> horizontal(size.W, options), vertical(size.H, options);
  const int64_t tiles = (cells + tile_cells - 1) / tile_cells;
  const int64_t grain = std::max<int64_t>(1, results_per_task / (size.C * std::min(cells, tile_cells)));
  parallel_for(size.N * tiles, grain, [&](int64_t begin, int64_t end) {
    Taps<T> taps;
    T piece[2 * tile_cells];
    for (int64_t task = begin; task < end; ++task) {
      const int64_t image = task / tiles, first = task % tiles * tile_cells, n = std::min(tile_cells, cells - first);
      taps.fill(options.mode, horizontal, vertical, places(image, first, n, piece), n);
      for (int64_t c = image * size.C; c < (image + 1) * size.C; ++c) {
        if (options.mode == SampleMode::bilinear) {
          read_bilinear(taps, n, size.W, input + c * plane, y + c * cells + first);
        } else {
          read_nearest(taps, n, input + c * plane, y + c * cells + first);
        }
      }
    }
  });
}

// --- backward ------------------------------------------------------------------------------------
template <class T>
void add_to_input(const Taps<T>& taps, SampleMode mode, int64_t n, int64_t W, const T* grad_output, T* grad_plane) {
  for (int64_t j = 0; j < n; ++j) {
    T* corner = grad_plane + taps.corner[j];
    if (mode == SampleMode::nearest) {
      if (taps.inside[j] == (left | top)) *corner += grad_output[j];
    } else {
      for_each_tap(taps.inside[j], W,
                   [&](int k, int64_t offset) { corner[offset] += taps.weight[k][j] * grad_output[j]; });
    }
  }
}

// (gx, gy) += what a move of the place by a cell changes in one channel.
template <class T>
void add_to_grid(const Taps<T>& taps, int64_t n, int64_t W, const T* grad_output, const T* plane, T* grad_grid) {
  for (int64_t j = 0; j < n; ++j) {
    T value[4] = {};
    for_each_tap(taps.inside[j], W, [&](int k, int64_t offset) { value[k] = plane[taps.corner[j] + offset]; });
    const T fx = taps.x.fraction[j], fy = taps.y.fraction[j];
    grad_grid[2 * j] += ((value[1] - value[0]) * (1 - fy) + (value[3] - value[2]) * fy) * grad_output[j];
    grad_grid[2 * j + 1] += ((value[2] - value[0]) * (1 - fx) + (value[3] - value[1]) * fx) * grad_output[j];
  }
}

template <class T>
struct Image {
  const GridSampleSize& size;
  const GridSampleOptions& options;
  const T *grad_output, *input, *grid;
  T *grad_input, *grad_grid;  // either may be null

  void backward() const {
    const SampleAxis<T> horizontal(size.W, options), vertical(size.H, options);
    const int64_t cells = size.cells();
    if (grad_input) std::fill_n(grad_input, size.C * size.H * size.W, T(0));
    if (grad_grid) std::fill_n(grad_grid, 2 * cells, T(0));
    Taps<T> taps;
    for (int64_t first = 0; first < cells; first += tile_cells) {
      const int64_t n = std::min(tile_cells, cells - first);
      taps.fill(options.mode, horizontal, vertical, grid + 2 * first, n);
      for (int64_t c = 0; c < size.C; ++c) channel(taps, c, first, n);
      if (grad_grid && options.mode == SampleMode::bilinear) scale(horizontal, vertical, first, n);
    }
  }

 private:
  void channel(const Taps<T>& taps, int64_t c, int64_t first, int64_t n) const {
    const T* grad = grad_output + c * size.cells() + first;
    const int64_t at = c * size.H * size.W;
    if (grad_input) add_to_input(taps, options.mode, n, size.W, grad, grad_input + at);
    if (grad_grid && options.mode == SampleMode::bilinear) {
      add_to_grid(taps, n, size.W, grad, input + at, grad_grid + 2 * first);
    }
  }

  // From the gradient by the place to that by its coordinates.
  void scale(const SampleAxis<T>& horizontal, const SampleAxis<T>& vertical, int64_t first, int64_t n) const {
    for (int64_t j = 2 * first; j < 2 * (first + n); j += 2) {
      grad_grid[j] *= horizontal.slope(horizontal.place(grid[j]));
      grad_grid[j + 1] *= vertical.slope(vertical.place(grid[j + 1]));
    }
  }
};

}  // namespace

template <class T>
void grid_sample(const GridSampleSize& size, const GridSampleOptions& options, const T* input, const T* grid, T* y) {
  const int64_t cells = size.cells();
  if (size.N * size.C * cells == 0) return;
  sample(size, options, input, y,
         [=](int64_t image, int64_t first, int64_t, T*) { return grid + 2 * (image * cells + first); });
}

template <class T>
void affine_sample(const GridSampleSize& size, const GridSampleOptions& options, const T* input, const T* theta, T* y) {
  if (size.N * size.C * size.cells() == 0) return;
  const AffineCells<T> affine(size.OH, size.OW, options.align_corners);
  sample(size, options, input, y, [&](int64_t image, int64_t first, int64_t n, T* piece) -> const T* {
    affine.places(theta + 6 * image, first, n, piece);
    return piece;
  });
}

template <class T>
void grid_sample_backward(const GridSampleSize& size, const GridSampleOptions& options, const T* grad_output,
                          const T* input, const T* grid, T* grad_input, T* grad_grid) {
  const int64_t cells = size.cells(), in = size.C * size.H * size.W, out = size.C * cells;
  if (size.C == 0 && grad_grid) std::fill_n(grad_grid, 2 * size.N * cells, T(0));
  if (size.N == 0 || size.C == 0) return;
  parallel_for(size.N, std::max<int64_t>(1, results_per_task / std::max<int64_t>(1, out)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t n = begin; n < end; ++n) {
                   const Image<T> image{size,
                                        options,
                                        grad_output + n * out,
                                        input + n * in,
                                        grid + 2 * n * cells,
                                        grad_input ? grad_input + n * in : nullptr,
                                        grad_grid ? grad_grid + 2 * n * cells : nullptr};
                   image.backward();
                 }
               });
}

#define INSTANTIATE(T)                                                                                              \
  template void grid_sample(const GridSampleSize&, const GridSampleOptions&, const T*, const T*, T*);               \
  template void affine_sample(const GridSampleSize&, const GridSampleOptions&, const T*, const T*, T*);             \
  template void grid_sample_backward(const GridSampleSize&, const GridSampleOptions&, const T*, const T*, const T*, \
                                     T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cpu
