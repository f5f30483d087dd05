// Panels of filters: as many as a register tile has lanes, side by side, one term of their sums after the other.
#pragma once

#include "cpu/conv2d_correlation.h"
#include "cpu/dispatch.h"

namespace fastnn::cpu {

template <class T>
int64_t panel_width() {
  return kernels<T>().gemm.tile_columns;
}

inline constexpr int64_t widest_row = 2048;  // cells, where rows are not cut

template <class T>
int64_t vector_lanes() {
  return kernels<T>().gemm.tile_columns / 2;  // on x86; a guess elsewhere
}

// Whether n values fill this share of the lanes of the vectors that hold them.
template <class T>
bool fills_lanes(int64_t n, double share) {
  return static_cast<double>(n) >= share * static_cast<double>(round_up(n, vector_lanes<T>()));
}

template <class T>
int64_t panel_count(const Correlation<T>& c) {
  return ceil_div(c.filters, panel_width<T>());
}

// Filters of a panel: the last may have fewer than it has room for.
template <class T>
int64_t panel_filters(const Correlation<T>& c, int64_t panel) {
  return std::min(panel_width<T>(), c.filters - panel * panel_width<T>());
}

// What one thread works on at a time: rows, and panels of a group.
struct PanelUnit {
  int64_t group;
  Band band;
  int64_t first_panel, last_panel;
};

// Terms [q, q + depth) of a panel to to[k][filter]. Turned weights come channel by channel, each with its taps in the
// order in which they lie.
template <class T>
void pack_panel(const Correlation<T>& c, int64_t group, int64_t q, int64_t panel, int64_t depth, T* to) {
  const auto pack_b = kernels<T>().gemm.pack_b;
  const int64_t first = panel * panel_width<T>(), filters = panel_filters(c, panel);
  const int64_t taps = c.taps();
  if (!c.turned) {
    return pack_b(c.weight + (group * c.filters + first) * c.depth() + q, c.depth(), 1, filters, depth, to);
  }
  const T* from = c.weight + ((group * c.channels + q / taps) * c.filters + first) * taps;
  if (taps == 1) return pack_b(from, 1, c.filters, filters, depth, to);
  for (int64_t k = 0; k < depth; k += taps, from += c.filters * taps) {
    pack_b(from, taps, 1, filters, taps, to + k * panel_width<T>());
  }
}

}  // namespace fastnn::cpu
