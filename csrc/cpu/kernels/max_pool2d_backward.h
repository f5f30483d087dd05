// The gradient of maximum pooling: each output cell sends its gradient to the cell that led its window.
//
// Some input rows at a time take what the windows above them send, in the order of these windows: so the sum of
// a cell does not depend on how the rows are shared out, nor on which of the ways below is taken.
#pragma once

#include "cpu/kernels/pool_lanes.h"
#include "cpu/simd/few_bytes.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

template <class T>
Vec<T> load_bytes(const uint8_t* p, WholeVector<T>) {
  return Vec<T>::load_bytes(p);
}
template <class T>
Vec<T> load_bytes(const uint8_t* p, PartVector<T> lanes) {
  return Vec<T>::load_bytes(p, lanes.n);
}

// Kernel 2, stride 2, no padding before: four cells have one window, and each of them compares.
template <class T>
void max_backward_of_fours(const MaxPoolBackwardTask<T>& task, int64_t plane, PoolRange range) {
  using V = Vec<T>;
  const PoolAxis &h = task.h, &w = task.w;
  const V zero(T(0)), one(T(1)), two(T(2)), three(T(3));
  T* grad_x = task.grad_x + plane * task.x_step;
  for (int64_t o = range.begin / 2; 2 * o < range.end; ++o) {
    const int64_t at = plane * task.y_step + o * w.output;
    const bool sent = o < h.output, upper = 2 * o >= range.begin, lower = 2 * o + 1 < range.end;
    T* row = grad_x + 2 * o * w.size;
    for_each_vector_overlapping<T>(sent ? w.output : 0, [&](int64_t q, auto lanes) {
      const V g = lanes.load(task.grad_y + at + q), tap = load_bytes(task.taps + at + q, lanes);
      if (upper) store_pairs(row, w.size, q, select(tap == zero, g, zero), select(tap == one, g, zero));
      if (lower) store_pairs(row + w.size, w.size, q, select(tap == two, g, zero), select(tap == three, g, zero));
    });
    for (int64_t j = sent ? 2 * w.output : 0; j < w.size; ++j) {
      if (upper) row[j] = T(0);
      if (lower) row[w.size + j] = T(0);
    }
  }
}

// The windows that hold an input row, as rows of copies: their taps, gradients, and the number of the first tap.
template <class T>
struct Senders {
  const uint8_t* taps;
  const T* grad_y;
  int64_t step, count;
  int64_t tap, tap_step;
};

// Adds to `total` the gradients of the windows from q on whose tap is `tap`.
template <class T>
[[gnu::always_inline]] inline void add_leaders(const Senders<T>& from, int64_t q, int64_t tap, Vec<T>& total) {
  const auto leads = Vec<T>::equal_bytes(from.taps + q, static_cast<uint8_t>(tap));
  total = select(leads, total + Vec<T>::load(from.grad_y + q), total);
}

// A cell meets its windows in their order, so its taps in reverse. `kernel` and `rows` are known as in for_each_below.
template <class T, int kernel, int rows>
void max_backward_of_stride_1(const PoolAxis& w, const Senders<T>& senders, T* grad_x) {
  const Senders<T> from = senders;  // which no store into grad_x can change
  const int64_t taps = kernel ? kernel : w.kernel, before = w.before;
  for_each_vector_overlapping<T>(w.size, [&](int64_t j, auto lanes) __attribute__((always_inline)) {
    Vec<T> total(T(0));
    for_each_below<rows>(from.count, [&](int64_t s) __attribute__((always_inline)) {
      for_each_below<kernel>(taps, [&](int64_t i) __attribute__((always_inline)) {
        const int64_t c = taps - 1 - i;
        const int64_t at = s * from.step + j + before - c, tap = from.tap - s * from.tap_step + c;
        add_leaders(from, at, tap, total);
      });
    });
    lanes.store(grad_x + j, total);
  });
}

// Cells at even places have the taps of one parity, those at odd ones the others; `odd` is that of the padding.
template <class T, int kernel, int rows, bool odd>
void max_backward_of_stride_2(const PoolAxis& w, const Senders<T>& senders, T* grad_x) {
  const Senders<T> from = senders;  // which no store into grad_x can change
  const int64_t taps = kernel ? kernel : w.kernel, size = w.size, before = w.before / 2;
  for (int64_t first = 0; 2 * first < size; first += Vec<T>::size) {
    const int64_t j = last_pairs<T>(size, first);
    Vec<T> totals[2] = {Vec<T>(T(0)), Vec<T>(T(0))};
    for_each_below<rows>(from.count, [&](int64_t s) __attribute__((always_inline)) {
      for_each_below<kernel>(taps, [&](int64_t i) __attribute__((always_inline)) {
        const int64_t c = taps - 1 - i, place = (c ^ int64_t{odd}) & 1;
        const int64_t at = s * from.step + j + before + (odd + place - c) / 2;
        add_leaders(from, at, from.tap - s * from.tap_step + c, totals[place]);
      });
    });
    store_pairs(grad_x, size, j, totals[0], totals[1]);
  }
}

