// The gradient of maximum pooling: each output cell sends its gradient to the cell that led its window.
//
// Some input rows at a time take what the windows above them send, in the order of these windows: so the sum of
// a cell does not depend on how the rows are shared out, nor on which of the ways below is taken.
#pragma once

#include "cpu/kernels/pool_lanes.h"

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
  T* grad_x = task.grad_x + plane * h.size * w.size;
  for (int64_t o = range.begin / 2; 2 * o < range.end; ++o) {
    const int64_t at = (plane * h.output + o) * w.output;
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

// A cell meets its windows in their order, so its taps in reverse. `kernel` is 0 where known at run time only.
template <class T, int kernel>
void max_backward_of_stride_1(const PoolAxis& w, const Senders<T>& from, T* grad_x) {
  const int64_t taps = kernel ? kernel : w.kernel;
  for_each_vector_overlapping<T>(w.size, [&](int64_t j, auto lanes) __attribute__((always_inline)) {
    Vec<T> total(T(0));
    for (int64_t s = 0; s < from.count; ++s) {
      const int64_t at = s * from.step + j + w.before, tap = from.tap - s * from.tap_step;
      for (int64_t c = taps - 1; c >= 0; --c) add_leaders(from, at - c, tap + c, total);
    }
    lanes.store(grad_x + j, total);
  });
}

// Cells at even places have the taps of one parity, those at odd ones the others; `odd` is that of the padding.
template <class T, int kernel, bool odd>
void max_backward_of_stride_2(const PoolAxis& w, const Senders<T>& from, T* grad_x) {
  const int64_t taps = kernel ? kernel : w.kernel;
  for (int64_t i = 0; 2 * i < w.size; i += Vec<T>::size) {
    const int64_t j = last_pairs<T>(w.size, i);
    Vec<T> totals[2] = {Vec<T>(T(0)), Vec<T>(T(0))};
    for (int64_t s = 0; s < from.count; ++s) {
      const int64_t at = s * from.step + j + w.before / 2, tap = from.tap - s * from.tap_step;
      for (int64_t c = taps - 1; c >= 0; --c) {
        const int64_t place = (c ^ int64_t{odd}) & 1;
        add_leaders(from, at + (odd + place - c) / 2, tap + c, totals[place]);
      }
    }
    store_pairs(grad_x, w.size, j, totals[0], totals[1]);
  }
}

template <class T>
void max_backward_of_row(const PoolAxis& w, const Senders<T>& from, T* grad_x) {
  const bool three = w.kernel == 3, odd = w.before % 2 == 1;
  if (w.stride == 1 && three) return max_backward_of_stride_1<T, 3>(w, from, grad_x);
  if (w.stride == 1) return max_backward_of_stride_1<T, 0>(w, from, grad_x);
  if (three && odd) return max_backward_of_stride_2<T, 3, true>(w, from, grad_x);
  if (three) return max_backward_of_stride_2<T, 3, false>(w, from, grad_x);
  odd ? max_backward_of_stride_2<T, 0, true>(w, from, grad_x) : max_backward_of_stride_2<T, 0, false>(w, from, grad_x);
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
    const int64_t at = (plane * h.output + o) * w.output, to = (o - first) * step;
    copy_into_scratch(task.grad_y + at, grad_y + to, w.output, T(0));
    __builtin_memcpy(taps + to, task.taps + at, static_cast<size_t>(w.output));
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
    max_backward_of_row(w, from, task.grad_x + (plane * h.size + i) * w.size);
  }
}

// The others: about a nanosecond for a window, whatever its size.
template <class T>
void max_backward_by_place(const MaxPoolBackwardTask<T>& task, int64_t plane, PoolRange range) {
  const PoolAxis &h = task.h, &w = task.w;
  const int64_t first = range.begin * w.size, cells = (range.end - range.begin) * w.size;
  T* grad_x = task.grad_x + plane * h.size * w.size + first;
  fill(grad_x, cells, T(0));
  const auto add = [=](int64_t index, T g) {
    if (static_cast<uint64_t>(index) < static_cast<uint64_t>(cells)) grad_x[index] += g;
  };
  for (int64_t o = h.covers[range.begin].begin; o < h.covers[range.end - 1].end; ++o) {
    const int64_t at = (plane * h.output + o) * w.output;
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
  const auto is_two = [](const PoolAxis& axis) {
    return axis.kernel == 2 && axis.stride == 2 && axis.dilation == 1 && axis.before == 0;
  };
  const bool fours = task.taps && is_two(h) && is_two(w);
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
