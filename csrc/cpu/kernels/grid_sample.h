// Bilinear and nearest sampling of a plane at up to tile_cells places (Jaderberg et al. 2015). Pairs of cells are
// fetched one by one, as a gather does, but two at a time; all arithmetic is on vectors, without branches, since
// around the border of a turned image no processor can guess them.
#pragma once

#include "cpu/kernel_table.h"
#include "cpu/kernels/gemm_micro.h"
#include "cpu/kernels/lanes.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// --- the taps: plain loops, which the compiler turns into vector code ----------------------------
// NaN moves to cell 0, as in torch.
template <class T>
inline void clip_places(const SampleAxis<T>& axis, int64_t n, T* places, T* rate) {
  const T last = static_cast<T>(axis.size - 1), scale = axis.scale;
  for (int64_t j = 0; j < n; ++j) {
    const T p = places[j], positive = p > 0 ? p : T(0);
    places[j] = positive < last ? positive : last;
    rate[j] = p > 0 && p < last ? scale : T(0);
  }
}

// The cell at or before each place and the distance from it; places beyond all cells move to -2 or to `size`, and where
// one is infinite or NaN the distance is NaN, torch's 0 * NaN.
template <class T>
inline void cells_before(const T* places, int64_t size, int64_t n, int32_t* cell, T* fraction) {
  const T end = static_cast<T>(size);
  for (int64_t j = 0; j < n; ++j) {
    const T p = places[j], from = p > T(-2) ? p : T(-2), reached = from < end ? from : end;
    const auto cut = static_cast<int32_t>(reached);
    cell[j] = cut - (reached < static_cast<T>(cut) ? 1 : 0);
    fraction[j] = reached - static_cast<T>(cell[j]) + (p - p);
  }
}

inline float nearest_even(float p) { return __builtin_rintf(p); }
inline double nearest_even(double p) { return __builtin_rint(p); }

// The nearest cell, of two the even one, as in torch; -2 where it is not in the plane.
template <class T>
inline void nearest_cells(const T* places, int64_t size, int64_t n, int32_t* cell, T* fraction) {
  for (int64_t j = 0; j < n; ++j) {
    const T p = nearest_even(places[j]);
    cell[j] = static_cast<int32_t>(p >= 0 && p < static_cast<T>(size) ? p : T(-2));
    fraction[j] = T(0);
  }
}

// From the cell before a place and the distance to the pair inside the plane.
template <class T>
inline void make_pairs(const SampleAxis<T>& axis, int64_t n, const T* fraction, AxisTaps<T>* taps) {
  const auto size = static_cast<int32_t>(axis.size);
  const int32_t last_pair = size < 2 ? 0 : size - 2;
  const T of_second = axis.nearest || size < 2 ? T(0) : T(1);
  for (int64_t j = 0; j < n; ++j) {
    const int32_t cell = taps->cell[j];
    const T f = fraction[j];
    const int32_t inside = cell < 0 ? 0 : cell;
    const int32_t first = inside < last_pair ? inside : last_pair;
    const bool none = cell < -1 || cell >= size, before = cell<0, behind = cell> first;
    taps->cell[j] = first;
    taps->weight[0][j] = before ? f : 1 - f;
    taps->weight[1][j] = behind ? 1 - f : f;
    taps->slope[0][j] = none || behind ? T(0) : before ? T(1) : T(-1);
    taps->slope[1][j] = none || before ? T(0) : behind ? T(-1) : of_second;
  }
}

template <class T>
inline void axis_taps(const SampleAxis<T>& axis, const T* coordinates, int64_t n, AxisTaps<T>* taps) {
  alignas(64) T places[tile_cells], fraction[tile_cells];
  const T scale = axis.scale, shift = axis.shift;
  for (int64_t j = 0; j < n; ++j) {
    places[j] = (coordinates[2 * j] + 1) * scale - shift;
    taps->rate[j] = scale;
  }
  if (axis.border) clip_places(axis, n, places, taps->rate);
  if (axis.nearest) {
    nearest_cells(places, axis.size, n, taps->cell, fraction);
  } else {
    cells_before(places, axis.size, n, taps->cell, fraction);
  }
  make_pairs(axis, n, fraction, taps);
}

template <class T>
void sample_taps(const SampleAxis<T>& x, const SampleAxis<T>& y, const T* grid, int64_t n, SampleTaps<T>* taps) {
  axis_taps(x, grid, n, &taps->x);
  axis_taps(y, grid + 1, n, &taps->y);
  taps->below = y.size > 1 ? x.size : 0;
  taps->column = x.size == 1;
  for (int64_t j = 0; j < n; ++j) taps->corner[j] = taps->y.cell[j] * x.size + taps->x.cell[j];
}

