// Panels of the matrix product picked straight out of planes (the im2col of Chellapilla, Puri and Simard,
// High Performance Convolutional Neural Networks for Document Processing, 2006, a panel at a time and never
// stored), and finished tiles put back where their columns belong.
#pragma once

#include "cpu/conv2d_kernels.h"
#include "cpu/kernels/gemm_micro.h"
#include "cpu/kernels/pack.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

inline constexpr int most_copies = 8;

// The vectors that make up a line, left to right; a short one is stored whole, the next one over its end.
template <class T>
struct Copies {
  const T* src[most_copies];
  int64_t column[most_copies], lanes[most_copies];
  int count = 0;

  // False where there are too many.
  bool add(const Gather<T>& g) {
    for (int64_t r = 0; r < g.run_count; ++r) {
      const Run& run = g.runs[r];
      for (int64_t i = 0; i < run.length; i += Vec<T>::size, ++count) {
        if (count == most_copies) return false;
        src[count] = g.src + run.source + i;
        column[count] = run.column + i;
        lanes[count] = smaller(run.length - i, Vec<T>::size);
      }
    }
    return true;
  }
};

template <class T, int Count, bool Masked>
void gather_copies(const Gather<T>& g, const Copies<T>& copies) {
  using V = Vec<T>;
  constexpr int width = tile_vectors * V::size;
  const int64_t* lines = g.lines;
  const int64_t depth = g.depth;
  const Copies<T> c = copies;  // whose addresses can stay in registers
  T* dst = g.dst;
  for (int64_t p = 0; p < depth; ++p, dst += width) {
    const int64_t line = lines[p];
    unroll<Count>([&](auto v) __attribute__((always_inline)) {
      const V value = Masked ? V::load(c.src[v] + line, c.lanes[v]) : V::load(c.src[v] + line);
      value.store(dst + c.column[v]);
    });
  }
}

// A line of many short runs.
template <class T>
void gather_runs(const Gather<T>& g) {
  using V = Vec<T>;
  constexpr int width = tile_vectors * V::size;
  T* dst = g.dst;
  for (int64_t p = 0; p < g.depth; ++p, dst += width) {
    const T* line = g.src + g.lines[p];
    for (int64_t r = 0; r < g.run_count; ++r) {
      const Run run = g.runs[r];
      for (int64_t i = 0; i < run.length; i += V::size) {
        V::load(line + run.source + i, smaller(run.length - i, V::size)).store(dst + run.column + i);
      }
    }
  }
}

template <class T>
void gather(const Gather<T>& g) {
  Copies<T> copies;
  if (!copies.add(g)) return gather_runs(g);
  bool whole = true;
  for (int i = 0; i < copies.count; ++i) whole &= copies.lanes[i] == Vec<T>::size;
  unroll<most_copies>([&](auto v) __attribute__((always_inline)) {
    if (copies.count != v + 1) return;
    if (whole || g.readable) {
      gather_copies<T, v + 1, false>(g, copies);
    } else {
      gather_copies<T, v + 1, true>(g, copies);
    }
  });
}

template <class T>
void scatter(const Scatter<T>& s) {
  for (int64_t i = 0; i < s.rows; ++i) {
    for (int64_t r = 0; r < s.run_count; ++r) {
      const Run run = s.runs[r];
      const T* from = s.tile + i * s.tile_row + run.column;
      T* to = s.y + i * s.y_row + run.source;
      if (s.step == 1) {
        for (int64_t j = 0; j < run.length; ++j) to[j] = from[j];
      } else {
        for (int64_t j = 0; j < run.length; ++j) to[j * s.step] = from[j];
      }
    }
  }
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
