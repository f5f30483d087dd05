// Average pooling: y = sum of the window / divisor. Backward, grad_x = sum over the windows that hold a cell of
// grad_y / divisor, first along the columns, which input rows under the same windows share, then along the row.
#pragma once

#include "cpu/kernels/gemm_micro.h"
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

// Rows of the full width follow each other without a gap: n cells, summed in blocks of a length that keeps the
// error small.
template <class T>
[[gnu::always_inline]] inline Vec<T> fold_rows(const T* cells, int64_t n) {
  using V = Vec<T>;
  constexpr int64_t length = 4096;
  const auto add = [](V a, V b) { return a + b; };
  V total(T(0));
  for (int64_t i = 0; i < n; i += length) {
    const auto step = [&](int64_t j, auto lanes, V sum) { return sum + lanes.load(cells + i + j); };
    total = total + fold_vectors<T>(n - i < length ? n - i : length, V(T(0)), step, add);
  }
  return total;
}

// Lane p of the result is the sum of vector p: neighbours are added, of two vectors at a time, until one is left.
template <class T>
[[gnu::always_inline]] inline Vec<T> sums_of_vectors(Vec<T> (&v)[Vec<T>::size]) {
  for (int n = Vec<T>::size / 2; n > 0; n /= 2) {
    for (int p = 0; p < n; ++p) {
      const auto pair = deinterleave(v[2 * p], v[2 * p + 1]);
      v[p] = pair.first + pair.second;
    }
  }
  return v[0];
}

// sums[p] of the cells of plane p. The planes take turns: short ones by themselves are all starts and ends of loops.
template <class T>
[[gnu::always_inline]] inline void sum_small_planes(const T* first, int64_t present, int64_t cells,
                                                    Vec<T> (&sums)[Vec<T>::size]) {
  using V = Vec<T>;
  const T* planes[V::size];
  for (int p = 0; p < V::size; ++p) planes[p] = first + (p < present ? p : 0) * cells;
  V totals[V::size];
  unroll<V::size>([&](auto p) __attribute__((always_inline)) { totals[p] = V(T(0)); });
  for_each_vector<T>(cells, [&](int64_t j, auto lanes) __attribute__((always_inline)) {
    unroll<V::size>([&](auto p) __attribute__((always_inline)) { totals[p] = totals[p] + lanes.load(planes[p] + j); });
  });
  unroll<V::size>([&](auto p) __attribute__((always_inline)) { sums[p] = totals[p]; });
}

// One window on the whole of each plane: a vector of planes at a time shares the horizontal sums.
template <class T>
void avg_of_planes(const AvgPoolTask<T>& task, PoolRange planes) {
  using V = Vec<T>;
  constexpr int64_t most_additions = 64;
  const int64_t cells = task.h.size * task.w.size;
  const V divisor(task.row_divisors[0] * task.column_divisors[0]);
  for_each_vector<T>(planes.end - planes.begin, [&](int64_t i, auto lanes) {
    const int64_t first = planes.begin + i;
    V sums[V::size];
    if (cells <= most_additions * V::size) sum_small_planes(task.x + first * cells, lanes.size(), cells, sums);
    for (int64_t p = 0; p < V::size && cells > most_additions * V::size; ++p) {
      sums[p] = p < lanes.size() ? fold_rows(task.x + (first + p) * cells, cells) : V(T(0));
    }
    lanes.store(task.y + first, sums_of_vectors<T>(sums) / divisor);
  });
}

template <class T>
void avg_of_one(const AvgPoolTask<T>& task, const T* plane, int64_t o, int64_t q, T* y) {
  const PoolAxis& w = task.w;
  const PoolSpan rows = task.h.spans[o], columns = w.spans[q];
  const T* cells = plane + rows.first * w.size + columns.first;
  const T total = columns.count == w.size ? sum(fold_rows(cells, rows.count * w.size))
                                          : sum_of_window(cells, w.size, rows.count, columns.count);
  *y = total / (task.row_divisors[o] * task.column_divisors[q]);
}

template <class T, int kernel, int stride>
void avg_of_lanes(const AvgPoolTask<T>& task, const TapRows<T>& taps, int64_t o, T* y) {
  using V = Vec<T>;
  const PoolAxis& w = task.w;
  const V row_divisor(task.row_divisors[o]), one(T(1));
  for_each_window<T, kernel, stride>(
      w, taps, [&](int64_t q, PoolLanes<T> from, auto lanes, auto inside) __attribute__((always_inline)) {
        V total(T(0));
        for (int64_t r = 0; r < taps.count; ++r, from.p += taps.step) {
          V row(T(0));
          for_each_tap<T, kernel, stride, decltype(inside)::inside>(
              w, from, [&](V value) __attribute__((always_inline)) { row = row + value; });
          total = total + row;
        }
        lanes.store(y + q, total / (row_divisor * lanes.load(task.column_divisors + q, one)));
      });
}

template <class T>
void avg_of_row(const AvgPoolTask<T>& task, const TapRows<T>& taps, int64_t o, T* y) {
  const int64_t kernel = task.w.kernel, stride = task.w.stride;
  if (stride == 2 && kernel == 2) return avg_of_lanes<T, 2, 2>(task, taps, o, y);
  if (stride == 2 && kernel == 3) return avg_of_lanes<T, 3, 2>(task, taps, o, y);
  if (stride == 1 && kernel == 3) return avg_of_lanes<T, 3, 1>(task, taps, o, y);
  if (stride == 1) return avg_of_lanes<T, 0, 1>(task, taps, o, y);
  if (stride == 2) return avg_of_lanes<T, 0, 2>(task, taps, o, y);
  avg_of_lanes<T, 0, 0>(task, taps, o, y);
}

