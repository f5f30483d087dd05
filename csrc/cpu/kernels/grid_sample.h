// Bilinear and nearest sampling of a plane at up to tile_cells places (Jaderberg et al. 2015). Pairs of cells are
// fetched one by one, as a gather does, but two at a time; all arithmetic is on vectors, without branches, since
// around the border of a turned image no processor can guess them.
#pragma once

#include <cmath>

#include "cpu/kernel_table.h"
#include "cpu/kernels/gemm_micro.h"
#include "cpu/kernels/lanes.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// --- the taps ------------------------------------------------------------------------------------
// The last whole number up to n that T holds.
template <class T>
inline T whole_up_to(int64_t n) {
  const T near = static_cast<T>(n);
  return static_cast<int64_t>(near) <= n ? near : std::nextafter(near, T(0));
}

// border and nearest as in SampleAxis.
template <class T, bool border, bool nearest>
class Axis {
 public:
  using V = Vec<T>;

  explicit Axis(const SampleAxis<T>& axis)
      : scale_(axis.scale),
        shift_(axis.shift),
        size_(static_cast<T>(axis.size)),
        last_(static_cast<T>(axis.size - 1)),
        last_pair_(axis.size < 2 ? T(0) : whole_up_to<T>(axis.size - 2)),
        of_second_(nearest || axis.size < 2 ? T(0) : T(1)) {}

  // The taps of a vector of coordinates.
  template <class Lanes>
  [[gnu::always_inline]] void set(V coordinate, int64_t i, Lanes lanes, AxisTaps<T>* taps) const {
    const V place = (coordinate + V(T(1))) * scale_ - shift_, moved = border ? clipped(place) : place;
    lanes.store(taps->rate + i, border ? rate(place) : scale_);
    if constexpr (nearest) {
      set_pair(nearest_cell(moved), V(T(0)), V(T(0)), i, lanes, taps);
    } else {
      // Of a place that is infinite or NaN no cell counts, but the weights are NaN, torch's 0 * NaN.
      const V reached = min(max(moved, V(T(-2))), size_), cell = floor(reached), weight_of_none = moved - moved;
      set_pair(cell, reached - cell, weight_of_none, i, lanes, taps);
    }
  }

 private:
  // NaN moves to cell 0, as in torch: of it and a number max gives its second operand.
  V clipped(V p) const { return min(max(p, V(T(0))), last_); }
  V rate(V p) const {
    const V zero(T(0));
    return select(zero < p, select(p < last_, scale_, zero), zero);
  }

  // Of two the even one, as in torch; -2 where it is not in the plane.
  V nearest_cell(V place) const {
    const V none(T(-2)), p = round(place);
    return select(V(T(0)) <= p, select(p < size_, p, none), none);
  }

  // From the cell before a place and the distance f from it to the pair inside the plane.
  template <class Lanes>
  [[gnu::always_inline]] void set_pair(V cell, V f, V weight_of_none, int64_t i, Lanes lanes, AxisTaps<T>* taps) const {
    const V zero(T(0)), one(T(1)), first = min(max(cell, zero), last_pair_);
    const auto before = cell < zero, behind = first < cell, none = (cell < -one) | (size_ <= cell);
    const auto no_first = none | behind, no_second = none | before;
    lanes.store(taps->cell + i, first);
    lanes.store(taps->weight[0] + i, select(no_first, weight_of_none, select(before, f, one - f)));
    lanes.store(taps->weight[1] + i, select(no_second, weight_of_none, select(behind, one - f, f * of_second_)));
    lanes.store(taps->slope[0] + i, select(no_first, zero, select(before, one, -one)));
    lanes.store(taps->slope[1] + i, select(no_second, zero, select(behind, -one, of_second_)));
  }

  V scale_, shift_, size_, last_, last_pair_, of_second_;
};

template <class T, bool border, bool nearest>
void find_taps(const SampleAxis<T>& x, const SampleAxis<T>& y, const T* grid, int64_t n, SampleTaps<T>* taps) {
  const Axis<T, border, nearest> along_x(x), along_y(y);
  for_each_vector<T>(n, [&](int64_t i, auto lanes) __attribute__((always_inline)) {
    const auto places = load_pairs(grid + 2 * i, lanes);
    along_x.set(places.first, i, lanes, &taps->x);
    along_y.set(places.second, i, lanes, &taps->y);
  });
  taps->below = y.size > 1 ? x.size : 0;
  taps->column = x.size == 1;
  for (int64_t j = 0; j < n; ++j) {
    taps->corner[j] = static_cast<int32_t>(taps->y.cell[j]) * x.size + static_cast<int32_t>(taps->x.cell[j]);
  }
}

template <class T>
void sample_taps(const SampleAxis<T>& x, const SampleAxis<T>& y, const T* grid, int64_t n, SampleTaps<T>* taps) {
  const auto find = x.border ? (x.nearest ? find_taps<T, true, true> : find_taps<T, true, false>)
                             : (x.nearest ? find_taps<T, false, true> : find_taps<T, false, false>);
  find(x, y, grid, n, taps);
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

  struct Four {
    Vec<T> upper[2], lower[2];
  };
  template <class Lanes>
  [[gnu::always_inline]] Four at(int64_t i, Lanes lanes) const {
    const auto upper = load_pairs(upper_ + 2 * i, lanes), lower = load_pairs(lower_ + 2 * i, lanes);
    return {{upper.first, upper.second}, {lower.first, lower.second}};
  }
  // Zero where a cell does not count, whatever it holds.
  template <class Lanes>
  [[gnu::always_inline]] Four that_count(int64_t i, Lanes lanes) const {
    const Vec<T> zero(T(0));
    Four v = at(i, lanes);
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

// of[0] * by[0] + of[1] * by[1], the factors those of vector i. Zeros of either sign add up to +0.
template <class T, class Lanes>
[[gnu::always_inline]] inline Vec<T> pair_sum(const Vec<T> (&of)[2], const T (&by)[2][tile_cells], int64_t i,
                                              Lanes lanes) {
  return fma(of[1], lanes.load(by[1] + i), fma(of[0], lanes.load(by[0] + i), Vec<T>(T(0))));
}

template <class T>
void sample_plane(const SampleTaps<T>& taps, int64_t n, const T* plane, T* y) {
  const SampledCells<T> cells(taps, n, plane);
  for_each_vector<T>(n, [&](int64_t i, auto lanes) __attribute__((always_inline)) {
    const auto sum = [&](const auto& v) __attribute__((always_inline)) {
      const Vec<T> rows[] = {pair_sum(v.upper, taps.x.weight, i, lanes), pair_sum(v.lower, taps.x.weight, i, lanes)};
      return pair_sum(rows, taps.y.weight, i, lanes);
    };
    // A cell that does not count has weight 0, which only what is infinite or NaN survives.
    Vec<T> value = sum(cells.at(i, lanes));
    if (any(is_nan(value))) [[unlikely]]
      value = sum(cells.that_count(i, lanes));
    lanes.store(y + i, value);
  });
}

// (of_x, of_y) += what a move of the place by a cell changes in one channel.
template <class T>
void sample_grid_gradient(const SampleTaps<T>& taps, int64_t n, const T* grad_output, const T* plane, T* of_x,
                          T* of_y) {
  const SampledCells<T> cells(taps, n, plane);
  for_each_vector<T>(n, [&](int64_t i, auto lanes) __attribute__((always_inline)) {
    const auto v = cells.that_count(i, lanes);
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