// --- the cells of a plane ------------------------------------------------------------------------
template <class T>
class SampledCells {
 public:
  SampledCells(const SampleTaps<T>& taps, int64_t n, const T* plane) : taps_(taps) {
    if (taps.column) {
      for (int64_t j = 0; j < n; ++j) {
        const T* corner = plane + taps.corner[j];
        upper_[2 * j] = corner[0], lower_[2 * j] = corner[taps.below];
        upper_[2 * j + 1] = lower_[2 * j + 1] = T(0);
      }
      return;
    }
    const int64_t below = taps.below;
    for (int64_t j = 0; j < n; ++j) {
      const T* corner = plane + taps.corner[j];
      __builtin_memcpy(upper_ + 2 * j, corner, 2 * sizeof(T));
      __builtin_memcpy(lower_ + 2 * j, corner + below, 2 * sizeof(T));
    }
  }

  // Zero where a cell does not count, whatever it holds.
  struct Four {
    Vec<T> upper[2], lower[2];
  };
  template <class Lanes>
  [[gnu::always_inline]] Four at(int64_t i, Lanes lanes) const {
    constexpr int64_t size = Vec<T>::size;
    const auto upper = deinterleave(Vec<T>::load(upper_ + 2 * i), Vec<T>::load(upper_ + 2 * i + size));
    const auto lower = deinterleave(Vec<T>::load(lower_ + 2 * i), Vec<T>::load(lower_ + 2 * i + size));
    const Vec<T> zero(T(0));
    Four v{{upper.first, upper.second}, {lower.first, lower.second}};
    unroll<2>([&](auto k) __attribute__((always_inline)) {
      const auto no_column = lanes.load(taps_.x.slope[k] + i) == zero;
      v.upper[k] = select(no_column | (lanes.load(taps_.y.slope[0] + i) == zero), zero, v.upper[k]);
      v.lower[k] = select(no_column | (lanes.load(taps_.y.slope[1] + i) == zero), zero, v.lower[k]);
    });
    return v;
  }

 private:
  const SampleTaps<T>& taps_;
  alignas(64) T upper_[2 * tile_cells], lower_[2 * tile_cells];
};

// of[0] * by[0] + of[1] * by[1], the factors those of vector i.
template <class T, class Lanes>
[[gnu::always_inline]] inline Vec<T> pair_sum(const Vec<T> (&of)[2], const T (&by)[2][tile_cells], int64_t i,
                                              Lanes lanes) {
  return fma(of[1], lanes.load(by[1] + i), of[0] * lanes.load(by[0] + i));
}

template <class T>
void sample_plane(const SampleTaps<T>& taps, int64_t n, const T* plane, T* y) {
  const SampledCells<T> cells(taps, n, plane);
  for_each_vector<T>(n, [&](int64_t i, auto lanes) __attribute__((always_inline)) {
    const auto v = cells.at(i, lanes);
    const Vec<T> rows[] = {pair_sum(v.upper, taps.x.weight, i, lanes), pair_sum(v.lower, taps.x.weight, i, lanes)};
    lanes.store(y + i, pair_sum(rows, taps.y.weight, i, lanes));
  });
}

// (of_x, of_y) += what a move of the place by a cell changes in one channel.
template <class T>
void sample_grid_gradient(const SampleTaps<T>& taps, int64_t n, const T* grad_output, const T* plane, T* of_x,
                          T* of_y) {
  const SampledCells<T> cells(taps, n, plane);
  for_each_vector<T>(n, [&](int64_t i, auto lanes) __attribute__((always_inline)) {
    const auto v = cells.at(i, lanes);
    const Vec<T> grad = lanes.load(grad_output + i);
    const auto add = [&](const auto& by_x, const auto& by_y, T* sum) __attribute__((always_inline)) {
      const Vec<T> rows[] = {pair_sum(v.upper, by_x, i, lanes), pair_sum(v.lower, by_x, i, lanes)};
      lanes.store(sum + i, fma(pair_sum(rows, by_y, i, lanes), grad, lanes.load(sum + i)));
    };
    add(taps.x.slope, taps.y.weight, of_x);
    add(taps.x.weight, taps.y.slope, of_y);
  });
}

// Adds what each place passes on to the cells around it.
template <class T>
void sample_input_gradient(const SampleTaps<T>& taps, int64_t n, const T* grad_output, T* grad_plane) {
  alignas(64) T part[4][tile_cells];
  for_each_vector<T>(n, [&](int64_t i, auto lanes) __attribute__((always_inline)) {
    const Vec<T> zero(T(0)), grad = lanes.load(grad_output + i);
    unroll<4>([&](auto k) __attribute__((always_inline)) {
      constexpr int column = k % 2, row = k / 2;
      const auto outside = (lanes.load(taps.x.slope[column] + i) == zero) | (lanes.load(taps.y.slope[row] + i) == zero);
      const Vec<T> weight = lanes.load(taps.x.weight[column] + i) * lanes.load(taps.y.weight[row] + i);
      lanes.store(part[k] + i, select(outside, zero, weight * grad));
    });
  });
  const int64_t below = taps.below, right = taps.column ? 0 : 1;
  for (int64_t j = 0; j < n; ++j) {
    T* corner = grad_plane + taps.corner[j];
    corner[0] += part[0][j];
    corner[right] += part[1][j];
    corner[below] += part[2][j];
    corner[below + right] += part[3][j];
  }
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
