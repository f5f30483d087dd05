// A thread writes a cell of the result: of the padded planes by the one cell it copies, of grad_x by the few cells
// that are copies of it, added in the CPU's order. The means of planes are found before, by a block each.
#include "ops/pad.h"

#include "cuda/reduce.cuh"

namespace fastnn::cuda {
namespace {

struct Plane {
  PadAxis h, w;

  Plane(PaddingMode mode, int64_t H, int64_t W, const Sides& s)
      : h{mode, H, s.top, s.bottom}, w{mode, W, s.left, s.right} {}
  __host__ __device__ int64_t cells() const { return h.size * w.size; }
  __host__ __device__ int64_t padded() const { return h.padded() * w.padded(); }
};

// A cell of a stack of planes.
struct Cell {
  int64_t plane, row, column;
};

template <class Index>
__device__ inline Cell cell_at(Index i, int64_t H, int64_t W) {
  const Index row = i / static_cast<Index>(W), plane = row / static_cast<Index>(H);
  return {plane, row - plane * static_cast<int64_t>(H), i - row * static_cast<int64_t>(W)};
}

// The mean of each plane of x.
template <class T>
__global__ void mean_kernel(int64_t planes, int64_t cells, const T* x, T* means) {
  for (int64_t p = block_of_grid(); p < planes; p += blocks_of_grid()) {
    double total = 0;
    for (int64_t i = thread_of_block(); i < cells; i += threads_of_block())
      total += static_cast<double>(x[p * cells + i]);
    total = block_sum(total);
    if (thread_of_block() == 0) means[p] = static_cast<T>(total / static_cast<double>(cells));
  }
}

// What each cell takes of the gradients outside its plane.
template <class T>
__global__ void share_kernel(int64_t planes, Plane plane, const T* grad_padded, T* shares) {
  for (int64_t p = block_of_grid(); p < planes; p += blocks_of_grid()) {
    double total = 0;
    for (int64_t i = thread_of_block(); i < plane.padded(); i += threads_of_block()) {
      const int64_t r = i / plane.w.padded() + plane.h.begin(), q = i % plane.w.padded() + plane.w.begin();
      const bool inside = r >= 0 && r < plane.h.size && q >= 0 && q < plane.w.size;
      if (!inside) total += static_cast<double>(grad_padded[p * plane.padded() + i]);
    }
    total = block_sum(total);
    if (thread_of_block() == 0) shares[p] = static_cast<T>(total / static_cast<double>(plane.cells()));
  }
}

// means: the value outside, a plane; null: `value`.
template <class T, class Index>
__global__ void pad_kernel(Index count, Plane plane, const T* x, T value, const T* means, T* padded) {
  const auto stride = static_cast<Index>(threads_of_grid());
  for (auto i = static_cast<Index>(thread_of_grid()); i < count; i += stride) {
    const Cell at = cell_at(i, plane.h.padded(), plane.w.padded());
    const int64_t r = at.row + plane.h.begin(), q = at.column + plane.w.begin();
    const bool inside = r >= 0 && r < plane.h.size && q >= 0 && q < plane.w.size;
    if (inside || copies_cells(plane.h.mode)) {
      padded[i] = x[(at.plane * plane.h.size + plane.h.source(r)) * plane.w.size + plane.w.source(q)];
    } else {
      padded[i] = means ? means[at.plane] : value;
    }
  }
}

// total + the cells of one padded row that are copies of column q; `row` points to its column 0.
template <class T>
__device__ inline T add_row(T total, const PadAxis& w, int64_t q, const T* row) {
  const PadAxis::Copies copies = w.copies(q);
  for (int64_t j = copies.before_begin; j < copies.before_end; ++j) total += row[j];
  if (w.keeps(q)) total += row[q];
  for (int64_t j = copies.after_begin; j < copies.after_end; ++j) total += row[j];
  return total;
}

template <class T, class Index>
__global__ void pad_backward_kernel(Index count, Plane plane, const T* grad_padded, const T* shares, T* grad_x) {
  const auto stride = static_cast<Index>(threads_of_grid());
  for (auto i = static_cast<Index>(thread_of_grid()); i < count; i += stride) {
    const Cell at = cell_at(i, plane.h.size, plane.w.size);
    const PadAxis &h = plane.h, &w = plane.w;
    const T* origin = grad_padded + at.plane * plane.padded() - h.begin() * w.padded() - w.begin();
    const PadAxis::Copies copies = h.copies(at.row);
    T total = shares ? shares[at.plane] : T(0);
    for (int64_t r = copies.before_begin; r < copies.before_end; ++r) {
      total = add_row(total, w, at.column, origin + r * w.padded());
    }
    if (h.keeps(at.row)) total = add_row(total, w, at.column, origin + at.row * w.padded());
    for (int64_t r = copies.after_begin; r < copies.after_end; ++r) {
      total = add_row(total, w, at.column, origin + r * w.padded());
    }
    grad_x[i] = total;
  }
}

Grid grid_for_planes(int64_t planes) {
  return {static_cast<unsigned>(std::min<int64_t>(planes, 1 << 16)), block_threads};
}

}  // namespace

template <class T>
void pad_planes(PaddingMode mode, int64_t planes, int64_t H, int64_t W, const Sides& sides, const T* x, T* padded,
                T value) {
  const Plane plane(mode, H, W, sides);
  const int64_t count = planes * plane.padded();
  if (count == 0) return;
  T* means = mode == PaddingMode::mean ? scratch<T>(planes) : nullptr;
  if (means) launch("pad_mean", &mean_kernel<T>, grid_for_planes(planes), planes, H * W, x, means);
  with_index_type(count, [&](auto index) {
    launch("pad", &pad_kernel<T, decltype(index)>, grid_for(count), count, plane, x, value, means, padded);
  });
}

template <class T>
void pad_planes_backward(PaddingMode mode, int64_t planes, int64_t H, int64_t W, const Sides& sides,
                         const T* grad_padded, T* grad_x) {
  const Plane plane(mode, H, W, sides);
  const int64_t count = planes * plane.cells();
  if (count == 0) return;
  T* shares = mode == PaddingMode::mean ? scratch<T>(planes) : nullptr;
  if (shares) launch("pad_share", &share_kernel<T>, grid_for_planes(planes), planes, plane, grad_padded, shares);
  with_index_type(count, [&](auto index) {
    launch("pad_backward", &pad_backward_kernel<T, decltype(index)>, grid_for(count), count, plane, grad_padded, shares,
           grad_x);
  });
}

#define INSTANTIATE(T)                                                                             \
  template void pad_planes(PaddingMode, int64_t, int64_t, int64_t, const Sides&, const T*, T*, T); \
  template void pad_planes_backward(PaddingMode, int64_t, int64_t, int64_t, const Sides&, const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cuda
