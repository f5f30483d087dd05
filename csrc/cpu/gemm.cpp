// Goto's blocking (Goto and van de Geijn, Anatomy of High-Performance Matrix Multiplication, 2008): a slice
// of B of k_block rows is packed once, blocks of A that fit the L2 cache are packed one after the other, and
// the register tile runs over both. Threads get rectangles of C and share nothing.
#include "cpu/gemm.h"

#include <algorithm>
#include <optional>

#include "cpu/aligned_buffer.h"
#include "cpu/dispatch.h"
#include "cpu/gemm_blocks.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t max_m_block = 84;     // a packed block of A stays in L2; a multiple of all tiles' rows
constexpr int64_t one_m_block = 168;    // up to so many rows are packed as one block
constexpr int64_t max_n_block = 3840;   // a packed slice of B stays in L3
constexpr int64_t l1_share = 16 << 10;  // bytes of an operand that stay in L1 beside the rest
constexpr int64_t few_uses = 8;         // of an operand: up to so many, packing it costs more than it gives
constexpr int64_t few_terms = 64;       // of a sum: with more, the way of a far C to L1 is no part of the time
constexpr int64_t cache_line = 64;
constexpr double work_per_task = 1 << 20;

template <class T>
struct Problem {
  GemmSize size;
  MatrixView<T> a, b;
  T* c;
  int64_t c_row;
  bool accumulate;
  Epilogue<T> epilogue;
  bool c_far;

  // The rectangle of C at (i, j).
  Problem part(int64_t i, int64_t j, int64_t rows, int64_t columns) const {
    Problem p = *this;
    p.size.m = rows;
    p.size.n = columns;
    p.a.data += i * a.row;
    p.b.data += j * b.column;
    p.c += i * c_row + j;
    if (p.epilogue.bias) p.epilogue.bias += j;
    if (p.epilogue.row_bias) p.epilogue.row_bias += i;
    return p;
  }
};

// Packing pays where what is packed is read often enough, or could not be read otherwise.
template <class T>
bool should_pack_a(const Problem<T>& p) {
  const auto& kernel = kernels<T>().gemm;
  const int64_t uses = ceil_div(p.size.n, kernel.tile_columns);
  const bool fits_l1 = p.size.m * p.size.k * static_cast<int64_t>(sizeof(T)) <= l1_share;
  // Of a transposed matrix a tile reads whole lines for a piece of each.
  const int64_t piece = p.a.row == 1 ? kernel.tile_rows * static_cast<int64_t>(sizeof(T)) : cache_line;
  return uses * std::max(cache_line, piece) > few_uses * piece && !fits_l1;
}
template <class T>
bool should_pack_b(const Problem<T>& p) {
  const auto& kernel = kernels<T>().gemm;
  if (p.b.column != 1) return true;
  const int64_t uses = ceil_div(p.size.m, kernel.tile_rows);
  const bool fits_l1 = p.size.n * p.size.k * static_cast<int64_t>(sizeof(T)) <= (32 << 10);
  return uses > few_uses && !fits_l1;
}

