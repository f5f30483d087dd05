// Cuts (outer, axis, inner) into blocks of positions for kernels that reduce over the axis.
#pragma once

#include <algorithm>

#include "cpu/parallel.h"
#include "ops/tensor.h"

namespace fastnn::cpu {

// Calls rows(first, count) for positions of a contiguous axis (inner is 1), or else lanes(first, offset, count)
// for `count` neighbouring positions that share an outer index: `first` numbers positions (outer * inner + i),
// `offset` is the element where the first one's axis starts.
template <class Rows, class Lanes>
void for_axis_blocks(const AxisView& view, const Rows& rows, const Lanes& lanes) {
  constexpr int64_t elements_per_task = 1 << 13, most_lanes = 256;
  if (view.axis_size == 0 || view.inner == 0) return;  // however many rows without elements there are
  const int64_t axis = view.axis_size;
  if (view.inner == 1) {
    parallel_for(view.outer, std::max<int64_t>(1, elements_per_task / axis),
                 [&](int64_t begin, int64_t end) { rows(begin, end - begin); });
    return;
  }
  const int64_t blocks = (view.inner + most_lanes - 1) / most_lanes;
  const int64_t grain = std::max<int64_t>(1, elements_per_task / (axis * std::min(view.inner, most_lanes)));
  parallel_for(view.outer * blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t outer = block / blocks, i = block % blocks * most_lanes;
      lanes(outer * view.inner + i, outer * view.axis_size * view.inner + i, std::min(most_lanes, view.inner - i));
    }
  });
}

}  // namespace fastnn::cpu
