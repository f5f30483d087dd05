// grid_sample: a thread takes a cell of the result, finds its taps once and walks the channels. The gradient by the
// input is a sum over the cells that have read a place: a thread takes a plane and adds them in the CPU's order, so
// no two add to one place. affine_grid: a thread a cell; its gradient a block an image, in double.
#include "ops/grid_sample.h"

#include "cuda/reduce.cuh"
#include "cuda/sample_taps.cuh"

namespace fastnn::cuda {
namespace {

// The coordinate of cell i of n along an axis; a single cell lies in the middle.
template <class T>
__device__ inline T cell_coordinate(int64_t i, int64_t n, bool align_corners) {
  const auto half_steps = static_cast<T>(2 * i + (align_corners ? 0 : 1));
  return n == 1 ? T(0) : half_steps / static_cast<T>(align_corners ? n - 1 : n) - 1;
}

template <class T>
struct Place {
  T x, y;
};

template <class T>
__device__ inline Place<T> affine_place(const AffineGridSize& size, bool align_corners, const T* theta, int64_t cell) {
  const T x = cell_coordinate<T>(cell % size.OW, size.OW, align_corners);
  const T y = cell_coordinate<T>(cell / size.OW, size.OH, align_corners);
  return {theta[0] * x + theta[1] * y + theta[2], theta[3] * x + theta[4] * y + theta[5]};
}

// The places of a grid, given or made of theta.
template <class T>
struct GivenGrid {
  const T* grid;
  __device__ Place<T> operator()(int64_t i) const { return {grid[2 * i], grid[2 * i + 1]}; }
};

template <class T>
struct AffineGrid {
  AffineGridSize size;
  bool align_corners;
  const T* theta;
  __device__ Place<T> operator()(int64_t i) const {
    const int64_t plane = size.OH * size.OW, image = i / plane;
    return affine_place(size, align_corners, theta + 6 * image, i - image * plane);
  }
};

template <class T, class Grid>
__global__ void sample_kernel(GridSampleSize size, SampleAxis<T> horizontal, SampleAxis<T> vertical, const T* input,
                              Grid grid, T* y) {
  const int64_t cells = size.cells(), plane = size.H * size.W;
  for (int64_t i = thread_of_grid(); i < size.N * cells; i += threads_of_grid()) {
    const Place<T> place = grid(i);
    const Taps<T> taps{horizontal.tap(place.x), vertical.tap(place.y), size.W};
    const int64_t image = i / cells, cell = i - image * cells;
    for (int64_t c = image * size.C; c < (image + 1) * size.C; ++c) {
      const T* from = input + c * plane;
      if (horizontal.nearest) {
        y[c * cells + cell] = taps.value(0, from);
      } else {
        y[c * cells + cell] = taps.value(0, from) * taps.weight(0) + taps.value(1, from) * taps.weight(1) +
                              taps.value(2, from) * taps.weight(2) + taps.value(3, from) * taps.weight(3);
      }
    }
  }
}

template <class T>
__global__ void input_gradient_kernel(GridSampleSize size, SampleAxis<T> horizontal, SampleAxis<T> vertical,
                                      const T* grad_output, GivenGrid<T> grid, T* grad_input) {
  const int64_t cells = size.cells(), plane = size.H * size.W;
  for (int64_t p = thread_of_grid(); p < size.N * size.C; p += threads_of_grid()) {
    T* to = grad_input + p * plane;
    for (int64_t j = 0; j < plane; ++j) to[j] = T(0);
    for (int64_t cell = 0; cell < cells; ++cell) {
      const Place<T> place = grid(p / size.C * cells + cell);
      const Taps<T> taps{horizontal.tap(place.x), vertical.tap(place.y), size.W};
      const T grad = grad_output[p * cells + cell];
      for (int k = 0; k < (horizontal.nearest ? 1 : 4); ++k) {
        if (taps.inside(k)) to[taps.cell(k)] += horizontal.nearest ? grad : taps.weight(k) * grad;
      }
    }
  }
}

template <class T>
__global__ void grid_gradient_kernel(GridSampleSize size, SampleAxis<T> horizontal, SampleAxis<T> vertical,
                                     const T* grad_output, const T* input, GivenGrid<T> grid, T* grad_grid) {
  const int64_t cells = size.cells(), plane = size.H * size.W;
  for (int64_t i = thread_of_grid(); i < size.N * cells; i += threads_of_grid()) {
    T gx = T(0), gy = T(0);
    const Place<T> place = grid(i);
    if (!horizontal.nearest) {
      const Taps<T> taps{horizontal.tap(place.x), vertical.tap(place.y), size.W};
      const T fx = taps.x.fraction, fy = taps.y.fraction;
      const int64_t image = i / cells, cell = i - image * cells;
      for (int64_t c = image * size.C; c < (image + 1) * size.C; ++c) {
        const T* from = input + c * plane;
        const T a = taps.value(0, from), b = taps.value(1, from), d = taps.value(2, from), e = taps.value(3, from);
        const T grad = grad_output[c * cells + cell];
        gx += ((b - a) * (1 - fy) + (e - d) * fy) * grad;
        gy += ((d - a) * (1 - fx) + (e - b) * fx) * grad;
      }
      gx *= horizontal.slope(place.x);
      gy *= vertical.slope(place.y);
    }
    grad_grid[2 * i] = gx;
    grad_grid[2 * i + 1] = gy;
  }
}

template <class T>
__global__ void affine_grid_kernel(int64_t count, AffineGrid<T> places, T* grid) {
  for (int64_t i = thread_of_grid(); i < count; i += threads_of_grid()) {
    const Place<T> place = places(i);
    grid[2 * i] = place.x;
    grid[2 * i + 1] = place.y;
  }
}

// A block an image.
template <class T>
__global__ void affine_gradient_kernel(AffineGridSize size, bool align_corners, const T* grad_grid, T* grad_theta) {
  const int64_t plane = size.OH * size.OW;
  for (int64_t n = block_of_grid(); n < size.N; n += blocks_of_grid()) {
    double sums[6] = {};
    for (int64_t i = thread_of_block(); i < plane; i += threads_of_block()) {
      const double x = cell_coordinate<T>(i % size.OW, size.OW, align_corners);
      const double y = cell_coordinate<T>(i / size.OW, size.OH, align_corners);
      const T* grad = grad_grid + 2 * (n * plane + i);
      FASTNN_UNROLL
      for (int k = 0; k < 2; ++k) {
        const double g = grad[k];
        sums[3 * k] += g * x;
        sums[3 * k + 1] += g * y;
        sums[3 * k + 2] += g;
      }
    }
    FASTNN_UNROLL
    for (int k = 0; k < 6; ++k) {
      const double total = block_sum(sums[k]);
      if (thread_of_block() == 0) grad_theta[6 * n + k] = static_cast<T>(total);
    }
  }
}

template <class T, class Grid>
void sample(const GridSampleSize& size, const GridSampleOptions& options, const T* input, const Grid& grid, T* y) {
  if (size.C == 0) return;
  launch("grid_sample", &sample_kernel<T, Grid>, grid_for(size.N * size.cells()), size, SampleAxis<T>(size.W, options),
         SampleAxis<T>(size.H, options), input, grid, y);
}

}  // namespace

template <class T>
void grid_sample(const GridSampleSize& size, const GridSampleOptions& options, const T* input, const T* grid, T* y) {
  sample(size, options, input, GivenGrid<T>{grid}, y);
}

template <class T>
void affine_sample(const GridSampleSize& size, const GridSampleOptions& options, const T* input, const T* theta, T* y) {
  const AffineGridSize places{size.N, size.OH, size.OW};
  sample(size, options, input, AffineGrid<T>{places, options.align_corners, theta}, y);
}

template <class T>
void grid_sample_backward(const GridSampleSize& size, const GridSampleOptions& options, const T* grad_output,
                          const T* input, const T* grid, T* grad_input, T* grad_grid) {
  const SampleAxis<T> horizontal(size.W, options), vertical(size.H, options);
  if (grad_input) {
    launch("grid_sample_backward", &input_gradient_kernel<T>, grid_for(size.N * size.C), size, horizontal, vertical,
           grad_output, GivenGrid<T>{grid}, grad_input);
  }
  if (grad_grid) {
    launch("grid_sample_backward", &grid_gradient_kernel<T>, grid_for(size.N * size.cells()), size, horizontal,
           vertical, grad_output, input, GivenGrid<T>{grid}, grad_grid);
  }
}

template <class T>
void affine_grid(const AffineGridSize& size, bool align_corners, const T* theta, T* grid) {
  const int64_t count = size.N * size.OH * size.OW;
  launch("affine_grid", &affine_grid_kernel<T>, grid_for(count), count, AffineGrid<T>{size, align_corners, theta},
         grid);
}

template <class T>
void affine_grid_backward(const AffineGridSize& size, bool align_corners, const T* grad_grid, T* grad_theta) {
  launch("affine_grid_backward", &affine_gradient_kernel<T>, grid_for(size.N * block_threads), size, align_corners,
         grad_grid, grad_theta);
}

#define INSTANTIATE(T)                                                                                              \
  template void grid_sample(const GridSampleSize&, const GridSampleOptions&, const T*, const T*, T*);               \
  template void affine_sample(const GridSampleSize&, const GridSampleOptions&, const T*, const T*, T*);             \
  template void grid_sample_backward(const GridSampleSize&, const GridSampleOptions&, const T*, const T*, const T*, \
                                     T*, T*);                                                                       \
  template void affine_grid(const AffineGridSize&, bool, const T*, T*);                                             \
  template void affine_grid_backward(const AffineGridSize&, bool, const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cuda
