// The four taps that a cell of a result reads, as csrc/cpu/sample_taps.h finds them.
#pragma once

#include "cuda/device.cuh"
#include "ops/grid_sample.h"

namespace fastnn::cuda {

__device__ inline float nearest_even(float p) { return rintf(p); }
__device__ inline double nearest_even(double p) { return rint(p); }

// Cells `low` and `low + 1` along an axis; `first` and `second` say which of them lie in the plane.
template <class T>
struct AxisTap {
  int64_t low;
  bool first, second;
  T fraction;
};

// One coordinate of a place, in cells.
template <class T>
struct SampleAxis {
  int64_t size;
  T scale, shift;
  bool border, nearest;

  SampleAxis(int64_t n, const GridSampleOptions& options)
      : size(n),
        scale(static_cast<T>(options.align_corners ? n - 1 : n) / 2),
        shift(options.align_corners ? T(0) : T(0.5)),
        border(options.padding == SamplePadding::border),
        nearest(options.mode == SampleMode::nearest) {}

  __device__ T place(T coordinate) const { return (coordinate + 1) * scale - shift; }
  __device__ T last() const { return static_cast<T>(size - 1); }
  // The derivative of the place, after clipping, by the coordinate.
  __device__ T slope(T coordinate) const {
    const T p = place(coordinate);
    return border && !(p > 0 && p < last()) ? T(0) : scale;
  }

  __device__ AxisTap<T> tap(T coordinate) const {
    T p = place(coordinate);
    if (border) p = smaller(larger(p, T(0)), last());  // NaN moves to cell 0
    const bool near = p >= T(-1) && (nearest ? p <= static_cast<T>(size) : p < static_cast<T>(size));
    const T reached = near ? p : T(-2);
    if (nearest) {
      const auto cell = static_cast<int64_t>(nearest_even(reached));
      return {cell, cell >= 0 && cell < size, false, T(0)};
    }
    const auto cut = static_cast<int64_t>(reached);
    const int64_t cell = cut - (reached < static_cast<T>(cut) ? 1 : 0);
    // Infinite and NaN places have a fraction of NaN: 0 * NaN, as on the CPU.
    return {cell, cell >= 0 && cell < size, cell + 1 >= 0 && cell + 1 < size, p - (near ? static_cast<T>(cell) : p)};
  }
};

template <class T>
struct Taps {
  AxisTap<T> x, y;
  int64_t W;

  // Tap 0 is the upper left one, 1 its right neighbour, 2 and 3 are below.
  __device__ bool inside(int k) const { return (k & 1 ? x.second : x.first) && (k & 2 ? y.second : y.first); }
  __device__ int64_t cell(int k) const { return (y.low + (k >> 1)) * W + x.low + (k & 1); }
  __device__ T weight(int k) const {
    return (k & 1 ? x.fraction : 1 - x.fraction) * (k & 2 ? y.fraction : 1 - y.fraction);
  }
  __device__ T value(int k, const T* plane) const { return inside(k) ? plane[cell(k)] : T(0); }
};

}  // namespace fastnn::cuda
