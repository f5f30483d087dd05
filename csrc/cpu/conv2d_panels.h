// Panels of filters: as many as a register tile has lanes, side by side, one term of their sums after the other.
#pragma once

#include "cpu/conv2d_correlation.h"
#include "cpu/dispatch.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {

template <class T>
int64_t panel_width() {
  return kernels<T>().gemm.tile_columns;
}

template <class T>
int64_t panel_count(const Correlation<T>& c) {
  return ceil_div(c.filters, panel_width<T>());
}

// What one thread works on at a time: rows, and panels of a group.
struct PanelUnit {
  int64_t group;
  Band band;
  int64_t first_panel, last_panel;
};

// How units share the panels of a group where each copies x anew: as few as keep the threads busy. `most`: panels that
// fit; `others`: units for each of their shares. The bits of a sum do not depend on it.
struct PanelCut {
  int64_t all, each, parts;  // panels, those of a unit, units

  PanelCut(int64_t panels, int64_t most, int64_t others) : all(panels) {
    const int64_t threads = num_threads();
    parts = std::max(ceil_div(panels, std::max<int64_t>(1, most)), std::min(panels, ceil_div(threads, others)));
    while (parts < panels && others * parts < 4 * threads && others * parts % threads != 0) ++parts;
    each = ceil_div(panels, parts);
    parts = ceil_div(panels, each);
  }
};

// Terms [q, q + depth) of a panel to to[k][filter]. Turned weights come channel by channel, each with its taps in the
// order in which they lie.
template <class T>
void pack_panel(const Correlation<T>& c, int64_t group, int64_t q, int64_t panel, int64_t depth, T* to) {
  const auto pack_b = kernels<T>().gemm.pack_b;
  const int64_t first = panel * panel_width<T>(), filters = std::min(panel_width<T>(), c.filters - first);
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

// Finished sums of weights [first, first + count) of a panel, sums[k][filter], to grad_weight, or added to it.
template <class T>
void store_panel(const Correlation<T>& c, int64_t group, int64_t panel, int64_t first, int64_t count, const T* sums,
                 bool accumulate, T* turned, T* grad_weight) {
  const int64_t filter = panel * panel_width<T>(), filters = std::min(panel_width<T>(), c.filters - filter);
  T* to = grad_weight + (group * c.filters + filter) * c.depth() + first;
  const auto store = kernels<T>().conv2d.store_cells;
  if (!accumulate) return store({sums, count, filters, nullptr, false, to, c.depth(), 1});
  store({sums, count, filters, nullptr, false, turned, count, 1});
  for (int64_t f = 0; f < filters; ++f) {
    for (int64_t i = 0; i < count; ++i) to[f * c.depth() + i] += turned[f * count + i];
  }
}

}  // namespace fastnn::cpu
