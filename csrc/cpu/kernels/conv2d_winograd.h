// The transforms of Winograd's F(2x2, 3x3): four outputs of a 3x3 filter from the 16 cells that they see with 16
// products in place of 36, y = A^T ((G w G^T) * (B^T x B)) A (Lavin and Gray, "Fast Algorithms for Convolutional Neural
// Networks", 2016). Lanes are tiles or filters; the products are plain matrix products, one for each of the 16 places.
#pragma once

#include "cpu/conv2d_kernels.h"
#include "cpu/kernels/lanes.h"
#include "cpu/kernels/unroll.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// Each transforms one row or column of a tile; the compiler keeps the vectors of all of them in registers.
struct TransformInput {
  static constexpr int from = 4, to = 4;
  template <class T>
  [[gnu::always_inline]] static void apply(const Vec<T>* x, Vec<T>* t) {
    t[0] = x[0] - x[2];
    t[1] = x[1] + x[2];
    t[2] = x[2] - x[1];
    t[3] = x[1] - x[3];
  }
};

struct TransformFilter {
  static constexpr int from = 3, to = 4;
  template <class T>
  [[gnu::always_inline]] static void apply(const Vec<T>* w, Vec<T>* t) {
    const Vec<T> half(T(0.5)), even = half * (w[0] + w[2]), odd = half * w[1];
    t[0] = w[0];
    t[1] = even + odd;
    t[2] = even - odd;
    t[3] = w[2];
  }
};

struct TransformOutput {
  static constexpr int from = 4, to = 2;
  template <class T>
  [[gnu::always_inline]] static void apply(const Vec<T>* m, Vec<T>* y) {
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] - m[3];
  }
};

// The adjoints of the last two.
struct TransformGradOutput {
  static constexpr int from = 2, to = 4;
  template <class T>
  [[gnu::always_inline]] static void apply(const Vec<T>* g, Vec<T>* t) {
    t[0] = g[0];
    t[1] = g[0] + g[1];
    t[2] = g[0] - g[1];
    t[3] = -g[1];
  }
};

struct TransformGradFilter {
  static constexpr int from = 4, to = 3;
  template <class T>
  [[gnu::always_inline]] static void apply(const Vec<T>* t, Vec<T>* w) {
    const Vec<T> half(T(0.5)), even = half * (t[1] + t[2]);
    w[0] = t[0] + even;
    w[1] = half * (t[1] - t[2]);
    w[2] = even + t[3];
  }
};

// A square of vectors, column by column and then row by row: load(p) gives place p of the square, store(p, v) takes it.
template <class Axis, class T, class Load, class Store>
[[gnu::always_inline]] inline void transform_square(const Load& load, const Store& store) {
  using V = Vec<T>;
  constexpr int from = Axis::from, to = Axis::to;
  V half[size_t{to}][size_t{from}];
  unroll<from>([&](auto column) __attribute__((always_inline)) {
    V line[size_t{from}], done[size_t{to}];
    unroll<from>([&](auto row) __attribute__((always_inline)) { line[row] = load(row * from + column); });
    Axis::apply(line, done);
    unroll<to>([&](auto row) __attribute__((always_inline)) { half[row][column] = done[row]; });
  });
  unroll<to>([&](auto row) __attribute__((always_inline)) {
    V done[size_t{to}];
    Axis::apply(half[row], done);
    unroll<to>([&](auto column) __attribute__((always_inline)) { store(row * to + column, done[column]); });
  });
}

// Every store is a whole vector, whose end the next row overwrites.
template <class T>
void winograd_input(const WinogradInput<T>& s) {
  using V = Vec<T>;
  T* dst = s.dst;
  for (int64_t channel = 0; channel < s.channels; ++channel) {
    const int64_t* lines = s.lines + channel * 16;
    for (int64_t row = 0; row < s.row_count; ++row, dst += s.columns) {
      for (int64_t j = 0; j < s.columns; j += V::size) {
        const T* x = s.x + s.rows[row] + j;
        transform_square<TransformInput, T>([&](int p) __attribute__((always_inline)) { return V::load(x + lines[p]); },
                                            [&](int p, V v)
                                                __attribute__((always_inline)) { v.store(dst + p * s.plane + j); });
      }
    }
  }
}

template <class T>
void winograd_filters(const WinogradFilters<T>& s) {
  using V = Vec<T>;
  constexpr int64_t width = tile_vectors * V::size;
  for (int64_t channel = 0; channel < s.channels; ++channel) {
    for (int64_t f = 0; f < width; f += V::size) {
      const T* weight = s.weight + channel * 9 * width + f;
      T* dst = s.dst + channel * width + f;
      transform_square<TransformFilter, T>(
          [&](int p) __attribute__((always_inline)) { return V::load(weight + (s.turned ? 8 - p : p) * width); },
          [&](int p, V v) __attribute__((always_inline)) { v.store(dst + p * s.plane); });
    }
  }
}

template <class T>
void winograd_output(const WinogradOutput<T>& s) {
  using V = Vec<T>;
  constexpr int64_t width = tile_vectors * V::size;
  for (int64_t j = 0; j < s.columns; j += 2) {
    const T* sums = s.sums + j / 2 * width;
    T* dst = s.dst + j * width;
    for (int64_t f = 0; f < s.filters; f += V::size) {
      transform_square<TransformOutput, T>(
          [&](int p) __attribute__((always_inline)) { return V::load(sums + p * s.plane + f); },
          [&](int p, V v) __attribute__((always_inline)) {
            if (p / 2 < s.rows && j + p % 2 < s.columns) v.store(dst + (p / 2 * s.columns + p % 2) * width + f);
          });
    }
  }
}

template <class T>
void winograd_grad_output(const WinogradGradOutput<T>& s) {
  using V = Vec<T>;
  constexpr int64_t width = tile_vectors * V::size;
  for (int64_t j = 0; j < s.columns; j += 2) {
    for (int64_t f = 0; f < width; f += V::size) {
      const T* cells = s.cells + j * width + f;
      T* dst = s.dst + j / 2 * width + f;
      transform_square<TransformGradOutput, T>(
          [&](int p) __attribute__((always_inline)) {
            const bool exists = p / 2 < s.rows && j + p % 2 < s.columns;
            return exists ? V::load(cells + (p / 2 * s.columns + p % 2) * width) : V(T(0));
          },
          [&](int p, V v) __attribute__((always_inline)) { v.store(dst + p * s.plane); });
    }
  }
}

template <class T>
void winograd_grad_weight(const WinogradGradWeight<T>& s) {
  using V = Vec<T>;
  constexpr int64_t width = tile_vectors * V::size;
  for (int64_t channel = 0; channel < s.channels; ++channel) {
    for (int64_t f = 0; f < width; f += V::size) {
      const T* sums = s.sums + channel * width + f;
      T* dst = s.dst + channel * 9 * width + f;
      transform_square<TransformGradFilter, T>(
          [&](int p) __attribute__((always_inline)) { return V::load(sums + p * s.plane); },
          [&](int p, V v) __attribute__((always_inline)) { v.store(dst + p * width); });
    }
  }
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
