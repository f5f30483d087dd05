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

// Row o of the output, a window at a time.
template <class T>
void avg_of_row(const AvgPoolTask<T>& task, int64_t plane, int64_t o) {
  const PoolAxis &h = task.h, &w = task.w;
  const PoolSpan rows = h.spans[o];
  for (int64_t q = 0; q < w.output; ++q) {
    const PoolSpan columns = w.spans[q];
    const T* cells = task.x + (plane * h.size + rows.first) * w.size + columns.first;
    const T total = columns.count == w.size ? sum(fold_rows(cells, rows.count * w.size))
                                            : sum_of_window(cells, w.size, rows.count, columns.count);
    task.y[(plane * h.output + o) * w.output + q] = total / (task.row_divisors[o] * task.column_divisors[q]);
  }
}

template <class T>
struct RowSum {
  static constexpr int vectors = 1;
  Vec<T> sum;

  void meet(const RowSum& other) { sum = sum + other.sum; }
  void store(T* p, int64_t /*step*/) const { sum.store(p); }
  static RowSum load(const T* p, int64_t /*step*/) { return {Vec<T>::load(p)}; }
};

// A row of the output.
template <class T>
struct AvgRow {
  T* y;
  T divisor;
  const T* column_divisors;

  static RowSum<T> part_under(const RowSum<T>& row, int64_t /*r*/) { return row; }

  template <class Lanes>
  [[gnu::always_inline]] void store(int64_t q, Lanes lanes, const RowSum<T>& all) const {
    lanes.store(y + q, all.sum / (Vec<T>(divisor) * lanes.load(column_divisors + q, Vec<T>(T(1)))));
  }
};

// The operation on a plane.
template <class T>
struct AvgOfPlane {
  using Part = RowSum<T>;

  const AvgPoolTask<T>* task;
  int64_t plane;

  template <int kernel, int stride, bool inside>
  [[gnu::always_inline]] static Part part_of(const PoolAxis& w, int64_t /*q*/, const PoolLanes<T>& taps) {
    Vec<T> total(T(0));
    for_each_tap<T, kernel, stride, inside>(
        w, taps, [&](int64_t /*tap*/, Vec<T> value) __attribute__((always_inline)) { total = total + value; });
    return {total};
  }

  AvgRow<T> output(int64_t o, const PoolSpan& /*rows*/) const {
    const int64_t at = (plane * task->h.output + o) * task->w.output;
    return {task->y + at, task->row_divisors[o], task->column_divisors};
  }

  void without_rows(int64_t o) const { avg_of_row(*task, plane, o); }
  static bool plain(int64_t /*first*/, int64_t /*last*/) { return true; }
  AvgOfPlane careful() const { return *this; }
};

template <class T>
void avg_pool(const AvgPoolTask<T>& task, PoolRange range, T* scratch) {
  const PoolAxis &h = task.h, &w = task.w;
  if (h.output == 1 && w.output == 1 && h.spans[0].count == h.size && w.spans[0].count == w.size) {
    return avg_of_planes(task, range);
  }
  fill(scratch, task.scratch_cells, T(0));
  for_each_plane(h.output, range, [&](int64_t plane, PoolRange outputs) {
    if (!w.by_lanes) {
      for (int64_t o = outputs.begin; o < outputs.end; ++o) avg_of_row(task, plane, o);
      return;
    }
    const PlaneRows<T> rows(h, w, task.x + plane * h.size * w.size, outputs, T(0), scratch);
    const AvgOfPlane<T> op{&task, plane};
    if (task.kept.rows > 0) {
      pool_overlapping<T>(op, h, w, rows, outputs, {task.kept, scratch + task.scratch_cells});
    } else {
      pool_apart<T>(op, h, w, rows, outputs);
    }
  });
}

// --- backward ------------------------------------------------------------------------------------

// What output row o sends to each cell of its windows, for n cells from q on.
template <class T, class Lanes>
[[gnu::always_inline]] inline Vec<T> quotients(const AvgPoolBackwardTask<T>& task, int64_t plane, int64_t o, int64_t q,
                                               Lanes lanes) {
  const Vec<T> divisor = Vec<T>(task.row_divisors[o]) * lanes.load(task.column_divisors + q, Vec<T>(T(1)));
  return lanes.load(task.grad_y + (plane * task.h.output + o) * task.w.output + q) / divisor;
}

// Cell x takes what windows (before + x - tap) / stride send; the row of these has zeros at both ends.
template <class T, int kernel>
void spread_of_stride_1(const PoolAxis& w, const T* sent, T* grad_x) {
  const int64_t taps = kernel ? kernel : w.kernel, before = w.before;
  for_each_vector_overlapping<T>(w.size, [=](int64_t j, auto lanes) __attribute__((always_inline)) {
    Vec<T> total(T(0));
    for_each_below<kernel>(taps, [&](int64_t c) __attribute__((always_inline)) {
      total = total + Vec<T>::load(sent + j + before - (taps - 1 - c));
    });
    lanes.store(grad_x + j, total);
  });
}

