// Neighbouring windows side by side: lanes are output cells, and a tap of all of them is one vector.
//
// For stride 1 a tap is a plain load, for stride 2 every second lane of two loads, which serves two taps, and
// for others a gather. Backward, taps are added to a row that is kept apart by phase (cell modulo stride), so
// that these are plain vectors, too.
#pragma once

#include "cpu/kernels/lanes.h"
#include "cpu/pool2d_task.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// The cells from p on, of which `room` may be read.
template <class T, bool inside>
[[gnu::always_inline]] inline Vec<T> load_cells(const T* p, int64_t room) {
  constexpr int64_t lanes = Vec<T>::size;
  if constexpr (inside) return Vec<T>::load(p);
  return Vec<T>::load(p, room < 0 ? 0 : room < lanes ? room : lanes);
}

// n neighbouring windows whose first tap lies at p; `room` cells of the row are left from there.
template <class T>
struct PoolLanes {
  const T* p;
  int64_t room, n;
};

// body(value) for each tap of a row of the windows, from left to right. `kernel` and `stride` are those of the
// axis where they are known at compile time, or 0; `inside` says that whole vectors may be read.
template <class T, int kernel, int stride, bool inside, class Body>
[[gnu::always_inline]] inline void for_each_tap(const PoolAxis& w, const PoolLanes<T>& at, const Body& body) {
  const int64_t taps = kernel ? kernel : w.kernel, dilation = kernel ? 1 : w.dilation;
  if constexpr (stride == 1) {
    for (int64_t c = 0; c < taps; ++c) body(load_cells<T, inside>(at.p + c * dilation, at.room - c * dilation));
  } else if constexpr (stride == 2) {
    const int64_t served = dilation == 1 ? 2 : 1;
    for (int64_t c = 0; c < taps; c += served) {
      const int64_t cell = c * dilation, next = cell + Vec<T>::size;
      const auto pair = deinterleave(load_cells<T, inside>(at.p + cell, at.room - cell),
                                     load_cells<T, inside>(at.p + next, at.room - next));
      body(pair.first);
      if (c + 1 < taps && served == 2) body(pair.second);
    }
  } else {
    for (int64_t c = 0; c < taps; ++c) {
      T lanes[Vec<T>::size] = {};
      for (int64_t i = 0; i < at.n; ++i) lanes[i] = at.p[i * w.stride + c * dilation];
      body(Vec<T>::load(lanes));
    }
  }
}

// body(q, lanes, inside) for vectors of the output cells whose windows lie inside as a whole.
template <class T, int kernel, int stride, class Body>
[[gnu::always_inline]] inline void for_each_whole_window(const PoolAxis& w, const T* row, const Body& body) {
  constexpr int64_t size = Vec<T>::size;
  const int64_t step = stride ? stride : w.stride;
  const int64_t reach = (w.kernel - 1) * w.dilation + step * size;
  for (int64_t q = w.whole.begin; q < w.whole.end; q += size) {
    const int64_t column = q * step - w.before, left = w.whole.end - q;
    const PoolLanes<T> at{row + column, w.size - column, left < size ? left : size};
    if (left >= size && reach <= at.room) {
      body(q, at, WholeVector<T>{});
    } else {
      body(q, at, PartVector<T>{at.n});
    }
  }
}

template <class T>
constexpr bool is_whole(WholeVector<T>) {
  return true;
}
template <class T>
constexpr bool is_whole(PartVector<T>) {
  return false;
}

// Whether there are enough neighbours to fill lanes, or rather a window has enough cells to.
inline bool lanes_pay(const PoolAxis& w) {
  return w.stride > 0 && (w.dilation > 1 || w.kernel <= 4 || w.whole.end - w.whole.begin >= w.kernel);
}

// One row of sums over taps, padding included: cell x lies at phase x % stride, place x / stride.
template <class T, int stride>
struct PaddedRow {
  T* cells;
  int64_t length;  // of a phase

  T* at(int64_t cell) const { return cells + cell % stride * length + cell / stride; }
  void clear() const {
    for_each_vector<T>(stride * length, [&](int64_t i, auto lanes) { lanes.store(cells + i, Vec<T>(T(0))); });
  }

  // The cells behind the padding.
  void copy_out(int64_t before, int64_t width, T* out) const {
    const T *first = at(before), *second = at(before + 1);
    if constexpr (stride == 1) {
      for_each_vector<T>(width, [=](int64_t j, auto lanes) { lanes.store(out + j, lanes.load(first + j)); });
    } else {
      for_each_vector<T>((width + 1) / 2, [=](int64_t j, auto lanes) {
        store_pairs(out, width, j, lanes.load(first + j), lanes.load(second + j));
      });
    }
  }

  // Cells 2 j, 2 j + 1, ... of a row of `width` from those at even places and at odd ones.
  static void store_pairs(T* out, int64_t width, int64_t j, Vec<T> even, Vec<T> odd) {
    constexpr int64_t size = Vec<T>::size;
    const auto pair = interleave(even, odd);
    const int64_t left = width - 2 * j;
    if (left >= 2 * size) {
      pair.first.store(out + 2 * j);
      pair.second.store(out + 2 * j + size);
    } else {
      pair.first.store(out + 2 * j, left < size ? left : size);
      if (left > size) pair.second.store(out + 2 * j + size, left - size);
    }
  }
};

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
