// What the ways to grad_weight whose lanes are filters have in common: units sum up a chunk of rows for some panels,
// and the sums of all chunks, [chunk][group][panel] of a Task, are added in order.
#pragma once

#include "cpu/conv2d_chunks.h"
#include "cpu/conv2d_panels.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {

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

// Sums(task, group, first panel, last panel).run(first row, last row, to): a unit's, to where its first panel's lie.
template <class Sums, class Task, class T>
void sum_chunks(const Task& t, int64_t rows, T* sums) {
  const int64_t parts = t.panels.parts, groups = t.c.groups;
  parallel_for(t.chunks.count * groups * parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t panel = i % parts * t.panels.each, group = i / parts % groups, chunk = i / parts / groups;
      Sums(t, group, panel, std::min(t.panels.all, panel + t.panels.each))
          .run(chunk * t.chunks.rows, std::min(rows, (chunk + 1) * t.chunks.rows),
               sums + chunk * t.chunk_sums() + (group * t.panels.all + panel) * t.panel_sums());
    }
  });
}

// `count` sums of the other chunks to those of the first.
template <class Task, class T>
void add_chunks(const Task& t, int64_t count, T* sums) {
  for (int64_t chunk = 1; chunk < t.chunks.count; ++chunk) {
    const T* more = sums + chunk * t.chunk_sums();
    for (int64_t i = 0; i < count; ++i) sums[i] += more[i];
  }
}

// Finished sums of weights [first, first + count) of a panel, sums[k][filter], to grad_weight, or added to it.
template <class T>
void store_panel(const Correlation<T>& c, int64_t group, int64_t panel, int64_t first, int64_t count, const T* sums,
                 bool accumulate, T* turned, T* grad_weight) {
  const int64_t filter = panel * panel_width<T>(), filters = panel_filters(c, panel);
  T* to = grad_weight + (group * c.filters + filter) * c.depth() + first;
  const auto store = kernels<T>().conv2d.store_cells;
  if (!accumulate) return store({sums, count, filters, nullptr, false, to, c.depth(), 1});
  store({sums, count, filters, nullptr, false, turned, count, 1});
  for (int64_t f = 0; f < filters; ++f) {
    for (int64_t i = 0; i < count; ++i) to[f * c.depth() + i] += turned[f * count + i];
  }
}

}  // namespace fastnn::cpu