template <class T>
void avg_pool(const AvgPoolTask<T>& task, PoolRange range, T* scratch) {
  const PoolAxis &h = task.h, &w = task.w;
  if (h.output == 1 && w.output == 1 && h.spans[0].count == h.size && w.spans[0].count == w.size) {
    return avg_of_planes(task, range);
  }
  fill(scratch, task.scratch_cells, T(0));
  for_each_plane(h.output, range, [&](int64_t plane, PoolRange outputs) {
    const T* cells = task.x + plane * h.size * w.size;
    const PlaneRows<T> rows(h, w, cells, outputs, T(0), scratch);
    for (int64_t o = outputs.begin; o < outputs.end; ++o) {
      T* y = task.y + (plane * h.output + o) * w.output;
      if (w.by_lanes) {
        avg_of_row(task, rows.under(h.spans[o]), o, y);
      } else {
        for (int64_t q = 0; q < w.output; ++q) avg_of_one(task, cells, o, q, y + q);
      }
    }
  });
}

// --- backward ------------------------------------------------------------------------------------

// What each column of windows sends to input row i.
template <class T>
void sum_senders(const AvgPoolBackwardTask<T>& task, int64_t plane, int64_t i, T* sent) {
  using V = Vec<T>;
  const PoolAxis &h = task.h, &w = task.w;
  const PoolRange senders = h.covers[i];
  for_each_vector<T>(w.output, [&](int64_t q, auto lanes) {
    const V column_divisor = lanes.load(task.column_divisors + q, V(T(1)));
    V total(T(0));
    for (int64_t o = senders.begin; o < senders.end; ++o) {
      const V g = lanes.load(task.grad_y + (plane * h.output + o) * w.output + q);
      total = total + g / (V(task.row_divisors[o]) * column_divisor);
    }
    // A whole vector, with zeros behind the row: see copy_into_scratch.
    total.store(sent + q);
  });
}

// Cell x takes what windows (before + x - tap) / stride send; the row of these has zeros at both ends.
template <class T>
void spread_of_stride_1(const PoolAxis& w, const T* sent, T* grad_x) {
  for_each_vector_overlapping<T>(w.size, [=](int64_t j, auto lanes) __attribute__((always_inline)) {
    Vec<T> total(T(0));
    for (int64_t c = w.kernel - 1; c >= 0; --c) total = total + Vec<T>::load(sent + j + w.before - c);
    lanes.store(grad_x + j, total);
  });
}

// The windows of cell `cell` of the padded row and of those 2, 4, ... behind it.
template <class T>
[[gnu::always_inline]] inline Vec<T> sum_of_phase(const PoolAxis& w, const T* sent, int64_t cell) {
  Vec<T> total(T(0));
  const int64_t last = w.kernel - 1 - ((w.kernel - 1 - cell) & 1);
  for (int64_t c = last; c >= 0; c -= 2) total = total + Vec<T>::load(sent + (cell - c) / 2);
  return total;
}

template <class T>
void spread_of_stride_2(const PoolAxis& w, const T* sent, T* grad_x) {
  for (int64_t i = 0; 2 * i < w.size; i += Vec<T>::size) {
    const int64_t j = last_pairs<T>(w.size, i);
    const Vec<T> even = sum_of_phase(w, sent + j, w.before), odd = sum_of_phase(w, sent + j, w.before + 1);
    store_pairs(grad_x, w.size, j, even, odd);
  }
}

template <class T>
void spread_one_by_one(const PoolAxis& w, const T* sent, T* grad_x) {
  fill(grad_x, w.size, T(0));
  for (int64_t q = 0; q < w.output; ++q) {
    T* cells = grad_x + w.spans[q].first;
    const Vec<T> value(sent[q]);
    for_each_vector<T>(w.spans[q].count,
                       [=](int64_t c, auto lanes) { lanes.store(cells + c, lanes.load(cells + c) + value); });
  }
}

template <class T>
void spread(const AvgPoolBackwardTask<T>& task, const T* sent, T* grad_x) {
  const PoolAxis& w = task.w;
  if (task.margin == 0) return spread_one_by_one(w, sent, grad_x);
  w.stride == 1 ? spread_of_stride_1(w, sent, grad_x) : spread_of_stride_2(w, sent, grad_x);
}

template <class T>
void avg_pool_backward(const AvgPoolBackwardTask<T>& task, PoolRange range, T* scratch) {
  const PoolAxis &h = task.h, &w = task.w;
  fill(scratch, task.sent_length, T(0));
  T* sent = scratch + task.margin;
  for_each_plane(h.size, range, [&](int64_t plane, PoolRange rows) {
    for (int64_t i = rows.begin; i < rows.end; ++i) {
      const bool repeats =
          i > rows.begin && h.covers[i].begin == h.covers[i - 1].begin && h.covers[i].end == h.covers[i - 1].end;
      if (!repeats) sum_senders(task, plane, i, sent);
      spread(task, sent, task.grad_x + (plane * h.size + i) * w.size);
    }
  });
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
