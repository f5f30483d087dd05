// Average pooling: y = sum of the window / divisor. Backward, grad_x = sum over the windows that hold a cell of
// grad_y / divisor, first along the columns and then along the row; input rows under the same windows have the
// same gradient, which is computed once.
#pragma once

#include "cpu/kernels/pool_lanes.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// --- forward -------------------------------------------------------------------------------------

// Rows are summed on their own, so the error grows with their length and their number, not with the product.
template <class T>
T sum_of_window(const T* cells, int64_t row_step, int64_t rows, int64_t columns) {
  constexpr int64_t wide = 5;
  if (columns >= wide) {
    Vec<T> total(T(0));
    for (int64_t r = 0; r < rows; ++r) {
      Vec<T> row(T(0));
      for_each_vector<T>(columns, [&](int64_t c, auto lanes) { row = row + lanes.load(cells + r * row_step + c); });
      total = total + row;
    }
    return sum(total);
  }
  T total(0);
  for (int64_t r = 0; r < rows; ++r) {
    T row(0);
    for (int64_t c = 0; c < columns; ++c) row += cells[r * row_step + c];
    total += row;
  }
  return total;
}

template <class T, int kernel, int stride>
void avg_of_lanes(const AvgPoolTask<T>& task, const T* plane, int64_t o, int64_t at) {
  using V = Vec<T>;
  const PoolAxis& w = task.w;
  const PoolSpan rows = task.h.spans[o];
  const V divisor(task.row_divisors[o] * task.column_divisors[w.whole.begin]);
  for_each_whole_window<T, kernel, stride>(w, plane + rows.first * w.size,
                                           [&](int64_t q, PoolLanes<T> from, auto lanes) [[gnu::always_inline]] {
                                             V total(T(0));
                                             for (int64_t r = 0; r < rows.count; ++r, from.p += w.size) {
                                               V row(T(0));
                                               for_each_tap<T, kernel, stride, is_whole(decltype(lanes){})>(
                                                   w, from, [&](V value) [[gnu::always_inline]] { row = row + value; });
                                               total = total + row;
                                             }
                                             lanes.store(task.y + at + q, total / divisor);
                                           });
}

template <class T>
void avg_of_whole_windows(const AvgPoolTask<T>& task, const T* plane, int64_t o, int64_t at) {
  const int64_t kernel = task.w.kernel, stride = task.w.stride;
  if (stride == 2 && kernel == 2) return avg_of_lanes<T, 2, 2>(task, plane, o, at);
  if (stride == 2 && kernel == 3) return avg_of_lanes<T, 3, 2>(task, plane, o, at);
  if (stride == 1 && kernel == 3) return avg_of_lanes<T, 3, 1>(task, plane, o, at);
  if (stride == 1) return avg_of_lanes<T, 0, 1>(task, plane, o, at);
  if (stride == 2) return avg_of_lanes<T, 0, 2>(task, plane, o, at);
  avg_of_lanes<T, 0, 0>(task, plane, o, at);
}

template <class T>
void avg_pool(const AvgPoolTask<T>& task, int64_t plane, PoolRange range) {
  const PoolAxis &h = task.h, &w = task.w;
  const T* cells = task.x + plane * h.size * w.size;
  const PoolRange whole = lanes_pay(w) ? w.whole : PoolRange{0, 0};
  for (int64_t o = range.begin; o < range.end; ++o) {
    const PoolSpan rows = h.spans[o];
    const int64_t at = (plane * h.output + o) * w.output;
    const auto one = [&](int64_t q) {
      const PoolSpan columns = w.spans[q];
      const T total = sum_of_window(cells + rows.first * w.size + columns.first, w.size, rows.count, columns.count);
      task.y[at + q] = total / (task.row_divisors[o] * task.column_divisors[q]);
    };
    for (int64_t q = 0; q < whole.begin; ++q) one(q);
    if (whole.begin < whole.end) avg_of_whole_windows(task, cells, o, at);
    for (int64_t q = whole.end; q < w.output; ++q) one(q);
  }
}

// --- backward ------------------------------------------------------------------------------------

// What each column of windows sends to input row i.
template <class T>
void sum_senders(const AvgPoolBackwardTask<T>& task, int64_t plane, int64_t i, T* sent) {
  using V = Vec<T>;
  const PoolAxis &h = task.h, &w = task.w;
  const PoolRange senders = h.covers[i];
  for_each_vector<T>(w.output, [&](int64_t q, auto lanes) {
    const V columns = lanes.load(task.column_divisors + q, V(T(1)));
    V total(T(0));
    for (int64_t o = senders.begin; o < senders.end; ++o) {
      const T* grad_y = task.grad_y + (plane * h.output + o) * w.output;
      total = total + lanes.load(grad_y + q) / (V(task.row_divisors[o]) * columns);
    }
    lanes.store(sent + q, total);
  });
}

template <class T, int stride>
void spread_lanes(const PoolAxis& w, const T* sent, T* grad_x, PaddedRow<T, stride> row) {
  row.clear();
  for (int64_t c = w.kernel - 1; c >= 0; --c) {
    T* sums = row.at(c);
    for_each_vector<T>(
        w.output, [=](int64_t q, auto lanes) { lanes.store(sums + q, lanes.load(sums + q) + lanes.load(sent + q)); });
  }
  row.copy_out(w.before, w.size, grad_x);
}

template <class T>
void spread_one_by_one(const PoolAxis& w, const T* sent, T* grad_x) {
  for (int64_t j = 0; j < w.size; ++j) grad_x[j] = T(0);
  for (int64_t q = 0; q < w.output; ++q) {
    T* cells = grad_x + w.spans[q].first;
    const Vec<T> value(sent[q]);
    for_each_vector<T>(w.spans[q].count,
                       [=](int64_t c, auto lanes) { lanes.store(cells + c, lanes.load(cells + c) + value); });
  }
}

template <class T>
void spread(const AvgPoolBackwardTask<T>& task, const T* sent, T* grad_x, T* scratch) {
  const PoolAxis& w = task.w;
  if (w.kernel == 2 && w.stride == 2 && w.before == 0) {
    for_each_vector<T>(w.output, [=](int64_t q, auto lanes) {
      const Vec<T> value = lanes.load(sent + q);
      PaddedRow<T, 2>::store_pairs(grad_x, w.size, q, value, value);
    });
    for (int64_t j = 2 * w.output; j < w.size; ++j) grad_x[j] = T(0);
  } else if (task.lane_length == 0) {
    spread_one_by_one(w, sent, grad_x);
  } else if (w.stride == 1) {
    spread_lanes<T, 1>(w, sent, grad_x, {scratch, task.lane_length});
  } else {
    spread_lanes<T, 2>(w, sent, grad_x, {scratch, task.lane_length});
  }
}

template <class T>
void avg_pool_backward(const AvgPoolBackwardTask<T>& task, int64_t plane, PoolRange range, T* scratch) {
  const PoolAxis &h = task.h, &w = task.w;
  for (int64_t i = range.begin; i < range.end; ++i) {
    T* grad_x = task.grad_x + (plane * h.size + i) * w.size;
    const bool repeats =
        i > range.begin && h.covers[i].begin == h.covers[i - 1].begin && h.covers[i].end == h.covers[i - 1].end;
    if (repeats) {
      for_each_vector<T>(w.size,
                         [=](int64_t j, auto lanes) { lanes.store(grad_x + j, lanes.load(grad_x + j - w.size)); });
      continue;
    }
    sum_senders(task, plane, i, scratch);
    spread(task, scratch, grad_x, scratch + w.output);
  }
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
