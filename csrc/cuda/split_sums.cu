#include "cuda/split_sums.cuh"

#include "cuda/plane_walk.cuh"
#include "cuda/reduce.cuh"

namespace fastnn::cuda {
namespace {

constexpr int64_t wanted_blocks =
    264;  // two for each multiprocessor of an H200; a constant, for the same bits anywhere
constexpr int64_t terms_per_part = 4096;
constexpr int columns_of_block = 32, rows_of_block = block_threads / columns_of_block;

template <class T>
__global__ void sum_parts_kernel(int64_t count, int64_t n, const T* parts, bool accumulate, T* out) {
  for (int64_t i = thread_of_grid(); i < n; i += threads_of_grid()) {
    T sum = parts[i];
    for (int64_t part = 1; part < count; ++part) sum += parts[part * n + i];
    out[i] = accumulate ? out[i] + sum : sum;
  }
}

// x (rows, columns): block (part, columns_of_block columns) adds the rows of its part.
template <class T>
__global__ void sum_columns_kernel(int64_t rows, int64_t columns, int64_t part_rows, int64_t column_blocks, const T* x,
                                   T* parts) {
  FASTNN_SHARED(T, sums, [rows_of_block][columns_of_block]);
  const int row = thread_of_block() / columns_of_block, column = thread_of_block() % columns_of_block;
  const int64_t part = block_of_grid() / column_blocks;
  const int64_t at = block_of_grid() % column_blocks * columns_of_block + column;
  const int64_t end = smaller(rows, (part + 1) * part_rows);
  T sum = T(0);
  if (at < columns) {
    for (int64_t r = part * part_rows + row; r < end; r += rows_of_block) sum += x[r * columns + at];
  }
  sums[row][column] = sum;
  __syncthreads();
  if (row == 0 && at < columns) {
    for (int r = 1; r < rows_of_block; ++r) sum += sums[r][column];
    parts[part * columns + at] = sum;
  }
}

// Block (part, channel) adds the terms of its part, counted over outer and inner.
template <class T>
__global__ void sum_planes_kernel(AxisView view, int64_t part_terms, const T* x, T* parts) {
  const int64_t part = block_of_grid() / view.axis_size, channel = block_of_grid() % view.axis_size;
  const int64_t end = smaller(view.outer * view.inner, (part + 1) * part_terms);
  PlaneWalk walk(view.inner, part * part_terms + thread_of_block(), threads_of_block());
  T sum = T(0);
  for (int64_t i = part * part_terms + thread_of_block(); i < end; i += threads_of_block(), walk.advance()) {
    sum += x[(walk.plane * view.axis_size + channel) * view.inner + walk.cell];
  }
  sum = block_sum(sum);
  if (thread_of_block() == 0) parts[block_of_grid()] = sum;
}

}  // namespace

int64_t split_count(int64_t blocks, int64_t terms, int64_t least) {
  return std::max<int64_t>(1, std::min(wanted_blocks / std::max<int64_t>(1, blocks), terms / least));
}

template <class T>
void sum_parts(const char* name, int64_t count, int64_t n, const T* parts, bool accumulate, T* out) {
  launch(name, &sum_parts_kernel<T>, grid_for(n), count, n, parts, accumulate, out);
}

template <class T>
void sum_channels(const char* name, const AxisView& view, const T* x, bool accumulate, T* out) {
  if (view.axis_size == 0) return;
  const bool columns = view.inner <= 1;
  const int64_t terms = view.outer * view.inner;
  const int64_t blocks = columns ? (view.axis_size + columns_of_block - 1) / columns_of_block : view.axis_size;
  const int64_t count = split_count(blocks, terms, columns ? terms_per_part / columns_of_block : terms_per_part);
  const int64_t part_terms = (terms + count - 1) / count;
  T* parts = scratch<T>(count * view.axis_size);
  const Grid grid{static_cast<unsigned>(count * blocks), block_threads};
  if (columns) {
    launch(name, &sum_columns_kernel<T>, grid, terms, view.axis_size, part_terms, blocks, x, parts);
  } else {
    launch(name, &sum_planes_kernel<T>, grid, view, part_terms, x, parts);
  }
  sum_parts(name, count, view.axis_size, parts, accumulate, out);
}

#define INSTANTIATE(T)                                                        \
  template void sum_parts(const char*, int64_t, int64_t, const T*, bool, T*); \
  template void sum_channels(const char*, const AxisView&, const T*, bool, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cuda
