#include "cuda/gemm.cuh"

#include "cuda/cublaslt.h"
#include "cuda/gemm_dense.cuh"
#include "cuda/split_sums.cuh"

namespace fastnn::cuda {
namespace {

constexpr int64_t least_depth = 256;  // of a part of a split sum

// Of a launch; the blocks are numbered along rows, columns, parts of the sum and the batch.
template <class T>
struct Work {
  DenseFactor<T> a, b;
  int64_t a_step, b_step;  // to the next of the batch
  DenseTarget<T> c;
  int64_t depth, part_depth;
  int64_t row_tiles, column_tiles, parts;
};

template <class T, class Tile, bool a_k_contiguous, bool b_k_contiguous>
__global__ void __launch_bounds__(Tile::threads) gemm_kernel(const __grid_constant__ Work<T> work) {
  int64_t block = block_of_grid();
  const int64_t first_row = block % work.row_tiles * Tile::rows;
  block /= work.row_tiles;
  const int64_t first_column = block % work.column_tiles * Tile::columns;
  block /= work.column_tiles;
  const int64_t part = block % work.parts, item = block / work.parts;

  DenseFactor<T> a = work.a, b = work.b;
  a.data += item * work.a_step;
  b.data += item * work.b_step;
  DenseTarget<T> c = work.c;
  c.data += block * c.rows * c.columns;
  DenseReader<T, Tile, Tile::rows, a_k_contiguous> read_a(a, first_row);
  DenseReader<T, Tile, Tile::columns, b_k_contiguous> read_b(b, first_column);
  Sums<T, Tile> sums;
  multiply(read_a, read_b, part * work.part_depth, smaller(work.depth, (part + 1) * work.part_depth), sums);
  store_tile(sums, first_row, first_column, c);
}

template <class T>
DenseFactor<T> dense(const Factor<T>& factor, int64_t rows) {
  constexpr int width = Pack<T>::size;
  return {factor.data, factor.line, rows,
          aligned_to_packs(factor.data) && factor.line % width == 0 && factor.step % width == 0};
}

template <class T>
DenseTarget<T> target(const Gemm<T>& g, T* c) {
  return {c,
          g.N,
          g.M,
          g.N,
          aligned_to_packs(c) && g.N % Pack<T>::size == 0,
          {g.row_bias, g.column_bias, g.relu, g.accumulate}};
}

template <class Tile, class T>
void launch_gemm(const Gemm<T>& g, const Work<T>& work) {
  const auto blocks = static_cast<unsigned>(work.row_tiles * work.column_tiles * work.parts * g.batch);
  const Grid grid{blocks, Tile::threads};
  if (g.a.transposed) return launch(g.name, &gemm_kernel<T, Tile, false, false>, grid, work);
  if (g.b.transposed) return launch(g.name, &gemm_kernel<T, Tile, true, true>, grid, work);
  launch(g.name, &gemm_kernel<T, Tile, true, false>, grid, work);
}

template <class Tile, class T>
void run(const Gemm<T>& g) {
  Work<T> work{dense(g.a, g.M), dense(g.b, g.N), g.a.step, g.b.step, target(g, g.c), g.K, g.K, 0, 0, 1};
  work.row_tiles = (g.M + Tile::rows - 1) / Tile::rows;
  work.column_tiles = (g.N + Tile::columns - 1) / Tile::columns;
  const int64_t tiles = work.row_tiles * work.column_tiles;
  if (g.may_split && g.batch == 1) work.parts = split_count(tiles, g.K, least_depth);
  if (work.parts == 1) return launch_gemm<Tile>(g, work);

  const int64_t slices = (g.K + Tile::depth - 1) / Tile::depth;
  work.part_depth = (slices + work.parts - 1) / work.parts * Tile::depth;
  T* parts = scratch<T>(work.parts * g.M * g.N);
  work.c = target(g, parts);
  work.c.epilogue = {};
  launch_gemm<Tile>(g, work);
  sum_parts(g.name, work.parts, g.M * g.N, parts, g.accumulate, g.c);
}

}  // namespace

template <class T>
void own_gemm(const Gemm<T>& g) {
  if (g.M == 0 || g.N == 0) return;
  if (g.M <= ThinTile::rows) return run<ThinTile>(g);
  if constexpr (sizeof(T) == 4) {
    // Large tiles read less, where there are enough of them.
    constexpr int64_t enough = 100;
    const int64_t tiles =
        (g.M + LargeTile::rows - 1) / LargeTile::rows * ((g.N + LargeTile::columns - 1) / LargeTile::columns);
    if (tiles * g.batch >= enough) return run<LargeTile>(g);
  }
  run<MediumTile>(g);
}

template <class T>
void gemm(const Gemm<T>& g) {
  if (!cublaslt_gemm(g)) own_gemm(g);
}

#define INSTANTIATE(T)                    \
  template void own_gemm(const Gemm<T>&); \
  template void gemm(const Gemm<T>&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cuda
