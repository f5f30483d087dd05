// The places theta (x, y, 1) of the cells of a result, a piece of its plane at a time.
#pragma once

#include "cpu/aligned_buffer.h"
#include "ops/grid_sample.h"

namespace fastnn::cpu {

// The coordinates of n cells along an axis; a single cell lies in the middle.
template <class T>
class CellCoordinates {
 public:
  CellCoordinates(int64_t n, bool align_corners) : values_(n) {
    const auto steps = static_cast<T>(align_corners ? n - 1 : n);
    for (int64_t i = 0; i < n; ++i) {
      const auto half_steps = static_cast<T>(2 * i + (align_corners ? 0 : 1));
      values_.data()[i] = n == 1 ? T(0) : half_steps / steps - 1;
    }
  }
  T operator[](int64_t i) const { return values_.data()[i]; }

 private:
  AlignedBuffer<T> values_;
};

template <class T>
class AffineCells {
 public:
  AffineCells(int64_t OH, int64_t OW, bool align_corners) : OW_(OW), x_(OW, align_corners), y_(OH, align_corners) {}

  // The grid of cells [first, first + n) of the plane, row by row.
  void places(const T* theta, int64_t first, int64_t n, T* grid) const {
    int64_t h = first / OW_, w = first % OW_;
    for (int64_t j = 0; j < n; ++j) {
      grid[2 * j] = theta[0] * x_[w] + theta[1] * y_[h] + theta[2];
      grid[2 * j + 1] = theta[3] * x_[w] + theta[4] * y_[h] + theta[5];
      if (++w == OW_) w = 0, ++h;
    }
  }
  T x(int64_t w) const { return x_[w]; }
  T y(int64_t h) const { return y_[h]; }

 private:
  int64_t OW_;
  CellCoordinates<T> x_, y_;
};

}  // namespace fastnn::cpu
