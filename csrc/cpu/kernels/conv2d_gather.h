// Panels of the matrix product picked straight out of planes (the im2col of Chellapilla, Puri and Simard,
// High Performance Convolutional Neural Networks for Document Processing, 2006, a panel at a time and never
// stored), and finished tiles put back where their columns belong.
#pragma once

#include "cpu/conv2d_kernels.h"
#include "cpu/kernels/gemm_micro.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// One run as wide as the panel: whole vectors.
template <class T>
void gather_whole(const Gather<T>& g) {
  constexpr int width = tile_vectors * Vec<T>::size;
  const T* src = g.src + g.runs[0].source;
  T* dst = g.dst;
  for (int64_t p = 0; p < g.depth; ++p, dst += width) {
    const T* line = src + g.lines[p];
    unroll<tile_vectors>(
        [&](auto v) [[gnu::always_inline]] { Vec<T>::load(line + v * Vec<T>::size).store(dst + v * Vec<T>::size); });
  }
}

template <class T, bool Readable>
void gather_runs(const Gather<T>& g) {
  using V = Vec<T>;
  constexpr int width = tile_vectors * V::size;
  T* dst = g.dst;
  for (int64_t p = 0; p < g.depth; ++p, dst += width) {
    const T* line = g.src + g.lines[p];
    for (int64_t r = 0; r < g.run_count; ++r) {
      const Run run = g.runs[r];
      const T* from = line + run.source;
      T* to = dst + run.column;
      for (int64_t i = 0; i < run.length; i += V::size) {
        const int64_t left = run.length - i;
        const V value = Readable || left >= V::size ? V::load(from + i) : V::load(from + i, left);
        value.store(to + i);
      }
    }
  }
}

template <class T>
void gather(const Gather<T>& g) {
  if (g.run_count == 1 && g.runs[0].length == tile_vectors * Vec<T>::size) return gather_whole(g);
  if (g.readable) return gather_runs<T, true>(g);
  gather_runs<T, false>(g);
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
