// Packing lays the lines of a matrix (rows of A, columns of B) side by side in tiles of Width lines, so that
// the product reads both operands in order: dst[tile][p][i]. Where the source runs along its lines, blocks
// are transposed in registers; where it runs across them, they are copied.
#pragma once

#include "cpu/kernel_table.h"
#include "cpu/kernels/unroll.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// At most size lines x size steps, transposed; lanes past `present` lines are zero, only `width` are stored.
template <class T>
[[gnu::always_inline]] inline void pack_block(const T* src, int64_t line, int64_t present, int64_t steps, T* dst,
                                              int64_t dst_step, int64_t width) {
  using V = Vec<T>;
  V rows[V::size];
  unroll<V::size>([&](auto i) __attribute__((always_inline)) {
    rows[i] = i >= present ? V(T(0)) : steps == V::size ? V::load(src + i * line) : V::load(src + i * line, steps);
  });
  transpose(rows);
  unroll<V::size>([&](auto p) __attribute__((always_inline)) {
    if (p >= steps) return;
    if (width == V::size) {
      rows[p].store(dst + p * dst_step);
    } else {
      rows[p].store(dst + p * dst_step, width);
    }
  });
}

// A whole block: `Lines` lines, size steps. Rows are stored as whole vectors, and what follows writes over the
// lanes past `Lines`; not after the last row of a tile, where the next tile may be another thread's. Lines lie
// too far apart for the hardware to fetch ahead in all of them.
template <class T, int Lines>
[[gnu::always_inline]] inline void pack_whole_block(const T* src, int64_t line, T* dst, int64_t dst_step, bool last) {
  using V = Vec<T>;
  V rows[V::size];
  for (int i = 0; i < V::size; ++i) {
    rows[i] = i < Lines ? V::load(src + i * line) : V(T(0));
    if (i < Lines) __builtin_prefetch(src + i * line + 4 * V::size);
  }
  transpose(rows);
  for (int p = 0; p < V::size - 1; ++p) rows[p].store(dst + p * dst_step);
  T* end = dst + (V::size - 1) * dst_step;
  if (Lines == V::size || !last) {
    rows[V::size - 1].store(end);
  } else {
    rows[V::size - 1].store(end, Lines);
  }
}

// Lines run along memory: step is 1.
template <class T, int Width>
void pack_along(const T* src, int64_t line, int64_t lines, int64_t depth, T* dst) {
  constexpr int size = Vec<T>::size, whole = Width / size * size, left = Width - whole;
  int64_t p = 0;
  if (lines == Width) {
    for (; p + size <= depth; p += size) {
      T* to = dst + p * Width;
      if (left > 0) {
        pack_whole_block<T, left == 0 ? size : left>(src + whole * line + p, line, to + whole, Width,
                                                     p + size == depth);
      }
      for (int64_t i = 0; i < whole; i += size) {
        pack_whole_block<T, size>(src + i * line + p, line, to + i, Width, false);
      }
    }
  }
  for (; p < depth; p += size) {
    for (int64_t i = 0; i < Width; i += size) {
      const int64_t width = smaller(Width - i, size);
      const int64_t present = smaller(lines - i, width);
      const T* from = present > 0 ? src + i * line + p : src;
      pack_block(from, line, present, smaller(depth - p, size), dst + p * Width + i, Width, width);
    }
  }
}

// Lines run across memory: line is 1.
template <class T, int Width>
void pack_across(const T* src, int64_t step, int64_t lines, int64_t depth, T* dst) {
  using V = Vec<T>;
  for (int64_t p = 0; p < depth; ++p, src += step, dst += Width) {
    for (int i = 0; i < Width; i += V::size) {
      const int64_t room = smaller(Width - i, V::size);
      const int64_t present = smaller(lines - i, room);
      const V value = present == V::size ? V::load(src + i) : present > 0 ? V::load(src + i, present) : V(T(0));
      if (room == V::size) {
        value.store(dst + i);
      } else {
        value.store(dst + i, room);
      }
    }
  }
}

template <class T, int Width>
void pack(const T* src, int64_t line, int64_t step, int64_t lines, int64_t depth, T* dst) {
  for (int64_t i = 0; i < lines; i += Width, dst += Width * depth) {
    const int64_t present = smaller(lines - i, Width);
    if (step == 1) {
      pack_along<T, Width>(src + i * line, line, present, depth, dst);
    } else {
      pack_across<T, Width>(src + i * line, step, present, depth, dst);
    }
  }
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
