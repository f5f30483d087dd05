// Maximum pooling. A window is read row by row, and a cell takes the lead where it is larger or NaN: so the
// first of equal maxima stays and the last NaN does, which nothing is larger than.
#pragma once

#include "cpu/kernels/pool_lanes.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

template <class T>
inline constexpr T lowest = -static_cast<T>(__builtin_inf());

// --- forward, one window at a time -----------------------------------------------------------------

// Where a maximum lies among the taps inside the input.
template <class T>
struct Maximum {
  T value;
  int64_t row, column;
};

template <class T>
Maximum<T> scan_window(const T* cells, int64_t row_step, int64_t rows, int64_t column_step, int64_t columns) {
  Maximum<T> best{lowest<T>, 0, 0};
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      const T value = cells[r * row_step + c * column_step];
      if (value > best.value || value != value) best = {value, r, c};
    }
  }
  return best;
}

// Wide rows: the value first, lanes along the row, and then the cell that has it.
template <class T>
Maximum<T> search_window(const T* cells, int64_t row_step, int64_t rows, int64_t columns) {
  using V = Vec<T>;
  const V low(lowest<T>);
  V top = low;
  for (int64_t r = 0; r < rows; ++r) {
    for_each_vector<T>(columns, [&](int64_t c, auto lanes) {
      const V value = lanes.load(cells + r * row_step + c, low);
      top = select((top < value) | is_nan(value), value, top);
    });
  }
  if (sum(select(is_nan(top), V(T(1)), V(T(0)))) > 0) return scan_window(cells, row_step, rows, 1, columns);
  const T value = reduce_max(top);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      if (cells[r * row_step + c] == value) return {cells[r * row_step + c], r, c};
    }
  }
  return {value, 0, 0};
}

template <class T>
Maximum<T> max_of_window(const PoolAxis& h, const PoolAxis& w, const T* plane, PoolSpan rows, PoolSpan columns) {
  constexpr int64_t wide = 5;
  const T* cells = plane + rows.first * w.size + columns.first;
  if (rows.count == 0 || columns.count == 0) return {lowest<T>, 0, 0};
  if (w.dilation > 1 || columns.count < wide) {
    return scan_window(cells, h.dilation * w.size, rows.count, w.dilation, columns.count);
  }
  return search_window(cells, h.dilation * w.size, rows.count, columns.count);
}

// Output cell q of a row whose first result lies at y + at.
template <class T>
void max_of_one(const MaxPoolTask<T>& task, const T* plane, PoolSpan rows, int64_t q, int64_t at) {
  const PoolAxis &h = task.h, &w = task.w;
  const PoolSpan columns = w.spans[q];
  const Maximum<T> best = max_of_window(h, w, plane, rows, columns);
  const bool empty = rows.count == 0 || columns.count == 0;
  task.y[at + q] = best.value;
  if (task.taps) {
    const int64_t tap = (rows.tap + best.row) * w.kernel + columns.tap + best.column;
    task.taps[at + q] = empty ? uint8_t{0} : static_cast<uint8_t>(tap);
  }
  if (task.indices) {
    const int64_t row = rows.first + best.row * h.dilation, column = columns.first + best.column * w.dilation;
    task.indices[at + q] = empty ? -1 : row * w.size + column;
  }
}

// --- forward, a lane for each window ---------------------------------------------------------------

template <class T>
void store_taps(uint8_t* p, Vec<T> tap, WholeVector<T>) {
  tap.store_bytes(p);
}
template <class T>
void store_taps(uint8_t* p, Vec<T> tap, PartVector<T> lanes) {
  tap.store_bytes(p, lanes.n);
}

template <class T, class Lanes>
[[gnu::always_inline]] inline void store_places(const MaxPoolTask<T>& task, PoolSpan rows, int64_t q, int64_t at,
                                                Lanes lanes, Vec<T> tap) {
  const PoolAxis &h = task.h, &w = task.w;
  if (task.taps) return store_taps(task.taps + at + q, tap, lanes);
  uint8_t taps[Vec<T>::size];
  tap.store_bytes(taps);
  const int64_t corner = (rows.first - rows.tap * h.dilation) * w.size - w.before;
  for (int64_t i = 0; i < lanes.size(); ++i) {
    const bool empty = w.dilation > 1 && w.spans[q + i].count == 0;
    task.indices[at + q + i] = empty ? -1 : corner + (q + i) * w.stride + task.tap_offsets[taps[i]];
  }
}