// Cells at even places have the taps of one parity, those at odd ones the others; `odd` is that of the padding.
template <class T, int kernel, bool odd>
void spread_of_stride_2(const PoolAxis& w, const T* sent, T* grad_x) {
  const int64_t taps = kernel ? kernel : w.kernel, size = w.size, before = w.before / 2;
  for (int64_t first = 0; 2 * first < size; first += Vec<T>::size) {
    const int64_t j = last_pairs<T>(size, first);
    Vec<T> totals[2] = {Vec<T>(T(0)), Vec<T>(T(0))};
    for_each_below<kernel>(taps, [&](int64_t i) __attribute__((always_inline)) {
      const int64_t c = taps - 1 - i, place = (c ^ int64_t{odd}) & 1;
      totals[place] = totals[place] + Vec<T>::load(sent + j + before + (odd + place - c) / 2);
    });
    store_pairs(grad_x, size, j, totals[0], totals[1]);
  }
}

template <class T, int kernel>
void spread(const PoolAxis& w, const T* sent, T* grad_x) {
  if (w.stride == 1) return spread_of_stride_1<T, kernel>(w, sent, grad_x);
  w.before % 2 == 1 ? spread_of_stride_2<T, kernel, true>(w, sent, grad_x)
                    : spread_of_stride_2<T, kernel, false>(w, sent, grad_x);
}

template <class T>
void spread(const PoolAxis& w, const T* sent, T* grad_x) {
  if (w.kernel == 2) return spread<T, 2>(w, sent, grad_x);
  w.kernel == 3 ? spread<T, 3>(w, sent, grad_x) : spread<T, 0>(w, sent, grad_x);
}

// The sums of some rows: of one, that row itself.
template <class T>
const T* sum_of_rows(const T* rows, int64_t step, int64_t count, int64_t n, T* sums) {
  if (count == 1) return rows;
  for (int64_t q = 0; q < n; q += Vec<T>::size) {
    Vec<T> total(T(0));
    for (int64_t r = 0; r < count; ++r) total = total + Vec<T>::load(rows + r * step + q);
    total.store(sums + q);
  }
  return sums;
}

inline bool same_range(PoolRange a, PoolRange b) { return a.begin == b.begin && a.end == b.end; }

// Strides 1 and 2 along the row. Some input rows go through each step together, since a load that spans vectors just
// stored waits until they have left the processor's buffer: each row above them is divided, what input rows take is
// summed along the columns, and then along the row.
template <class T>
void avg_backward_of_rows(const AvgPoolBackwardTask<T>& task, int64_t plane, PoolRange range, T* scratch) {
  const PoolAxis &h = task.h, &w = task.w;
  const int64_t first = h.covers[range.begin].begin, last = h.covers[range.end - 1].end, step = task.sent_length;
  T* const divided = scratch + task.margin;
  T* sums = divided + task.divided_rows * step;
  for (int64_t o = first; o < last; ++o) {
    T* row = divided + (o - first) * step;
    for_each_vector<T>(w.output, [&](int64_t q, auto lanes) __attribute__((always_inline)) {
      // A whole vector, with zeros behind the row: see copy_into_scratch.
      quotients(task, plane, o, q, lanes).store(row + q);
    });
  }
  const T* sent[avg_rows_at_once];
  for (int64_t i = range.begin; i < range.end; ++i, sums += step) {
    const PoolRange cover = h.covers[i];
    const T** to = sent + (i - range.begin);
    const bool repeats = i > range.begin && same_range(cover, h.covers[i - 1]);
    *to = repeats ? to[-1]
                  : sum_of_rows(divided + (cover.begin - first) * step, step, cover.end - cover.begin, w.output, sums);
  }
  for (int64_t i = range.begin; i < range.end; ++i) {
    spread(w, sent[i - range.begin], task.grad_x + (plane * h.size + i) * w.size);
  }
}

// Others: the windows of a column at a time, and then cell by cell of each.
template <class T>
void avg_backward_of_row(const AvgPoolBackwardTask<T>& task, int64_t plane, int64_t i, T* sent) {
  const PoolAxis &h = task.h, &w = task.w;
  T* grad_x = task.grad_x + (plane * h.size + i) * w.size;
  for_each_vector<T>(w.output, [&](int64_t q, auto lanes) {
    Vec<T> total(T(0));
    for (int64_t o = h.covers[i].begin; o < h.covers[i].end; ++o) total = total + quotients(task, plane, o, q, lanes);
    lanes.store(sent + q, total);
  });
  fill(grad_x, w.size, T(0));
  for (int64_t q = 0; q < w.output; ++q) {
    T* cells = grad_x + w.spans[q].first;
    const Vec<T> value(sent[q]);
    for_each_vector<T>(w.spans[q].count,
                       [=](int64_t c, auto lanes) { lanes.store(cells + c, lanes.load(cells + c) + value); });
  }
}

template <class T>
void avg_pool_backward(const AvgPoolBackwardTask<T>& task, PoolRange range, T* scratch) {
  const PoolAxis& h = task.h;
  if (task.divided_rows > 0) fill(scratch, (task.divided_rows + avg_rows_at_once) * task.sent_length, T(0));
  for_each_plane(h.size, range, [&](int64_t plane, PoolRange rows) {
    const int64_t at_once = task.divided_rows > 0 ? avg_rows_at_once : 1;
    for (int64_t i = rows.begin; i < rows.end; i += at_once) {
      const PoolRange some{i, rows.end - i < at_once ? rows.end : i + at_once};
      task.divided_rows > 0 ? avg_backward_of_rows(task, plane, some, scratch)
                            : avg_backward_of_row(task, plane, i, scratch);
    }
  });
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
