// Where a piece of a grid reads a plane. The four cells around a place are two neighbours of a row and those below
// them; at the plane's ends the pair moves inside, and of its two cells only those around the place count.
#pragma once

#include <cstdint>

namespace fastnn::cpu {

inline constexpr int64_t tile_cells = 128;  // 10 KiB of float32 taps, which stay in the first cache

// Coordinates along one axis become places, counted in cells: (coordinate + 1) scale - shift.
template <class T>
struct SampleAxis {
  int64_t size;
  T scale, shift;
  bool border;   // places outside move to the nearest cell
  bool nearest;  // one cell counts, otherwise the two around the place
};

// Of the two cells of a pair along one axis: the weight, and its derivative by the place, which is 0 only where the
// cell does not count. There the weight is 0, too, or NaN where the place is infinite or NaN.
template <class T>
struct alignas(64) AxisTaps {
  T cell[tile_cells];  // the first of the pair
  T weight[2][tile_cells], slope[2][tile_cells];
  T rate[tile_cells];  // the derivative of the place by the coordinate
};

template <class T>
struct alignas(64) SampleTaps {
  int64_t corner[tile_cells];  // where the pair of the upper row starts in the plane
  int64_t below;               // from there to the pair of the lower row; 0 where the plane is one row
  bool column;                 // the plane is one column: only the first cell of a pair is there
  AxisTaps<T> x, y;
};

}  // namespace fastnn::cpu
