// A plane of the result is cut into tiles of cells; the taps of a tile are found once and serve all channels. The
// backward takes an image a task, so that no two tasks add to one plane of grad_input.
#include "ops/grid_sample.h"

#include <algorithm>

#include "cpu/affine_grid.h"
#include "cpu/dispatch.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t results_per_task = 1 << 13;

template <class T>
SampleAxis<T> axis_of(int64_t size, const GridSampleOptions& options) {
  return {.size = size,
          .scale = static_cast<T>(options.align_corners ? size - 1 : size) / 2,
          .shift = options.align_corners ? T(0) : T(0.5),
          .border = options.padding == SamplePadding::border,
          .nearest = options.mode == SampleMode::nearest};
}

// The taps of one tile after another.
template <class T>
struct Tile {
  const SampleAxis<T> x, y;
  SampleTaps<T> taps;

  Tile(const GridSampleSize& size, const GridSampleOptions& options)
      : x(axis_of<T>(size.W, options)), y(axis_of<T>(size.H, options)) {}
  void move_to(const T* grid, int64_t n) { kernels<T>().grid_sample.taps(x, y, grid, n, &taps); }
};

// places(image, first cell, cells, memory for them): the piece of the grid.
template <class T, class Places>
void sample(const GridSampleSize& size, const GridSampleOptions& options, const T* input, T* y, const Places& places) {
  const int64_t plane = size.H * size.W, cells = size.cells();
  const int64_t tiles = (cells + tile_cells - 1) / tile_cells;
  const int64_t grain = std::max<int64_t>(1, results_per_task / (size.C * std::min(cells, tile_cells)));
  parallel_for(size.N * tiles, grain, [&](int64_t begin, int64_t end) {
    Tile<T> tile(size, options);
    T piece[2 * tile_cells];
    for (int64_t task = begin; task < end; ++task) {
      const int64_t image = task / tiles, first = task % tiles * tile_cells, n = std::min(tile_cells, cells - first);
      tile.move_to(places(image, first, n, piece), n);
      for (int64_t c = image * size.C; c < (image + 1) * size.C; ++c) {
        kernels<T>().grid_sample.forward(tile.taps, n, input + c * plane, y + c * cells + first);
      }
    }
  });
}

template <class T>
struct Image {
  const GridSampleSize& size;
  const GridSampleOptions& options;
  const T *grad_output, *input, *grid;
  T *grad_input, *grad_grid;  // either may be null

  void backward() const {
    const int64_t plane = size.H * size.W, cells = size.cells();
    const bool moves = grad_grid && options.mode == SampleMode::bilinear;  // the nearest cell stays the same
    const GridSampleKernels<T>& kernel = kernels<T>().grid_sample;
    if (grad_input) std::fill_n(grad_input, size.C * plane, T(0));
    if (grad_grid && !moves) std::fill_n(grad_grid, 2 * cells, T(0));
    Tile<T> tile(size, options);
    for (int64_t first = 0; first < cells; first += tile_cells) {
      const int64_t n = std::min(tile_cells, cells - first);
      tile.move_to(grid + 2 * first, n);
      T of_x[tile_cells] = {}, of_y[tile_cells] = {};
      for (int64_t c = 0; c < size.C; ++c) {
        const T* grad = grad_output + c * cells + first;
        if (grad_input) kernel.grad_input(tile.taps, n, grad, grad_input + c * plane);
        if (moves) kernel.grad_grid(tile.taps, n, grad, input + c * plane, of_x, of_y);
      }
      if (moves) take_places(tile.taps, n, of_x, of_y, grad_grid + 2 * first);
    }
  }

 private:
  // From the gradient by the place to that by its coordinates.
  static void take_places(const SampleTaps<T>& taps, int64_t n, const T* of_x, const T* of_y, T* grad) {
    for (int64_t j = 0; j < n; ++j) {
      grad[2 * j] = of_x[j] * taps.x.rate[j];
      grad[2 * j + 1] = of_y[j] * taps.y.rate[j];
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
