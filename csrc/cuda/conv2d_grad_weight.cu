// grad_weight is a product over images and output cells: grad_output (filters, cells) times the windows (cells,
// channels and taps), whose elements are looked up. Its few results are sums of many terms, which are cut into parts.
#include "cuda/conv2d_parts.cuh"
#include "cuda/gemm_dense.cuh"
#include "cuda/gemm_lookup.cuh"
#include "cuda/plane_walk.cuh"
#include "cuda/reduce.cuh"
#include "cuda/split_sums.cuh"

namespace fastnn::cuda {
namespace {

constexpr int64_t least_depth = 256;  // of a part
constexpr int64_t least_terms = 4096;
constexpr int taps_at_once = 9;

template <class T, class I>
struct WeightGradient {
  const T *grad_output, *x;
  T* parts;
  I batch, groups, channels, filters;  // the last two of a group
  GatherAxis<I> h, w;
  I depth, part_depth;

  __device__ I cells() const { return h.cells * w.cells; }
  __device__ I taps() const { return h.taps * w.taps; }
  __device__ I x_plane() const { return h.size * w.size; }
  __device__ I weights() const { return channels * taps(); }  // of a filter
  __device__ I part_end(I part) const { return smaller(depth, (part + 1) * part_depth); }
};

// Row r is a filter, k an image and cell.
template <class T, class I>
struct Outputs {
  const WeightGradient<T, I>& g;
  const T* data;
  I rows;

  __device__ Outputs(const WeightGradient<T, I>& gradient, I group)
      : g(gradient), data(g.grad_output + group * g.filters * g.cells()), rows(g.filters) {}
  __device__ I row(I r) const { return r * g.cells(); }
  __device__ I step(I k) const {
    const auto at = unfold(k, g.h.by_cells, g.w.by_cells);
    return at.plane * g.groups * g.filters * g.cells() + at.h * g.w.cells + at.w;
  }
};

// Row n is a channel and tap, k an image and cell.
template <class T, class I>
struct Taps {
  const WeightGradient<T, I>& g;
  const T* data;
  I rows;

  __device__ Taps(const WeightGradient<T, I>& gradient, I group)
      : g(gradient), data(g.x + group * g.channels * g.x_plane()), rows(g.weights()) {}
  __device__ I height() const { return g.h.size; }
  __device__ I width() const { return g.w.size; }
  __device__ PlaneCell<I> row(I n) const {
    const auto at = unfold(n, g.h.by_taps, g.w.by_taps);
    return {at.plane * g.x_plane(), g.h.shift(at.h), g.w.shift(at.w)};
  }
  __device__ PlaneCell<I> step(I k) const {
    const auto at = unfold(k, g.h.by_cells, g.w.by_cells);
    return {at.plane * g.groups * g.channels * g.x_plane(), g.h.source(at.h), g.w.source(at.w)};
  }
};

template <class T, class I>
struct WeightGradientGrid {
  WeightGradient<T, I> g;
  int64_t row_tiles, column_tiles;
};

template <class T, class I, class Tile>
__global__ void __launch_bounds__(Tile::threads)
    grad_weight_kernel(const __grid_constant__ WeightGradientGrid<T, I> grid) {
  const WeightGradient<T, I>& g = grid.g;
  int64_t block = block_of_grid();
  const int64_t first_row = block % grid.row_tiles * Tile::rows;
  block /= grid.row_tiles;
  const int64_t first_column = block % grid.column_tiles * Tile::columns;
  block /= grid.column_tiles;
  const I group = static_cast<I>(block % g.groups), part = static_cast<I>(block / g.groups);

  LookupReader<T, I, Tile, Tile::rows, true, Outputs<T, I>> outputs({g, group}, first_row);
  WindowReader<T, I, Tile, Tile::columns, true, Taps<T, I>> taps({g, group}, first_column);
  Sums<T, Tile> sums;
  multiply(outputs, taps, int64_t{part} * g.part_depth, g.part_end(part), sums);
  const int64_t size = int64_t{g.filters} * g.weights();
  T* const to = g.parts + block * size;
  const bool packed = aligned_to_packs(g.parts) && size % Pack<T>::size == 0 && g.weights() % Pack<T>::size == 0;
  store_tile(sums, first_row, first_column, DenseTarget<T>{to, g.weights(), g.filters, g.weights(), packed, {}});
}

// Where a filter's taps in a chunk are, and their sums.
template <class T, class I>
struct TapSums {
  I down[taps_at_once], right[taps_at_once];
  T sum[taps_at_once]{};