// The product of one block of A (m x k) with a slice of B (k x n), both inside the blocking limits.
template <class T>
void multiply_block(const Problem<T>& p, const T* packed_a, const T* packed_b, bool last) {
  const auto& kernel = kernels<T>().gemm;
  PanelProduct<T> product{};
  product.k = p.size.k;
  product.c_row = p.c_row;
  product.c_far = p.c_far;
  product.accumulate = p.accumulate;
  product.b_column = 1;
  product.b_padded = packed_b != nullptr;
  product.b_k = packed_b ? kernel.tile_columns : p.b.row;
  product.a = packed_a ? packed_a : p.a.data;
  product.a_row = packed_a ? 1 : p.a.row;
  product.a_k = packed_a ? kernel.tile_rows : p.a.column;
  product.a_tile = packed_a ? kernel.tile_rows * p.size.k : kernel.tile_rows * p.a.row;
  // A panel of B in L1 meets all rows of A; a B that is all in L1 meets them tile by tile, which writes C in order.
  const bool b_fits_l1 = p.size.n * p.size.k * static_cast<int64_t>(sizeof(T)) <= l1_share;
  const int64_t rows = b_fits_l1 && p.size.n > kernel.tile_columns ? kernel.tile_rows : p.size.m;
  for (int64_t i = 0; i < p.size.m; i += rows, product.a += product.a_tile) {
    product.m = std::min(rows, p.size.m - i);
    for (int64_t j = 0; j < p.size.n; j += kernel.tile_columns) {
      const Epilogue<T> epilogue{p.epilogue.bias ? p.epilogue.bias + j : nullptr, p.epilogue.relu,
                                 p.epilogue.row_bias ? p.epilogue.row_bias + i : nullptr};
      product.n = std::min(kernel.tile_columns, p.size.n - j);
      product.b = packed_b ? packed_b + j * p.size.k : p.b.data + j;
      product.b_followed = packed_b && j + kernel.tile_columns < p.size.n;
      product.c = p.c + i * p.c_row + j;
      product.epilogue = last ? &epilogue : nullptr;
      kernel.multiply_panel(product);
    }
  }
}

template <class T>
bool is_thin(const Problem<T>& p) {
  return !p.epilogue.row_bias && p.size.m <= kernels<T>().gemm.thin_rows;
}

// The terms of C from block of k `q` on.
template <class T>
PanelProduct<T> unpacked(const Problem<T>& p, int64_t q, int64_t depth) {
  PanelProduct<T> product{};
  product.a = p.a.data + q * p.a.column;
  product.a_row = p.a.row;
  product.a_k = p.a.column;
  product.b = p.b.data + q * p.b.row;
  product.b_k = p.b.row;
  product.b_column = p.b.column;
  product.c = p.c;
  product.c_row = p.c_row;
  product.m = p.size.m;
  product.n = p.size.n;
  product.k = depth;
  product.accumulate = p.accumulate || q > 0;
  product.epilogue = q + depth >= p.size.k ? &p.epilogue : nullptr;
  return product;
}

// Columns that run along memory are read to their ends, some at a time.
template <class T>
void multiply_thin(const Problem<T>& p) {
  constexpr int64_t some = 64;
  const int64_t k_block = k_block_size(p.size.k), columns = p.b.column == 1 ? p.size.n : some;
  for (int64_t j = 0; j < p.size.n; j += columns) {
    const Problem<T> part = p.part(0, j, p.size.m, std::min(columns, p.size.n - j));
    for (int64_t q = 0; q == 0 || q < p.size.k; q += k_block) {
      PanelProduct<T> product = unpacked(part, q, std::min(k_block, p.size.k - q));
      product.b_far = p.size.n * p.size.k > far_elements<T>;
      kernels<T>().gemm.multiply_thin(product);
    }
  }
}

template <class T>
bool is_shallow(const Problem<T>& p) {
  return !p.epilogue.row_bias && p.b.column == 1 && p.size.k > 0 && p.size.k <= kernels<T>().gemm.shallow_depth;
}

