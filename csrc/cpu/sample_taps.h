// Where a piece of a grid reads: for each cell the corner of the four taps around its place, their weights, and
// which of them lie in the plane. The channels of an image share it.
#pragma once

#include "ops/grid_sample.h"

namespace fastnn::cpu {

inline constexpr int64_t tile_cells = 128;  // 9 KiB of float32 taps, which stay in the first cache

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
  bool holds(int64_t cell) const { return cell >= 0 && cell < size; }
};

// Cells `low` and `low + 1` are the taps, `fraction` the distance from the first.
template <class T>
struct Position {
  int64_t low = 0;
  T fraction = 0;
  bool first = false, second = false;
};

// A place beyond all taps has a fraction of 0, or of NaN where it is infinite or NaN: torch's 0 * NaN.
template <class T>
Position<T> bilinear_position(const SampleAxis<T>& axis, T p) {
  if (!(p >= T(-1) && p < static_cast<T>(axis.size))) return {0, p - p, false, false};
  auto low = static_cast<int64_t>(p);
  if (p < static_cast<T>(low)) --low;
  return {low, p - static_cast<T>(low), axis.holds(low), axis.holds(low + 1)};
}

// Ties go to the even cell, as in torch.
template <class T>
Position<T> nearest_position(const SampleAxis<T>& axis, T p) {
  if (!(p >= T(-1) && p <= static_cast<T>(axis.size))) return {};
  const auto cell = static_cast<int64_t>(__builtin_nearbyint(static_cast<double>(p)));
  return {cell, T(0), axis.holds(cell), false};
}

enum Inside : uint8_t { left = 1, right = 2, top = 4, bottom = 8, all_inside = 15 };

template <class T>
struct Taps {
  int64_t corner[tile_cells];  // of the upper left tap in its plane
  T weight[4][tile_cells];     // upper left, upper right, lower left, lower right
  T fx[tile_cells], fy[tile_cells];
  uint8_t inside[tile_cells];

  // Of n cells of a grid.
  void fill(SampleMode mode, const SampleAxis<T>& horizontal, const SampleAxis<T>& vertical, const T* grid, int64_t n) {
    for (int64_t j = 0; j < n; ++j) {
      T px = horizontal.place(grid[2 * j]), py = vertical.place(grid[2 * j + 1]);
      if (horizontal.border) px = horizontal.clipped(px), py = vertical.clipped(py);
      const bool bilinear = mode == SampleMode::bilinear;
      put(j, horizontal.size, bilinear ? bilinear_position(horizontal, px) : nearest_position(horizontal, px),
          bilinear ? bilinear_position(vertical, py) : nearest_position(vertical, py));
    }
  }

 private:
  void put(int64_t j, int64_t W, const Position<T>& x, const Position<T>& y) {
    corner[j] = y.low * W + x.low;
    fx[j] = x.fraction;
    fy[j] = y.fraction;
    weight[0][j] = (1 - x.fraction) * (1 - y.fraction);
    weight[1][j] = x.fraction * (1 - y.fraction);
    weight[2][j] = (1 - x.fraction) * y.fraction;
    weight[3][j] = x.fraction * y.fraction;
    inside[j] = static_cast<uint8_t>(x.first * left | x.second * right | y.first * top | y.second * bottom);
  }
};

// body(k, offset from the corner) for each of the four taps in the plane, in the order of the weights.
template <class Body>
void for_each_tap(uint8_t inside, int64_t W, const Body& body) {
  if ((inside & (left | top)) == (left | top)) body(0, int64_t{0});
  if ((inside & (right | top)) == (right | top)) body(1, int64_t{1});
  if ((inside & (left | bottom)) == (left | bottom)) body(2, W);
  if ((inside & (right | bottom)) == (right | bottom)) body(3, W + 1);
}

}  // namespace fastnn::cpu
