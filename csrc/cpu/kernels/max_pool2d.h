// Maximum pooling. A window is read row by row, and a cell takes the lead where it is larger or NaN: so the
// first of equal maxima stays and the last NaN does, which nothing is larger than.
#pragma once

#include "cpu/kernels/pool_lanes.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

template <class T>
inline constexpr T lowest = -static_cast<T>(__builtin_inf());

// --- forward -------------------------------------------------------------------------------------

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

// Output cell q of a row whose first result lies at y + at.
template <class T>
void max_of_one(const MaxPoolTask<T>& task, const T* plane, PoolSpan rows, int64_t q, int64_t at) {
  constexpr int64_t wide = 5;
  const PoolAxis &h = task.h, &w = task.w;
  const PoolSpan columns = w.spans[q];
  const T* cells = plane + rows.first * w.size + columns.first;
  const bool empty = rows.count == 0 || columns.count == 0;
  const Maximum<T> best = empty ? Maximum<T>{lowest<T>, 0, 0}
                          : w.dilation == 1 && columns.count >= wide
                              ? search_window(cells, h.dilation * w.size, rows.count, columns.count)
                              : scan_window(cells, h.dilation * w.size, rows.count, w.dilation, columns.count);
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

template <class T, class Lanes>
[[gnu::always_inline]] inline void store_places(const MaxPoolTask<T>& task, PoolSpan rows, int64_t q, int64_t at,
                                                Lanes lanes, Vec<T> tap) {
  if (task.taps) {
    if constexpr (is_whole(Lanes{})) {
      tap.store_bytes(task.taps + at + q);
    } else {
      tap.store_bytes(task.taps + at + q, lanes.size());
    }
    return;
  }
  uint8_t taps[Vec<T>::size];
  tap.store_bytes(taps);
  const int64_t corner = (rows.first - rows.tap * task.h.dilation) * task.w.size - task.w.before;
  for (int64_t i = 0; i < lanes.size(); ++i) {
    task.indices[at + q + i] = corner + (q + i) * task.w.stride + task.tap_offsets[taps[i]];
  }
}

template <class T, int kernel, int stride, bool places>
void max_of_lanes(const MaxPoolTask<T>& task, const T* plane, PoolSpan rows, int64_t at) {
  using V = Vec<T>;
  const PoolAxis &h = task.h, &w = task.w;
  for_each_whole_window<T, kernel, stride>(
      w, plane + rows.first * w.size, [&](int64_t q, PoolLanes<T> from, auto lanes) [[gnu::always_inline]] {
        const V one(T(1));
        V best(lowest<T>), tap(places ? static_cast<T>(rows.tap * w.kernel) : T(0)), best_tap = tap;
        for (int64_t r = 0; r < rows.count; ++r, from.p += h.dilation * w.size) {
          for_each_tap<T, kernel, stride, is_whole(decltype(lanes){})>(w, from, [&](V value) [[gnu::always_inline]] {
            const auto leads = (best < value) | is_nan(value);
            best = select(leads, value, best);
            if constexpr (places) {
              best_tap = select(leads, tap, best_tap);
              tap = tap + one;
            }
          });
        }
        lanes.store(task.y + at + q, best);
        if constexpr (places) store_places(task, rows, q, at, lanes, best_tap);
      });
}

template <class T, bool places>
void max_of_whole_windows(const MaxPoolTask<T>& task, const T* plane, PoolSpan rows, int64_t at) {
  const int64_t kernel = task.w.dilation == 1 ? task.w.kernel : 0, stride = task.w.stride;
  if (stride == 2 && kernel == 2) return max_of_lanes<T, 2, 2, places>(task, plane, rows, at);
  if (stride == 2 && kernel == 3) return max_of_lanes<T, 3, 2, places>(task, plane, rows, at);
  if (stride == 1 && kernel == 3) return max_of_lanes<T, 3, 1, places>(task, plane, rows, at);
  if (stride == 1) return max_of_lanes<T, 0, 1, places>(task, plane, rows, at);
  if (stride == 2) return max_of_lanes<T, 0, 2, places>(task, plane, rows, at);
  max_of_lanes<T, 0, 0, places>(task, plane, rows, at);
}

template <class T>
void max_pool(const MaxPoolTask<T>& task, int64_t plane, PoolRange range) {
  const PoolAxis &h = task.h, &w = task.w;
  const T* cells = task.x + plane * h.size * w.size;
  const bool places = task.taps || task.indices;
  const bool by_lanes = lanes_pay(w) && (!places || task.tap_offsets);
  for (int64_t o = range.begin; o < range.end; ++o) {
    const PoolSpan rows = h.spans[o];
    const int64_t at = (plane * h.output + o) * w.output;
    const PoolRange whole = by_lanes && rows.count > 0 ? w.whole : PoolRange{0, 0};
    for (int64_t q = 0; q < whole.begin; ++q) max_of_one(task, cells, rows, q, at);
    if (whole.begin < whole.end) {
      places ? max_of_whole_windows<T, true>(task, cells, rows, at)
             : max_of_whole_windows<T, false>(task, cells, rows, at);
    }
    for (int64_t q = whole.end; q < w.output; ++q) max_of_one(task, cells, rows, q, at);
  }
}

// --- backward ------------------------------------------------------------------------------------
// Every input row collects what the windows above it send, in their order: each cell is written once, and its
// sum does not depend on how the rows are shared out.

template <class T>
Vec<T> load_bytes(const uint8_t* p, WholeVector<T>) {
  return Vec<T>::load_bytes(p);
}
template <class T>
Vec<T> load_bytes(const uint8_t* p, PartVector<T> lanes) {
  return Vec<T>::load_bytes(p, lanes.n);
}

// The taps numbered `tap`, as gradients; 0 elsewhere.
template <class T, class Lanes>
[[gnu::always_inline]] inline Vec<T> sent_by(const T* grad_y, const uint8_t* taps, Lanes lanes, int64_t tap) {
  return select(load_bytes(taps, lanes) == Vec<T>(static_cast<T>(tap)), lanes.load(grad_y), Vec<T>(T(0)));
}

// The row of taps by which window `rows` sees input row i, or -1.
inline int64_t tap_row(const PoolAxis& h, const PoolSpan& rows, int64_t i) {
  const int64_t distance = i - rows.first;
  if (h.dilation == 1) return distance >= 0 && distance < rows.count ? rows.tap + distance : -1;
  if (distance < 0 || distance % h.dilation != 0 || distance / h.dilation >= rows.count) return -1;
  return rows.tap + distance / h.dilation;
}

// Calls body(taps, grad_y, number of the first tap) for the output rows that see input row i.
template <class T, class Body>
[[gnu::always_inline]] inline void for_each_sender(const MaxPoolBackwardTask<T>& task, int64_t plane, int64_t i,
                                                   const Body& body) {
  const PoolAxis &h = task.h, &w = task.w;
  for (int64_t o = h.covers[i].begin; o < h.covers[i].end; ++o) {
    const int64_t row = tap_row(h, h.spans[o], i), at = (plane * h.output + o) * w.output;
    if (row >= 0) body(task.taps + at, task.grad_y + at, row * w.kernel);
  }
}

// Kernel 2, stride 2, no padding on the left: each pair of cells has one window.
template <class T>
void max_backward_of_pairs(const MaxPoolBackwardTask<T>& task, int64_t plane, int64_t i, T* grad_x) {
  const PoolAxis& w = task.w;
  for_each_vector<T>(w.output, [&](int64_t q, auto lanes) {
    Vec<T> even(T(0)), odd(T(0));
    for_each_sender(task, plane, i, [&](const uint8_t* taps, const T* grad_y, int64_t tap) {
      even = even + sent_by(grad_y + q, taps + q, lanes, tap);
      odd = odd + sent_by(grad_y + q, taps + q, lanes, tap + 1);
    });
    PaddedRow<T, 2>::store_pairs(grad_x, w.size, q, even, odd);
  });
  for (int64_t j = 2 * w.output; j < w.size; ++j) grad_x[j] = T(0);
}

template <class T, int stride>
void max_backward_of_lanes(const MaxPoolBackwardTask<T>& task, int64_t plane, int64_t i, T* grad_x, T* scratch) {
  const PoolAxis& w = task.w;
  const PaddedRow<T, stride> row{scratch, task.lane_length};
  row.clear();
  for_each_sender(task, plane, i, [&](const uint8_t* taps, const T* grad_y, int64_t tap) {
    // From right to left, so that a cell meets its windows from left to right.
    for (int64_t c = w.kernel - 1; c >= 0; --c) {
      T* sums = row.at(c * w.dilation);
      for_each_vector<T>(w.output, [=](int64_t q, auto lanes) {
        lanes.store(sums + q, lanes.load(sums + q) + sent_by(grad_y + q, taps + q, lanes, tap + c));
      });
    }
  });
  row.copy_out(w.before, w.size, grad_x);
}

template <class T>
void max_backward_one_by_one(const MaxPoolBackwardTask<T>& task, int64_t plane, int64_t i, T* grad_x) {
  const PoolAxis& w = task.w;
  for (int64_t j = 0; j < w.size; ++j) grad_x[j] = T(0);
  for_each_sender(task, plane, i, [&](const uint8_t* taps, const T* grad_y, int64_t tap) {
    for (int64_t q = 0; q < w.output; ++q) {
      const int64_t column = taps[q] - tap, cell = w.spans[q].first + (column - w.spans[q].tap) * w.dilation;
      if (column >= 0 && column < w.kernel && cell >= 0 && cell < w.size) grad_x[cell] += grad_y[q];
    }
  });
}

template <class T>
void max_backward_by_index(const MaxPoolBackwardTask<T>& task, int64_t plane, PoolRange range) {
  const PoolAxis &h = task.h, &w = task.w;
  T* grad_x = task.grad_x + plane * h.size * w.size;
  const int64_t first = range.begin * w.size, last = range.end * w.size;
  for (int64_t i = first; i < last; ++i) grad_x[i] = T(0);
  const int64_t end = (plane * h.output + h.covers[range.end - 1].end) * w.output;
  for (int64_t at = (plane * h.output + h.covers[range.begin].begin) * w.output; at < end; ++at) {
    const int64_t index = task.indices[at];
    if (index >= first && index < last) grad_x[index] += task.grad_y[at];
  }
}

template <class T>
void max_pool_backward(const MaxPoolBackwardTask<T>& task, int64_t plane, PoolRange range, T* scratch) {
  if (task.indices) return max_backward_by_index(task, plane, range);
  const PoolAxis &h = task.h, &w = task.w;
  const bool pairs = w.kernel == 2 && w.stride == 2 && w.dilation == 1 && w.before == 0;
  for (int64_t i = range.begin; i < range.end; ++i) {
    T* grad_x = task.grad_x + (plane * h.size + i) * w.size;
    if (pairs) {
      max_backward_of_pairs(task, plane, i, grad_x);
    } else if (task.lane_length == 0) {
      max_backward_one_by_one(task, plane, i, grad_x);
    } else if (w.stride == 1) {
      max_backward_of_lanes<T, 1>(task, plane, i, grad_x, scratch);
    } else {
      max_backward_of_lanes<T, 2>(task, plane, i, grad_x, scratch);
    }
  }
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