template <class T, int kernel, int rows>
void max_backward_of_row(const PoolAxis& w, const Senders<T>& from, T* grad_x) {
  if (w.stride == 1) return max_backward_of_stride_1<T, kernel, rows>(w, from, grad_x);
  w.before % 2 == 1 ? max_backward_of_stride_2<T, kernel, rows, true>(w, from, grad_x)
                    : max_backward_of_stride_2<T, kernel, rows, false>(w, from, grad_x);
}

// 3 x 3 windows, the usual ones that overlap, lie over a row in up to three rows.
template <class T>
void max_backward_of_row(const PoolAxis& w, const Senders<T>& from, T* grad_x) {
  if (w.kernel != 3) return max_backward_of_row<T, 0, 0>(w, from, grad_x);
  if (from.count == 1) return max_backward_of_row<T, 3, 1>(w, from, grad_x);
  if (from.count == 2) return max_backward_of_row<T, 3, 2>(w, from, grad_x);
  if (from.count == 3) return max_backward_of_row<T, 3, 3>(w, from, grad_x);
  max_backward_of_row<T, 0, 0>(w, from, grad_x);
}

// Strides 1 and 2 without dilation: each cell compares the taps that may lie on it. Rows of windows are copied
// with room around them, which holds no tap.
constexpr uint8_t no_tap = 255;

template <class T>
void max_backward_by_taps(const MaxPoolBackwardTask<T>& task, int64_t plane, PoolRange range, T* scratch) {
  const PoolAxis &h = task.h, &w = task.w;
  const int64_t first = h.covers[range.begin].begin, last = h.covers[range.end - 1].end, step = task.sent_length;
  T* grad_y = scratch + task.margin;
  auto* taps = reinterpret_cast<uint8_t*>(scratch + task.scratch_rows * step) + task.margin;
  for (int64_t o = first; o < last; ++o) {
    const int64_t at = plane * task.y_step + o * w.output, to = (o - first) * step;
    copy_into_scratch(task.grad_y + at, grad_y + to, w.output, T(0));
    copy_bytes(task.taps + at, w.output, taps + to);
  }
  for (int64_t i = range.begin; i < range.end; ++i) {
    const PoolRange cover = h.covers[i];
    const int64_t row = i + h.before - cover.begin * h.stride, to = (cover.begin - first) * step;
    const Senders<T> from{.taps = taps + to,
                          .grad_y = grad_y + to,
                          .step = step,
                          .count = cover.end - cover.begin,
                          .tap = row * w.kernel,
                          .tap_step = h.stride * w.kernel};
    max_backward_of_row(w, from, task.grad_x + plane * task.x_step + i * w.size);
  }
}

// The others: about a nanosecond for a window, whatever its size.
template <class T>
void max_backward_by_place(const MaxPoolBackwardTask<T>& task, int64_t plane, PoolRange range) {
  const PoolAxis &h = task.h, &w = task.w;
  const int64_t first = range.begin * w.size, cells = (range.end - range.begin) * w.size;
  T* grad_x = task.grad_x + plane * task.x_step + first;
  fill(grad_x, cells, T(0));
  const auto add = [=](int64_t index, T g) {
    if (static_cast<uint64_t>(index) < static_cast<uint64_t>(cells)) grad_x[index] += g;
  };
  for (int64_t o = h.covers[range.begin].begin; o < h.covers[range.end - 1].end; ++o) {
    const int64_t at = plane * task.y_step + o * w.output;
    const T* grad_y = task.grad_y + at;
    if (task.indices) {
      for (int64_t q = 0; q < w.output; ++q) add(task.indices[at + q] - first, grad_y[q]);
      continue;
    }
    const uint8_t* taps = task.taps + at;
    const int64_t corner = (h.spans[o].first - h.spans[o].tap * h.dilation) * w.size - w.before - first;
    if (w.stride > 0) {
      for (int64_t q = 0; q < w.output; ++q) add(corner + q * w.stride + task.tap_offsets[taps[q]], grad_y[q]);
    } else {
      for (int64_t q = 0; q < w.output; ++q) add(corner + w.spans[q].first + task.tap_offsets[taps[q]], grad_y[q]);
    }
  }
}

template <class T>
void max_pool_backward(const MaxPoolBackwardTask<T>& task, PoolRange range, T* scratch) {
  const PoolAxis &h = task.h, &w = task.w;
  const bool fours = task.taps && are_twos(h) && are_twos(w);
  // A vector of comparisons takes about as long as looking up one place.
  const int64_t comparisons = task.sent_length == 0 ? 0 : h.kernel * w.kernel / (h.stride * w.stride);
  const bool by_taps =
      !fours && task.sent_length > 0 && comparisons < 2 * Vec<T>::size && h.kernel * w.kernel <= no_tap;
  if (by_taps) {
    const int64_t cells = task.sent_length * task.scratch_rows;
    auto* taps = reinterpret_cast<uint8_t*>(scratch + cells);
    for (int64_t i = 0; i < cells; ++i) taps[i] = no_tap;
  }
  for_each_plane(h.size, range, [&](int64_t plane, PoolRange rows) {
    if (fours) return max_backward_of_fours(task, plane, rows);
    by_taps ? max_backward_by_taps(task, plane, rows, scratch) : max_backward_by_place(task, plane, rows);
  });
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
