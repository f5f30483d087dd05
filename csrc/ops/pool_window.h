// The windows of pooling along one axis, cut to the cells that there are: for both backends, on host and device, and
// for axes of integers of any type. `Axis` has the members of WindowAxis; stride 0 stands for adaptive windows.
#pragma once

#include <cstdint>

namespace fastnn {

template <class I>
struct PoolRangeOf {
  I begin, end;
};

// The taps of one window that lie inside the input.
template <class I>
struct PoolSpanOf {
  I first;  // input cell under the first of them
  I count;
  I tap;  // number of the first of them in the whole window
};

using PoolRange = PoolRangeOf<int64_t>;
using PoolSpan = PoolSpanOf<int64_t>;

// Where window o starts, padding included, and the cell behind it.
template <class Axis, class I>
constexpr PoolRangeOf<I> pool_extent(const Axis& axis, I o) {
  if (axis.stride > 0) {
    const I first = o * axis.stride - axis.before;
    return {first, first + axis.dilation * (axis.kernel - 1) + 1};
  }
  // o * size / output without a product that could overflow.
  const I whole = axis.size / axis.output, rest = axis.size % axis.output;
  return {o * whole + o * rest / axis.output, (o + 1) * whole + ((o + 1) * rest + axis.output - 1) / axis.output};
}

template <class Axis, class I>
constexpr PoolSpanOf<I> pool_span(const Axis& axis, I o) {
  const PoolRangeOf<I> window = pool_extent(axis, o);
  const I d = axis.dilation, room = axis.size - window.begin;
  const auto steps = [d](I cells) { return d == 1 ? cells : (cells + d - 1) / d; };
  const I tap = window.begin < 0 ? steps(-window.begin) : I{0};
  const I taps = steps(window.end - window.begin), reached = room > 0 ? steps(room) : I{0};
  const I count = (taps < reached ? taps : reached) - tap;
  return {window.begin + tap * d, count > 0 ? count : I{0}, tap};
}

}  // namespace fastnn