// The leading value of some taps, and the number of its tap.
template <class T, bool places>
struct Leader {
  Vec<T> value, tap;

  [[gnu::always_inline]] void meet(Vec<T> other, Vec<T> other_tap) {
    const auto leads = (value < other) | is_nan(other);
    value = select(leads, other, value);
    if constexpr (places) tap = select(leads, other_tap, tap);
  }
};

template <class T, int kernel, int stride, bool places>
void max_of_lanes(const MaxPoolTask<T>& task, const TapRows<T>& taps, PoolSpan rows, int64_t at) {
  using V = Vec<T>;
  const PoolAxis& w = task.w;
  for_each_window<T, kernel, stride>(
      w, taps, [&](int64_t q, PoolLanes<T> from, auto lanes, auto inside) __attribute__((always_inline)) {
        const V one(T(1));
        V tap(places ? static_cast<T>(rows.tap * w.kernel) : T(0));
        // Padding leads nowhere, so a window of -inf is left with the tap that it starts with.
        Leader<T, places> best{V(lowest<T>), places ? tap + lanes.load(task.first_taps + q) : tap};
        for (int64_t r = 0; r < taps.count; ++r, from.p += taps.step) {
          // A chain for each row: the processor works on several at a time.
          Leader<T, places> row{V(lowest<T>), tap};
          for_each_tap<T, kernel, stride, decltype(inside)::inside>(w, from,
                                                                    [&](V value) __attribute__((always_inline)) {
                                                                      row.meet(value, tap);
                                                                      if constexpr (places) tap = tap + one;
                                                                    });
          best.meet(row.value, row.tap);
        }
        lanes.store(task.y + at + q, best.value);
        if constexpr (places) store_places(task, rows, q, at, lanes, best.tap);
      });
}

template <class T, bool places>
void max_of_row(const MaxPoolTask<T>& task, const TapRows<T>& taps, PoolSpan rows, int64_t at) {
  const int64_t kernel = task.w.dilation == 1 ? task.w.kernel : 0, stride = task.w.stride;
  if (stride == 2 && kernel == 2) return max_of_lanes<T, 2, 2, places>(task, taps, rows, at);
  if (stride == 2 && kernel == 3) return max_of_lanes<T, 3, 2, places>(task, taps, rows, at);
  if (stride == 1 && kernel == 3) return max_of_lanes<T, 3, 1, places>(task, taps, rows, at);
  if (stride == 1) return max_of_lanes<T, 0, 1, places>(task, taps, rows, at);
  if (stride == 2) return max_of_lanes<T, 0, 2, places>(task, taps, rows, at);
  max_of_lanes<T, 0, 0, places>(task, taps, rows, at);
}

template <class T>
void max_pool(const MaxPoolTask<T>& task, PoolRange range, T* scratch) {
  const PoolAxis &h = task.h, &w = task.w;
  const bool places = task.taps || task.indices;
  const bool by_lanes = w.by_lanes && (!places || task.tap_offsets);
  fill(scratch, task.scratch_cells, lowest<T>);
  for_each_plane(h.output, range, [&](int64_t plane, PoolRange outputs) {
    const T* cells = task.x + plane * h.size * w.size;
    const PlaneRows<T> rows(h, w, cells, outputs, lowest<T>, scratch);
    for (int64_t o = outputs.begin; o < outputs.end; ++o) {
      const PoolSpan& span = h.spans[o];
      const int64_t at = (plane * h.output + o) * w.output;
      if (!by_lanes || span.count == 0) {
        for (int64_t q = 0; q < w.output; ++q) max_of_one(task, cells, span, q, at);
      } else if (places) {
        max_of_row<T, true>(task, rows.under(span), span, at);
      } else {
        max_of_row<T, false>(task, rows.under(span), span, at);
      }
    }
  });
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
