// Implicit product of matrices: weights (results, K) times windows (K, N), K over channels and taps, N over images and
// cells. The windows are never written down: readers look their elements up.
#include "cuda/conv2d_parts.cuh"
#include "cuda/gemm_lookup.cuh"
#include "cuda/launch.cuh"

namespace fastnn::cuda {
namespace {

// What a block works on.
template <class T, class I>
struct Part {
  const Correlation<T, I>& c;
  const GatherAxis<I>&h, &w;
  I group;

  __device__ I columns() const { return c.batch * h.cells * w.cells; }
  __device__ I depth() const { return c.sums * h.taps * w.taps; }
};

// Row r is a filter, k a channel and tap.
template <class T, class I>
struct Filters {
  const Part<T, I>& part;
  const T* data;
  I rows;

  __device__ explicit Filters(const Part<T, I>& p)
      : part(p), data(p.c.weight + p.group * p.c.group_step), rows(p.c.results) {}
  __device__ I row(I r) const { return r * part.c.result_step; }
  __device__ I step(I k) const {
    const auto at = unfold(k, part.h.by_taps, part.w.by_taps);
    return at.plane * part.c.sum_step + part.h.filter_tap(at.h) * part.c.kernel_w + part.w.filter_tap(at.w);
  }
};

// Row n is an image and cell, k a channel and tap.
template <class T, class I>
struct Windows {
  const Part<T, I>& part;
  const T* data;
  I rows;

  __device__ explicit Windows(const Part<T, I>& p)
      : part(p), data(p.c.x + p.group * p.c.sums * p.c.x_plane()), rows(p.columns()) {}
  __device__ I height() const { return part.h.size; }
  __device__ I width() const { return part.w.size; }
  __device__ PlaneCell<I> row(I n) const {
    const auto at = unfold(n, part.h.by_cells, part.w.by_cells);
    return {at.plane * part.c.groups * part.c.sums * part.c.x_plane(), part.h.source(at.h), part.w.source(at.w)};
  }
  __device__ PlaneCell<I> step(I k) const {
    const auto at = unfold(k, part.h.by_taps, part.w.by_taps);
    return {at.plane * part.c.x_plane(), part.h.shift(at.h), part.w.shift(at.w)};
  }
};

template <class T, class I>
struct PlanesTarget {
  const Part<T, I>& part;
  T* data;
  bool packed;  // planes are aligned
  int64_t rows, columns;
  Epilogue<T> epilogue;

  __device__ explicit PlanesTarget(const Part<T, I>& p)
      : part(p),
        data(p.c.y + p.group * p.c.results * p.c.y_plane()),
        packed(aligned_to_packs(p.c.y) && p.c.y_plane() % Pack<T>::size == 0),
        rows(p.c.results),
        columns(p.columns()),
        epilogue(p.c.epilogue) {
    if (epilogue.row_bias) epilogue.row_bias += p.group * p.c.results;
  }

  __device__ T* row(int64_t m) const { return data + m * part.c.y_plane(); }

  __device__ int64_t offset(I column) const {
    const Correlation<T, I>& c = part.c;
    const auto at = unfold(column, part.h.by_cells, part.w.by_cells);
    return static_cast<int64_t>(at.plane) * c.groups * c.results * c.y_plane() + part.h.target(at.h) * c.y_width +
           part.w.target(at.w);
  }

  template <size_t width>
  __device__ Spots<width> spots(int64_t n) const {
    constexpr int last = static_cast<int>(width) - 1;
    Spots<width> spots;
    FASTNN_UNROLL
    for (int j = 0; j <= last; ++j) spots.offset[j] = n + j < columns ? offset(static_cast<I>(n) + j) : -1;
    spots.packed = packed && spots.offset[last] - spots.offset[0] == last && spots.offset[0] % (last + 1) == 0;
    return spots;
  }
};

template <class T, class I>
struct CorrelationGrid {
  Correlation<T, I> c;
  int64_t row_tiles, column_tiles;  // of the largest phase
};

template <class T, class I, class Tile>
__global__ void __launch_bounds__(Tile::threads) correlate_kernel(const __grid_constant__ CorrelationGrid<T, I> grid) {
  const Correlation<T, I>& c = grid.c;
  int64_t block = block_of_grid();
  const int64_t first_row = block % grid.row_tiles * Tile::rows;
  block /= grid.row_tiles;
  const int64_t first_column = block % grid.column_tiles * Tile::columns;
  block /= grid.column_tiles;
  const auto phase = static_cast<int>(block / c.groups);
  const Part<T, I> part{c, c.h[phase / c.w_phases], c.w[phase % c.w_phases], static_cast<I>(block % c.groups)};
  if (first_column >= part.columns()) return;

  LookupReader<T, I, Tile, Tile::rows, true, Filters<T, I>> filters{Filters<T, I>(part), first_row};
  WindowReader<T, I, Tile, Tile::columns, false, Windows<T, I>> windows{Windows<T, I>(part), first_column};
  Sums<T, Tile> sums;
  multiply(filters, windows, 0, part.depth(), sums);
  store_tile(sums, first_row, first_column, PlanesTarget<T, I>(part));
}

template <class Tile, class T, class I>
void run(const Correlation<T, I>& c) {
  const int64_t columns = int64_t{c.batch} * c.h[0].cells * c.w[0].cells;
  const int64_t row_tiles = (c.results + Tile::rows - 1) / Tile::rows;
  const int64_t column_tiles = (columns + Tile::columns - 1) / Tile::columns;
  const int64_t blocks = row_tiles * column_tiles * c.groups * c.h_phases * c.w_phases;
  launch(c.name, &correlate_kernel<T, I, Tile>, {static_cast<unsigned>(blocks), Tile::threads},
         CorrelationGrid<T, I>{c, row_tiles, column_tiles});
}

}  // namespace

template <class T, class I>
void correlate_by_tiles(const Correlation<T, I>& c) {
  if constexpr (sizeof(I) == 4) {
    if (c.results <= ThinTile::rows) return run<ThinTile>(c);
    if (c.results <= LowTile::rows) return run<LowTile>(c);
    if constexpr (sizeof(T) == 4) {
      // Large tiles read less, where there are enough of them.
      const int64_t outputs = int64_t{c.batch} * c.groups * c.results * c.y_height * c.y_width;
      if (c.results > MediumTile::rows && outputs >= int64_t{100} * LargeTile::rows * LargeTile::columns) {
        return run<LargeTile>(c);
      }
    }
  }
  run<MediumTile>(c);
}

template void correlate_by_tiles(const Correlation<float, int>&);
template void correlate_by_tiles(const Correlation<double, int>&);
template void correlate_by_tiles(const Correlation<float, int64_t>&);
template void correlate_by_tiles(const Correlation<double, int64_t>&);

}  // namespace fastnn::cuda
