// Where a piece of a grid reads: for each cell the corner of the four taps around its place, their weights, and
// which of them lie in the plane. The channels of an image share it.
#pragma once

#include "ops/grid_sample.h"

namespace fastnn::cpu {

inline constexpr int64_t tile_cells = 128;  // 8 KiB of float32 taps, which stay in the first cache

// One coordinate of a place, in cells.
template <class T>
struct SampleAxis {
  int64_t size;
  T scale, shift;
  bool border;

  SampleAxis(int64_t n, const GridSampleOptions& options)
      : size(n),
        scale(static_cast<T>(options.align_corners ? n - 1 : n) / 2),
        shift(options.align_corners ? T(0) : T(0.5)),
        border(options.padding == SamplePadding::border) {}

  T place(T coordinate) const { return (coordinate + 1) * scale - shift; }
  T last() const { return static_cast<T>(size - 1); }
  // NaN moves to cell 0, as in torch.
  T clipped(T p) const {
    p = p > 0 ? p : T(0);
    return p < last() ? p : last();
  }
  // The derivative of the place, after clipping, by the coordinate.
  T slope(T p) const { return border && !(p > 0 && p < last()) ? T(0) : scale; }
};

inline int32_t nearest_even(float p) { return __builtin_irintf(p); }
inline int32_t nearest_even(double p) { return __builtin_irint(p); }

// Along one axis: cells `low` and `low + 1` are the taps, `fraction` the distance from the first. A place beyond
// all taps has a fraction of 0, or of NaN where it is infinite or NaN: torch's 0 * NaN. Written without branches,
// which the compiler turns into vector code: that halved the time of a whole call for one channel.
template <class T>
struct AxisTaps {
  int32_t low[tile_cells];
  int32_t first[tile_cells], second[tile_cells];  // 1 where the tap lies in the plane
  T fraction[tile_cells];

  void bilinear(const SampleAxis<T>& axis, const T* places, int64_t n) {
    const auto size = static_cast<uint32_t>(axis.size);
    for (int64_t j = 0; j < n; ++j) {
      const T p = places[j];
      const bool near = p >= T(-1) && p < static_cast<T>(size);
      const T reached = near ? p : T(-2);
      const auto cut = static_cast<int32_t>(reached);
      const int32_t cell = cut - (reached < static_cast<T>(cut) ? 1 : 0);
      low[j] = cell;
      fraction[j] = p - (near ? static_cast<T>(cell) : p);
      first[j] = static_cast<uint32_t>(cell) < size;
      second[j] = static_cast<uint32_t>(cell + 1) < size;
    }
  }

  // Ties go to the even cell, as in torch.
  void nearest(const SampleAxis<T>& axis, const T* places, int64_t n) {
    const auto size = static_cast<uint32_t>(axis.size);
    for (int64_t j = 0; j < n; ++j) {
      const T p = places[j];
      low[j] = nearest_even(p >= T(-1) && p <= static_cast<T>(size) ? p : T(-2));
      fraction[j] = T(0);
      first[j] = static_cast<uint32_t>(low[j]) < size;
      second[j] = 0;
    }
  }
};

enum Inside : int32_t { left = 1, right = 2, top = 4, bottom = 8, all_inside = 15 };

template <class T>
struct Taps {
  int64_t corner[tile_cells];  // of the upper left tap in its plane
  T weight[4][tile_cells];     // upper left, upper right, lower left, lower right
  AxisTaps<T> x, y;
  int32_t inside[tile_cells];

  // Of n cells of a grid.
  void fill(SampleMode mode, const SampleAxis<T>& horizontal, const SampleAxis<T>& vertical, const T* grid, int64_t n) {
    along(mode, horizontal, grid, n, x);
    along(mode, vertical, grid + 1, n, y);
    for (int64_t j = 0; j < n; ++j) {
      const T fx = x.fraction[j], fy = y.fraction[j];
      weight[0][j] = (1 - fx) * (1 - fy);
      weight[1][j] = fx * (1 - fy);
      weight[2][j] = (1 - fx) * fy;
      weight[3][j] = fx * fy;
      inside[j] = x.first[j] | x.second[j] << 1 | y.first[j] << 2 | y.second[j] << 3;
    }
    for (int64_t j = 0; j < n; ++j) corner[j] = y.low[j] * horizontal.size + x.low[j];
  }

 private:
  static void along(SampleMode mode, const SampleAxis<T>& axis, const T* grid, int64_t n, AxisTaps<T>& taps) {
    T places[tile_cells];
    for (int64_t j = 0; j < n; ++j) places[j] = axis.place(grid[2 * j]);
    if (axis.border) {
      for (int64_t j = 0; j < n; ++j) places[j] = axis.clipped(places[j]);
    }
    mode == SampleMode::bilinear ? taps.bilinear(axis, places, n) : taps.nearest(axis, places, n);
  }
};

// body(k, offset from the corner) for each of the four taps in the plane, in the order of the weights.
template <class Body>
void for_each_tap(int32_t inside, int64_t W, const Body& body) {
  if ((inside & (left | top)) == (left | top)) body(0, int64_t{0});
  if ((inside & (right | top)) == (right | top)) body(1, int64_t{1});
  if ((inside & (left | bottom)) == (left | bottom)) body(2, W);
  if ((inside & (right | bottom)) == (right | bottom)) body(3, W + 1);
}

}  // namespace fastnn::cpu
