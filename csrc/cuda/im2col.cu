// im2col: a thread takes an output cell of a plane and one row of its window. col2im gathers: a thread adds up what
// the columns hold of one cell of x, in the CPU's order.
#include "ops/im2col.h"

#include "cuda/launch.cuh"

namespace fastnn::cuda {
namespace {

// `cells` are those of all planes of the output; the rows of the window lie along the grid's second axis.
template <class T, class Index>
__global__ void im2col_kernel(Index cells, Window window, const T* x, T* columns) {
  const WindowAxis &h = window.h, &w = window.w;
  const int64_t length = h.output * w.output;
  const auto stride = static_cast<Index>(threads_of_grid());
  for (auto i = static_cast<Index>(thread_of_grid()); i < cells; i += stride) {
    const Index line = i / static_cast<Index>(w.output), plane = line / static_cast<Index>(h.output);
    const int64_t q = i - line * w.output, p = line - plane * h.output;
    for (int64_t tap = blockIdx.y; tap < h.kernel; tap += gridDim.y) {
      const int64_t r = p * h.stride - h.before + tap * h.dilation;
      const T* row = x + (plane * h.size + r) * w.size;
      T* column = columns + (plane * h.kernel + tap) * w.kernel * length + p * w.output + q;
      for (int64_t k = 0; k < w.kernel; ++k) {
        const int64_t c = q * w.stride - w.before + k * w.dilation;
        column[k * length] = r >= 0 && r < h.size && c >= 0 && c < w.size ? row[c] : T(0);
      }
    }
  }
}

// The output cell that sees `cell` through `tap`, or -1.
template <class Index>
__device__ inline int64_t seen_from(const WindowAxis& axis, int64_t cell, int64_t tap) {
  const int64_t position = cell + axis.before - tap * axis.dilation;
  if (position < 0) return -1;
  const Index o = static_cast<Index>(position) / static_cast<Index>(axis.stride);
  return o * axis.stride == position && o < axis.output ? static_cast<int64_t>(o) : -1;
}

template <class T, class Index>
__global__ void col2im_kernel(Index cells, Window window, const T* columns, T* x) {
  const WindowAxis &h = window.h, &w = window.w;
  const int64_t length = h.output * w.output;
  const auto stride = static_cast<Index>(threads_of_grid());
  for (auto i = static_cast<Index>(thread_of_grid()); i < cells; i += stride) {
    const Index line = i / static_cast<Index>(w.size), plane = line / static_cast<Index>(h.size);
    const int64_t c = i - line * w.size, r = line - plane * h.size;
    T total = T(0);
    for (int64_t tap = 0; tap < h.kernel; ++tap) {
      const int64_t p = seen_from<Index>(h, r, tap);
      if (p < 0) continue;
      const T* row = columns + (plane * h.kernel + tap) * w.kernel * length + p * w.output;
      for (int64_t k = 0; k < w.kernel; ++k) {
        const int64_t q = seen_from<Index>(w, c, k);
        if (q >= 0) total += row[k * length + q];
      }
    }
    x[i] = total;
  }
}

// Whether positions in padded planes can be counted by 32 bits too.
int64_t largest_count(const Window& window, int64_t cells) {
  const auto reach = [](const WindowAxis& a) { return a.size + a.before + a.after + a.stride; };
  return std::max({cells, reach(window.h), reach(window.w)});
}

}  // namespace

template <class T>
void im2col(const Im2ColSize& size, const T* x, T* columns) {
  const int64_t cells = size.batch * size.channels * size.length();
  Grid grid = grid_for(cells);
  grid.blocks.y = static_cast<unsigned>(std::min<int64_t>(size.window.h.kernel, 65535));
  with_index_type(cells, [&](auto index) {
    launch("im2col", &im2col_kernel<T, decltype(index)>, grid, cells, size.window, x, columns);
  });
}

template <class T>
void col2im(const Im2ColSize& size, const T* columns, T* x) {
  const int64_t cells = size.batch * size.channels * size.window.h.size * size.window.w.size;
  with_index_type(largest_count(size.window, cells), [&](auto index) {
    launch("col2im", &col2im_kernel<T, decltype(index)>, grid_for(cells), cells, size.window, columns, x);
  });
}

#define INSTANTIATE(T)                                   \
  template void im2col(const Im2ColSize&, const T*, T*); \
  template void col2im(const Im2ColSize&, const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cuda
