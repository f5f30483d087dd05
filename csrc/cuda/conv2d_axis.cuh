// An axis of a convolution, seen from the cells that are written: cell q gathers, by tap u, the cell
// origin + q * cell_step + u * tap_step of the planes that are read, where they have one there.
//
// The forward is one such axis. Its adjoint by x is one for each phase of the stride: the cells p with equal
// (p + before) % stride are seen by the same taps, those with t * dilation % stride == (p + before) % stride, and by
// output (p + before - t * dilation) / stride; so no product is with a zero between the outputs.
#pragma once

#include <cmath>
#include <initializer_list>
#include <numeric>

#include "cuda/divisor.cuh"
#include "ops/conv_geometry.h"

namespace fastnn::cuda {

// I is int where all numbers and offsets are far below 2^31, else int64_t.
template <class I>
struct GatherAxis {
  I cells, first, step;  // cell q is written at first + q * step
  I origin, cell_step, tap_step, size;
  I taps, first_tap, tap_jump;  // tap u is tap first_tap + u * tap_jump of the filter
  Divisor<I> by_cells, by_taps;

  __device__ I source(I cell) const { return origin + cell * cell_step; }
  __device__ I shift(I tap) const { return tap * tap_step; }
  __device__ I filter_tap(I tap) const { return first_tap + tap * tap_jump; }
  __device__ I target(I cell) const { return first + cell * step; }
};

template <class I>
__device__ inline bool inside(I position, I size) {
  return position >= 0 && position < size;
}

inline GatherAxis<int64_t> forward_axis(const WindowAxis& a) {
  return {a.output, 0, 1, -a.before, a.stride, a.dilation, a.size, a.kernel, 0, 1, {}, {}};
}

// Of the input cells first, first + stride, ...
inline GatherAxis<int64_t> adjoint_axis(const WindowAxis& a, int64_t first) {
  const int64_t common = std::gcd(a.stride, a.dilation), jump = a.stride / common, rest = (first + a.before) % a.stride;
  int64_t tap = 0;
  while (tap < a.kernel && tap < jump && tap * (a.dilation % a.stride) % a.stride != rest) ++tap;
  const int64_t taps = tap < a.kernel && tap < jump ? (a.kernel - 1 - tap) / jump + 1 : 0;
  const int64_t origin = taps > 0 ? (first + a.before - tap * a.dilation) / a.stride : 0;
  return {(a.size - 1 - first) / a.stride + 1,
          first,
          a.stride,
          origin,
          1,
          -(a.dilation / common),
          a.output,
          taps,
          tap,
          jump,
          {},
          {}};
}

inline int64_t phases(const WindowAxis& a) { return std::min(a.stride, a.size); }

// Whether the product leaves room for a few sums in an int.
inline bool is_small(std::initializer_list<int64_t> factors) {
  double product = 1;
  for (const int64_t factor : factors) product *= static_cast<double>(factor);
  return std::abs(product) < (1 << 28);
}

inline bool fits_int(const GatherAxis<int64_t>& a) {
  return is_small({a.cells, a.step}) && is_small({a.first}) && is_small({a.size}) && is_small({a.origin}) &&
         is_small({a.cells, a.cell_step}) && is_small({a.taps, a.tap_step}) && is_small({a.first_tap}) &&
         is_small({a.taps, a.tap_jump}) && is_small({a.cell_step}) && is_small({a.tap_step});
}

template <class I>
GatherAxis<I> narrowed(const GatherAxis<int64_t>& a) {
  const auto n = [](int64_t value) { return static_cast<I>(value); };
  const auto divisor = [](int64_t by) { return Divisor<I>(static_cast<I>(std::max<int64_t>(1, by))); };
  return {n(a.cells), n(a.first), n(a.step),      n(a.origin),   n(a.cell_step),   n(a.tap_step),
          n(a.size),  n(a.taps),  n(a.first_tap), n(a.tap_jump), divisor(a.cells), divisor(a.taps)};
}

}  // namespace fastnn::cuda