  __device__ TapSums(const WeightGradient<T, I>& g, I first_tap) {
    FASTNN_UNROLL
    for (int t = 0; t < taps_at_once; ++t) {
      const Quotient<I> at = g.w.by_taps(smaller(first_tap + t, g.taps() - 1));
      down[t] = g.h.shift(at.whole);
      right[t] = g.w.shift(at.rest);
    }
  }

  __device__ void add(const WeightGradient<T, I>& g, T grad, const T* plane, I h, I w) {
    FASTNN_UNROLL
    for (int t = 0; t < taps_at_once; ++t) {
      const I row = h + down[t], at = w + right[t];
      if (inside(row, g.h.size) && inside(at, g.w.size)) sum[t] = fma_of(grad, plane[row * g.w.size + at], sum[t]);
    }
  }
};

// Without a tile: a block for a part of the sums of some taps of one filter on one channel.
template <class T, class I>
__global__ void __launch_bounds__(block_threads) grad_taps_kernel(const __grid_constant__ WeightGradient<T, I> g) {
  const I chunks = (g.taps() + taps_at_once - 1) / taps_at_once;
  auto block = static_cast<I>(block_of_grid());
  const I first_tap = block % chunks * taps_at_once;
  block /= chunks;
  const I channel = block % g.channels;
  block /= g.channels;
  const I filter = block % (g.groups * g.filters), part = block / (g.groups * g.filters);

  TapSums<T, I> taps(g, first_tap);
  const T* const x = g.x + (filter / g.filters * g.channels + channel) * g.x_plane();
  const T* const grad = g.grad_output + filter * g.cells();
  PlaneWalk walk(g.cells(), int64_t{part} * g.part_depth + thread_of_block(), threads_of_block());
  for (I i = part * g.part_depth + thread_of_block(); i < g.part_end(part); i += threads_of_block(), walk.advance()) {
    const Quotient<I> at = g.w.by_cells(static_cast<I>(walk.cell));
    taps.add(g, grad[walk.plane * g.groups * g.filters * g.cells() + walk.cell],
             x + walk.plane * g.groups * g.channels * g.x_plane(), g.h.source(at.whole), g.w.source(at.rest));
  }
  T* const to = g.parts + (part * g.groups * g.filters + filter) * g.weights() + channel * g.taps() + first_tap;
  FASTNN_UNROLL
  for (int t = 0; t < taps_at_once; ++t) {
    const T sum = block_sum(taps.sum[t]);
    if (thread_of_block() == 0 && first_tap + t < g.taps()) to[t] = sum;
  }
}

template <class I, class T>
WeightGradient<T, I> narrowed(const WeightGradient<T, int64_t>& g) {
  const auto n = [](int64_t value) { return static_cast<I>(value); };
  return {g.grad_output,    g.x,           g.parts,        n(g.batch),
          n(g.groups),      n(g.channels), n(g.filters),   narrowed<I>(g.h),
          narrowed<I>(g.w), n(g.depth),    n(g.part_depth)};
}

template <class T>
bool fits_int(const WeightGradient<T, int64_t>& g) {
  return fits_int(g.h) && fits_int(g.w) && is_small({g.batch, g.groups, g.channels, g.h.size, g.w.size}) &&
         is_small({g.batch, g.groups, g.filters, g.h.cells, g.w.cells}) &&
         is_small({g.groups, g.filters, g.channels, g.h.taps, g.w.taps});
}

// Cuts the sums into parts, writes those to memory, and adds them to grad_weight.
template <class T, class Launch>
void sum_by_parts(WeightGradient<T, int64_t> g, int64_t blocks, int64_t least, int64_t unit, bool accumulate,
                  T* grad_weight, const Launch& launch_parts) {
  const int64_t weights = g.groups * g.filters * g.channels * g.h.taps * g.w.taps;
  const int64_t count = split_count(blocks, g.depth, least);
  const bool at_once = count == 1 && !accumulate;
  g.part_depth = ((g.depth + count - 1) / count + unit - 1) / unit * unit;
  g.parts = at_once ? grad_weight : scratch<T>(count * weights);
  if (fits_int(g)) {
    launch_parts(narrowed<int>(g), count);
  } else {
    launch_parts(g, count);
  }
  if (!at_once) sum_parts("conv2d_backward", count, weights, g.parts, accumulate, grad_weight);
}

template <class Tile, class T>
void by_tiles(const WeightGradient<T, int64_t>& g, bool accumulate, T* grad_weight) {
  const int64_t row_tiles = (g.filters + Tile::rows - 1) / Tile::rows;
  const int64_t columns = g.channels * g.h.taps * g.w.taps;
  const int64_t column_tiles = (columns + Tile::columns - 1) / Tile::columns;
  const int64_t blocks = row_tiles * column_tiles * g.groups;
  sum_by_parts(g, blocks, least_depth, Tile::depth, accumulate, grad_weight,
               [&]<class I>(const WeightGradient<T, I>& parts, int64_t count) {
                 launch("conv2d_backward", &grad_weight_kernel<T, I, Tile>,
                        {static_cast<unsigned>(blocks * count), Tile::threads},
                        WeightGradientGrid<T, I>{parts, row_tiles, column_tiles});
               });
}

template <class T>
void directly(const WeightGradient<T, int64_t>& g, bool accumulate, T* grad_weight) {
  const int64_t chunks = (g.h.taps * g.w.taps + taps_at_once - 1) / taps_at_once;
  const int64_t blocks = g.groups * g.filters * g.channels * chunks;
  sum_by_parts(g, blocks, least_terms, 1, accumulate, grad_weight,
               [&]<class I>(const WeightGradient<T, I>& parts, int64_t count) {
                 launch("conv2d_backward", &grad_taps_kernel<T, I>,
                        {static_cast<unsigned>(blocks * count), block_threads}, parts);
               });
}

}  // namespace

template <class T>
void conv2d_grad_weight(const Conv2dSize& s, const T* grad_output, const T* x, bool accumulate, T* grad_weight) {
  WeightGradient<T, int64_t> g{grad_output,
                               x,
                               nullptr,
                               s.batch,
                               s.groups,
                               s.channels / s.groups,
                               s.out_channels / s.groups,
                               forward_axis(s.window.h),
                               forward_axis(s.window.w),
                               s.batch * s.window.h.output * s.window.w.output,
                               0};
  g.h = narrowed<int64_t>(g.h);
  g.w = narrowed<int64_t>(g.w);
  if (is_depthwise(s)) return directly(g, accumulate, grad_weight);
  if (g.filters <= ThinTile::rows) return by_tiles<ThinTile>(g, accumulate, grad_weight);
  if (g.filters <= LowTile::rows) return by_tiles<LowTile>(g, accumulate, grad_weight);
  if constexpr (sizeof(T) == 4) {
    if (g.filters > MediumTile::rows) return by_tiles<LargeTile>(g, accumulate, grad_weight);
  }
  by_tiles<MediumTile>(g, accumulate, grad_weight);
}

template void conv2d_grad_weight(const Conv2dSize&, const float*, const float*, bool, float*);
template void conv2d_grad_weight(const Conv2dSize&, const double*, const double*, bool, double*);

}  // namespace fastnn::cuda
