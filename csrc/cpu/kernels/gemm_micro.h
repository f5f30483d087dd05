// The register tile of the matrix product: C (rows x columns) gets A * B over k, one fused multiply-add a
// term, in the order of k. Every tile, full or at an edge, packed or not, adds in this same order, so an
// element of C has the same bits wherever it lies and however the work is cut.
//
// The accumulators are a pack of parameters, one variable each: gcc 12 kept an array of more than 12 of them
// in memory beside the registers, which ran at a third of the speed.
#pragma once

#include <cstddef>
#include <utility>

#include "cpu/gemm_blocks.h"
#include "cpu/kernel_table.h"
#include "cpu/kernels/lanes.h"
#include "cpu/kernels/pack.h"
#include "cpu/kernels/unroll.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// Where the terms of A lie. Two pointers for the rows in place: with offsets from one, most of a full tile's were read
// from the stack at every step.
template <class T, int Rows>
class RowsInPlace {
 public:
  [[gnu::always_inline]] RowsInPlace(const T* a, const PanelProduct<T>& product)
      : upper_(a), lower_(a + upper * product.a_row), row_(product.a_row), step_(product.a_k) {}

  template <int R>
  [[gnu::always_inline]] T at() const {
    return R < upper ? upper_[R * row_] : lower_[(R - upper) * row_];
  }
  [[gnu::always_inline]] void next() { upper_ += step_, lower_ += step_; }

 private:
  static constexpr int upper = (Rows + 1) / 2;
  const T *upper_, *lower_;
  int64_t row_, step_;
};

// A packed tile: the compiler knows all offsets. Where a panel of B is half of L1 and more, as with 64-byte vectors,
// the terms of all tiles together ask for the panel behind it, into L2; where a tile of A and a panel of B are more
// than L1, they ask for A, too.
template <class T, int Rows>
class PackedRows {
 public:
  [[gnu::always_inline]] PackedRows(const T* a, const PanelProduct<T>& product) : a_(a), b_(product.b), b_step_(0) {
    if (!product.b_followed) return;
    b_step_ = product.b_k / (product.m / tile_rows) + 1;
    b_ += product.k * product.b_k + (a - product.a) / tile_rows * b_step_;
  }

  template <int R>
  [[gnu::always_inline]] T at() const {
    return a_[R];
  }
  [[gnu::always_inline]] void next() {
    a_ += tile_rows;
    if constexpr (b_bytes >= l1_bytes / 2) {
      b_ += b_step_;
      __builtin_prefetch(b_, 0, 2);
    }
    if constexpr (b_bytes + tile_rows * term_bytes > l1_bytes) {
      const T* ahead = a_ + 16 * tile_rows;
      __builtin_prefetch(ahead);
      __builtin_prefetch(ahead + 64 / sizeof(T));
    }
  }

 private:
  static constexpr int64_t l1_bytes = 48 << 10, term_bytes = max_k_block * sizeof(T);
  static constexpr int64_t b_bytes = tile_vectors * Vec<T>::size * term_bytes;
  const T *a_, *b_;  // the next term of A, and what is asked for of B
  int64_t b_step_;
};

// A tile's lines of C, asked for while its terms are summed: all before the first term, ...
template <class T, int Rows, int Vectors>
class CAtOnce {
 public:
  [[gnu::always_inline]] CAtOnce(const T* c, const PanelProduct<T>& product) {
    unroll<Rows * Vectors>([&](auto i) __attribute__((always_inline)) {
      __builtin_prefetch(c + i / Vectors * product.c_row + i % Vectors * Vec<T>::size, 1);
    });
  }
  [[gnu::always_inline]] void before(int64_t) {}
};

// ... or a row every few terms. All at once take the places in which lines wait on their way to L1, which only a C
// from beyond L2 makes felt; from nearer the questions among the terms cost more.
template <class T, int Rows, int Vectors>
class CRowByRow {
 public:
  [[gnu::always_inline]] CRowByRow(const T* c, const PanelProduct<T>& product) : row_(c), c_row_(product.c_row) {
    while (2 * terms_ * Rows <= product.k) terms_ *= 2;
  }
  [[gnu::always_inline]] void before(int64_t term) {
    if ((term & (terms_ - 1)) != 0) return;
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) { __builtin_prefetch(row_ + v * Vec<T>::size, 1); });
    row_ += c_row_;
  }

 private:
  const T* row_;
  int64_t c_row_, terms_ = 1;  // a power of two
};

// Rows x Vectors accumulators; accumulator I belongs to row I / Vectors and vector I % Vectors. With Masked,
// the last vector of B has only as many lanes as C has columns there.
template <class T, int Rows, int Vectors, bool Masked, template <class, int> class RowsOfA = RowsInPlace,
          template <class, int, int> class AskedForC = CAtOnce>
struct Tile {
  using V = Vec<T>;

  // row_bias: of the tile's first row, or null.
  static void multiply(const PanelProduct<T>& product, const T* a, T* c, const T* row_bias) {
    start(product, a, c, row_bias, std::make_integer_sequence<int, Rows * Vectors>{});
  }

  template <int... I>
  [[gnu::always_inline]] static void start(const PanelProduct<T>& product, const T* a, T* c, const T* row_bias,
                                           std::integer_sequence<int, I...> indices) {
    accumulate(product, a, c, row_bias, indices, (static_cast<void>(I), V(T(0)))...);
  }