// One thread's rectangle. Where A is one block, it is packed once, and all its rows meet a panel of B as soon as that
// is packed, in L1.
template <class T>
void multiply(const Problem<T>& p) {
  const auto& kernel = kernels<T>().gemm;
  if (is_thin(p)) return multiply_thin(p);
  if (is_shallow(p)) return kernel.multiply_shallow(unpacked(p, 0, p.size.k));
  const bool packs_b = should_pack_b(p), one_block = p.size.m <= one_m_block;
  const int64_t k_block = k_block_size(p.size.k);
  const int64_t m_block = one_block ? p.size.m : max_m_block;
  const int64_t n_block = std::min(p.size.n, packs_b && one_block ? kernel.tile_columns : max_n_block);
  std::optional<AlignedBuffer<T>> a_buffer, b_buffer;
  if (should_pack_a(p)) a_buffer.emplace(round_up(m_block, kernel.tile_rows) * k_block);
  if (packs_b) b_buffer.emplace(round_up(n_block, kernel.tile_columns) * k_block);

  for (int64_t q = 0; q == 0 || q < p.size.k; q += k_block) {
    const int64_t depth = std::min(k_block, p.size.k - q);
    const bool last = q + depth >= p.size.k;
    for (int64_t j = 0; j < p.size.n; j += n_block) {
      const int64_t columns = std::min(n_block, p.size.n - j);
      const T* b = p.b.data + q * p.b.row + j * p.b.column;
      if (b_buffer) kernel.pack_b(b, p.b.column, p.b.row, columns, depth, b_buffer->data());
      for (int64_t i = 0; i < p.size.m; i += m_block) {
        Problem<T> block = p.part(i, j, std::min(m_block, p.size.m - i), columns);
        block.a.data += q * p.a.column;
        block.b.data += q * p.b.row;
        block.size.k = depth;
        block.accumulate = p.accumulate || q > 0;
        if (a_buffer && !(one_block && j > 0)) {
          kernel.pack_a(block.a.data, p.a.row, p.a.column, block.size.m, depth, a_buffer->data());
        }
        multiply_block(block, a_buffer ? a_buffer->data() : nullptr, b_buffer ? b_buffer->data() : nullptr, last);
      }
    }
  }
}

// In FLOPs. Reading an element of B or writing one of C costs about as much as 8 fused multiply-adds, which is most of
// what a product of one row or of one term does; transposing an element of B as much again.
template <class T>
double work(const Problem<T>& p) {
  const auto m = static_cast<double>(p.size.m), n = static_cast<double>(p.size.n), k = static_cast<double>(p.size.k);
  return 2.0 * m * n * k + 16.0 * (n * k + m * n) + (p.b.column == 1 ? 0.0 : 16.0 * n * k);
}

struct Grid {
  int64_t rows, columns;  // of rectangles
};

// The cut into `tasks` rectangles that packs least: every rectangle packs its rows of A and columns of B.
Grid choose_grid(GemmSize size, int64_t tasks) {
  Grid best{1, tasks};
  int64_t least = INT64_MAX;
  for (int64_t rows = 1; rows <= tasks; ++rows) {
    if (tasks % rows != 0) continue;
    const int64_t cost = ceil_div(size.m, rows) + ceil_div(size.n, tasks / rows);
    if (cost < least) {
      least = cost;
      best = {rows, tasks / rows};
    }
  }
  return best;
}

}  // namespace

template <class T>
void gemm(GemmSize size, MatrixView<T> a, MatrixView<T> b, T* c, bool accumulate, const Epilogue<T>& epilogue) {
  if (size.m == 0 || size.n == 0) return;
  const bool c_far = size.k <= few_terms && size.m * size.n > far_elements<T>;
  const Problem<T> problem{size, a, b, c, size.n, accumulate, epilogue, c_far};
  const int64_t worth = static_cast<int64_t>(std::min(work(problem) / work_per_task, 1e6));
  const int64_t tasks = std::clamp<int64_t>(worth, 1, num_threads());
  if (tasks == 1) return multiply(problem);

  const auto& kernel = kernels<T>().gemm;
  const Grid grid = choose_grid(size, tasks);
  const int64_t rows = round_up(ceil_div(size.m, grid.rows), kernel.tile_rows);
  const int64_t columns = round_up(ceil_div(size.n, grid.columns), kernel.tile_columns);
  parallel_for(grid.rows * grid.columns, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t i = task / grid.columns * rows, j = task % grid.columns * columns;
      if (i >= size.m || j >= size.n) continue;
      multiply(problem.part(i, j, std::min(rows, size.m - i), std::min(columns, size.n - j)));
    }
  });
}

template void gemm(GemmSize, MatrixView<float>, MatrixView<float>, float*, bool, const Epilogue<float>&);
template void gemm(GemmSize, MatrixView<double>, MatrixView<double>, double*, bool, const Epilogue<double>&);

}  // namespace fastnn::cpu
