// Neighbouring windows side by side: lanes are output cells, and a tap of all of them is one vector.
//
// For stride 1 a tap is a plain load, for stride 2 every second lane of two loads, which serves two taps, and
// for others a gather. Windows that reach over the ends of the plane read copies of its rows, with the padding
// around them, so that they need no code of their own.
#pragma once

#include "cpu/kernels/lanes.h"
#include "cpu/pool2d_task.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// body(plane, rows) for rows [begin, end) of all planes, each of which has `rows` of them.
template <class Body>
[[gnu::always_inline]] inline void for_each_plane(int64_t rows, PoolRange range, const Body& body) {
  int64_t left = range.end - range.begin, first = range.begin % rows;
  for (int64_t plane = range.begin / rows; left > 0; ++plane, first = 0) {
    const int64_t last = left < rows - first ? first + left : rows;
    body(plane, PoolRange{first, last});
    left -= last - first;
  }
}

// Rows of cells under the taps of a row of windows; the first tap of window q lies at first + q * stride.
template <class T>
struct TapRows {
  const T* first;
  int64_t step, count;
  int64_t size;  // cells of a row that may be read, from `first` on
};

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

template <bool value>
struct Inside {
  static constexpr bool inside = value;
};

// body(q, taps, lanes, inside) for vectors of all output cells.
template <class T, int kernel, int stride, class Body>
[[gnu::always_inline]] inline void for_each_window(const PoolAxis& w, const TapRows<T>& rows, const Body& body) {
  constexpr int64_t size = Vec<T>::size;
  const int64_t step = stride ? stride : w.stride;
  const int64_t reach = (w.kernel - 1) * w.dilation + step * size;
  for (int64_t q = 0; q < w.output; q += size) {
    const int64_t left = w.output - q;
    const PoolLanes<T> at{rows.first + q * step, rows.size - q * step, left < size ? left : size};
    if (reach > at.room) {
      body(q, at, PartVector<T>{at.n}, Inside<false>{});
    } else if (left < size) {
      body(q, at, PartVector<T>{at.n}, Inside<true>{});
    } else {
      body(q, at, WholeVector<T>{}, Inside<true>{});
    }
  }
}

template <class T>
void fill(T* p, int64_t n, T value) {
  for_each_vector<T>(n, [=](int64_t i, auto lanes) { lanes.store(p + i, Vec<T>(value)); });
}

// Writes whole vectors, with `behind` in what is left of the last one: a load that follows soon can take its
// cells from the stores, which it could not from a masked one.
template <class T>
void copy_into_scratch(const T* from, T* to, int64_t n, T behind) {
  for_each_vector<T>(n, [=](int64_t i, auto lanes) { lanes.load(from + i, Vec<T>(behind)).store(to + i); });
}

// Asks for the cells some KB ahead of those that are read next: short rows read in twos and threes start no
// prefetching of the processor's own.
template <class T>
void fetch_ahead(const T* cells, int64_t n) {
  constexpr int64_t line = 64 / sizeof(T), distance = 4096 / sizeof(T);
  for (int64_t i = 0; i < n; i += line) __builtin_prefetch(cells + distance + i);
}

// Rows of a plane under some rows of windows: where windows reach over its ends, copies in scratch, which is
// filled with padding before the first plane.
template <class T>
class PlaneRows {
 public:
  PlaneRows(const PoolAxis& h, const PoolAxis& w, const T* plane, PoolRange outputs, T padding, T* scratch)
      : cells_(plane), step_(w.size), width_(w.size), dilation_(h.dilation), fetched_(h.stride * w.size) {
    if (w.padded_width == 0) return;
    const int64_t start = outputs.begin * h.stride - h.before;
    const int64_t stop = (outputs.end - 1) * h.stride - h.before + h.dilation * (h.kernel - 1) + 1;
    const int64_t begin = start < 0 ? 0 : start, end = stop < h.size ? stop : h.size;
    for (int64_t i = begin; i < end; ++i) {
      T* row = scratch + (i - begin) * w.padded_width + w.before;
      copy_into_scratch(plane + i * w.size, row, w.size, padding);
    }
    cells_ = scratch;
    first_ = begin;
    step_ = width_ = w.padded_width;
    fetched_ = 0;
  }

  TapRows<T> under(const PoolSpan& span) const {
    fetch_ahead(cells_ + (span.first - first_) * step_, fetched_);
    return {cells_ + (span.first - first_) * step_, dilation_ * step_, span.count, width_};
  }

 private:
  const T* cells_;
  int64_t first_ = 0, step_, width_, dilation_;
  int64_t fetched_;  // new cells of a row of windows
};

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