  template <int... I, class... Accumulators>
  [[gnu::always_inline]] static void accumulate(const PanelProduct<T>& product, const T* a, T* c, const T* row_bias,
                                                std::integer_sequence<int, I...>, Accumulators... acc) {
    const int64_t tail = product.n - (Vectors - 1) * V::size;
    const int64_t b_k = product.b_k, k = product.k;
    RowsOfA<T, Rows> terms(a, product);
    const T* b = product.b;
    AskedForC<T, Rows, Vectors> asked(c, product);
    for (int64_t p = 0; p < k; ++p, terms.next(), b += b_k) {
      asked.before(p);
      V row[size_t{Vectors}];
      unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
        row[v] = Masked && v == Vectors - 1 ? V::load(b + v * V::size, tail) : V::load(b + v * V::size);
      });
      ((acc = fma(V(terms.template at<I / Vectors>()), row[I % Vectors], acc)), ...);
    }
    if (tail == V::size) {
      store(product, c, row_bias, WholeVector<T>{}, std::integer_sequence<int, I...>{}, acc...);
    } else {
      store(product, c, row_bias, PartVector<T>{tail}, std::integer_sequence<int, I...>{}, acc...);
    }
  }

  // Each step is asked for once a tile, not once a vector: the questions took 60 cycles of a tile's end. `last`: the
  // lanes of the last vector of a row.
  template <class Last, int... I, class... Accumulators>
  [[gnu::always_inline]] static void store(const PanelProduct<T>& product, T* c, const T* row_bias, Last last,
                                           std::integer_sequence<int, I...>, Accumulators... acc) {
    const int64_t c_row = product.c_row;
    const auto lanes = [last](auto v) __attribute__((always_inline)) {
      if constexpr (v < Vectors - 1) {
        return WholeVector<T>{};
      } else {
        return last;
      }
    };
    const auto at = [=](int64_t i)
                        __attribute__((always_inline)) { return c + i / Vectors * c_row + i % Vectors * V::size; };
    if (product.accumulate) ((acc = lanes(vector_of<I>).load(at(I)) + acc), ...);
    if (const Epilogue<T>* epilogue = product.epilogue) {
      const T* bias = epilogue->bias;
      if (bias) ((acc = acc + lanes(vector_of<I>).load(bias + I % Vectors * V::size)), ...);
      if (row_bias) ((acc = acc + V(row_bias[I / Vectors])), ...);
      // max keeps its second operand where one is NaN.
      if (epilogue->relu) ((acc = max(V(T(0)), acc)), ...);
    }
    (lanes(vector_of<I>).store(at(I), acc), ...);
  }

  template <int I>
  static constexpr std::integral_constant<int, I % Vectors> vector_of{};
};

template <class T, int Vectors, bool Masked>
void packed_tile(const PanelProduct<T>& product, const T* a, T* c, const T* row_bias) {
  constexpr int waiting_lines = 16;  // of those on their way to L1; the fewest of the processors measured
  if constexpr (tile_rows * Vectors > waiting_lines) {
    if (product.c_far)
      return Tile<T, tile_rows, Vectors, Masked, PackedRows, CRowByRow>::multiply(product, a, c, row_bias);
  }
  Tile<T, tile_rows, Vectors, Masked, PackedRows>::multiply(product, a, c, row_bias);
}

// The tile of the `rows` rows left over, rows in [1, tile_rows).
template <class T, int Vectors, bool Masked, int... R>
void edge_tile(std::integer_sequence<int, R...>, int64_t rows, const PanelProduct<T>& product, const T* a, T* c,
               const T* row_bias) {
  using Function = void (*)(const PanelProduct<T>&, const T*, T*, const T*);
  static constexpr Function by_rows[] = {Tile<T, R + 1, Vectors, Masked>::multiply...};
  by_rows[rows - 1](product, a, c, row_bias);
}

// A short tile is left over: tiles of nearly equal height take its place where the rows of A lie evenly, as in a
// matrix that was not packed. 16 rows as 8 + 8 run at 97 % of the peak, as 14 + 2 at 87 %.
template <class T, int Vectors, bool Masked>
void multiply_tiles(const PanelProduct<T>& product) {
  const T* a = product.a;
  T* c = product.c;
  const T* row_bias = product.epilogue ? product.epilogue->row_bias : nullptr;
  const int64_t tiles = (product.m + tile_rows - 1) / tile_rows;
  // Not of single values: gcc 12 makes vectors of them, and reads a row of B after the last one for the last of these.
  const bool packed = Vec<T>::size > 1 && product.a_row == 1 && product.a_k == tile_rows;
  const bool even = product.a_tile == tile_rows * product.a_row && 2 * (product.m % tile_rows) < tile_rows;
  for (int64_t tile = 0, left = product.m; left > 0; ++tile) {
    const int64_t rows = even ? (left + tiles - tile - 1) / (tiles - tile) : smaller(left, tile_rows);
    if (rows == tile_rows && packed) {
      packed_tile<T, Vectors, Masked>(product, a, c, row_bias);
    } else if (rows == tile_rows) {
      Tile<T, tile_rows, Vectors, Masked>::multiply(product, a, c, row_bias);
    } else {
      edge_tile<T, Vectors, Masked>(std::make_integer_sequence<int, tile_rows - 1>{}, rows, product, a, c, row_bias);
    }
    left -= rows;
    a += even ? rows * product.a_row : product.a_tile;
    c += rows * product.c_row;
    if (row_bias) row_bias += rows;
  }
}

template <class T>
void multiply_panel(const PanelProduct<T>& product) {
  constexpr int size = Vec<T>::size;
  const bool masked = !product.b_padded && product.n % size != 0;
  unroll<tile_vectors>([&](auto v) __attribute__((always_inline)) {
    if ((product.n + size - 1) / size != v + 1) return;
    if (masked) {
      multiply_tiles<T, v + 1, true>(product);
    } else {
      multiply_tiles<T, v + 1, false>(product);
    }
  });
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
