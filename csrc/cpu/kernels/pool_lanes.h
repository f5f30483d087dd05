// Neighbouring windows side by side: lanes are output cells, and a tap of all of them is one vector.
//
// For stride 1 a tap is a plain load, for stride 2 every second lane of two loads, which serves two taps, and
// for others a gather. Windows that reach over the ends of the plane read copies of its rows, with the padding
// around them, so that they need no code of their own. Where rows of windows overlap, what windows come to in a
// row of cells is found once and kept for all of them.
#pragma once

#include "cpu/fetch.h"
#include "cpu/kernels/lanes.h"
#include "cpu/kernels/unroll.h"
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

// Windows of two cells, side by side from the first cell on.
inline bool are_twos(const PoolAxis& axis) {
  return axis.kernel == 2 && axis.stride == 2 && axis.dilation == 1 && axis.before == 0;
}

// Rows of cells under windows; in each the first tap of window q lies at first + q * stride.
template <class T>
struct TapRows {
  const T* first;
  int64_t step;
  int64_t size;  // cells of a row that may be read, from `first` on
};

// n neighbouring windows whose first tap lies at p; `room` cells of the row are left from there.
template <class T>
struct PoolLanes {
  const T* p;
  int64_t room, n;
};

// body(tap, value) for each tap of a row of the windows, from left to right. `kernel` and `stride` are those of the
// axis where they are known at compile time, or 0; `inside` says that whole vectors may be read.
template <class T, int kernel, int stride, bool inside, class Body>
[[gnu::always_inline]] inline void for_each_tap(const PoolAxis& w, const PoolLanes<T>& at, const Body& body) {
  const int64_t taps = kernel ? kernel : w.kernel, dilation = kernel ? 1 : w.dilation;
  if constexpr (stride == 1) {
    for (int64_t c = 0; c < taps; ++c) body(c, load_cells<T, inside>(at.p + c * dilation, at.room - c * dilation));
  } else if constexpr (stride == 2) {
    const int64_t served = dilation == 1 ? 2 : 1;
    for (int64_t c = 0; c < taps; c += served) {
      const int64_t cell = c * dilation, next = cell + Vec<T>::size;
      const auto pair = deinterleave(load_cells<T, inside>(at.p + cell, at.room - cell),
                                     load_cells<T, inside>(at.p + next, at.room - next));
      body(c, pair.first);
      if (c + 1 < taps && served == 2) body(c + 1, pair.second);
    }
  } else {
    for (int64_t c = 0; c < taps; ++c) {
      T lanes[Vec<T>::size] = {};
      for (int64_t i = 0; i < at.n; ++i) lanes[i] = at.p[i * w.stride + c * dilation];
      body(c, Vec<T>::load(lanes));
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

// The rows of a plane that some rows of windows reach.
inline PoolRange rows_under(const PoolAxis& h, PoolRange outputs) {
  const int64_t start = outputs.begin * h.stride - h.before;
  const int64_t stop = (outputs.end - 1) * h.stride - h.before + h.dilation * (h.kernel - 1) + 1;
  return {start < 0 ? 0 : start, stop < h.size ? stop : h.size};
}

// Rows of a plane under some rows of windows: where windows reach over its ends, copies in scratch, which is
// filled with padding before the first plane.
template <class T>
class PlaneRows {
 public:
  PlaneRows(const PoolAxis& h, const PoolAxis& w, const T* plane, PoolRange outputs, T padding, T* scratch)
      : plane_(plane),
        size_(w.size),
        stride_(h.stride),
        cells_(plane),
        step_(w.size),
        width_(w.size),
        dilation_(h.dilation) {
    if (w.padded_width == 0) return;
    const PoolRange under = rows_under(h, outputs);
    for (int64_t i = under.begin; i < under.end; ++i) {
      T* row = scratch + (i - under.begin) * w.padded_width + w.before;
      copy_into_scratch(plane + i * w.size, row, w.size, padding);
    }
    cells_ = scratch;
    first_ = under.begin;
    step_ = width_ = w.padded_width;
    ahead_ = (under.end - under.begin) * w.size;
  }

  // From row i of the plane on.
  TapRows<T> from(int64_t i) const { return {cells_ + (i - first_) * step_, dilation_ * step_, width_}; }

  // Asks for cells that are read some KB later than those of a row of windows from row i on, as many as it has of its
  // own: short rows read in twos and threes start no prefetching of the processor's own, and where they are copied,
  // those of the next plane would wait for all of this one.
  [[gnu::always_inline]] void fetch_ahead(int64_t i) const { fetch(plane_ + i * size_ + ahead_, stride_ * size_); }

 private:
  const T* plane_;
  int64_t size_, stride_, ahead_ = 4096 / sizeof(T);
  const T* cells_;
  int64_t first_ = 0, step_, width_, dilation_;
};

// What windows come to in the rows of cells under the last row of windows: a ring of rows.
template <class T, class Part>
class KeptParts {
 public:
  KeptParts(const PoolKept& kept, T* cells) : begin_(cells), kept_(kept), row_size_(kept.step * Part::vectors) {}

  T* row(int64_t i) const { return begin_ + i % kept_.rows * row_size_; }
  const T* below(const T* row) const {
    return row + row_size_ == begin_ + kept_.rows * row_size_ ? begin_ : row + row_size_;
  }
  void store(T* row, int64_t q, const Part& part) const { part.store(row + q, kept_.step); }
  Part load(const T* row, int64_t q) const { return Part::load(row + q, kept_.step); }

 private:
  T* begin_;
  PoolKept kept_;
  int64_t row_size_;
};

// body(0) to body(n - 1); `known` is n where that is known when compiled, and 0 where not. What depends on the number
// alone is then made once a row: the taps to compare with, made for each vector, took a third of the time with AVX2.
template <int known, class Body>
[[gnu::always_inline]] inline void for_each_below(int64_t n, const Body& body) {
  if constexpr (known > 0) {
    unroll<known>([&](auto i) __attribute__((always_inline)) { body(i); });
  } else {
    for (int64_t i = 0; i < n; ++i) body(i);
  }
}

// An operation on the windows of a plane, Op, which is copied where vectors are stored that might change it, has
//   Part, what a window comes to in some of its rows: part.meet(one of rows below); store and load of its `vectors`;
//   part_of<kernel, stride, inside>(w, q, taps) of the windows from q on, in one row of cells;
//   output(o, span), a row of the output: its part_under(part, r), the same where that is row r of those inside, and
//   store(q, lanes, part); and without_rows(o), for a row of windows with no row of cells inside.
// One for parts that are kept also has plain(first, last), whether it serves these rows of cells, and careful(), the
// operation that serves others.

// Joins the rows of cells under a row of windows: `part(r)` is what these come to in row r. `known` as above.
template <class Output, int known, class PartOf>
[[gnu::always_inline]] inline auto join_parts(const Output& output, int64_t rows, const PartOf& part) {
  auto all = output.part_under(part(0), 0);
  for_each_below<(known > 0 ? known - 1 : 0)>(
      rows - 1, [&](int64_t r) __attribute__((always_inline)) { all.meet(output.part_under(part(r + 1), r + 1)); });
  return all;
}

template <class T, int kernel, int stride, int known, class Op>
[[gnu::always_inline]] inline void pool_row(Op op, PoolAxis w, TapRows<T> cells, int64_t o, const PoolSpan& span) {
  const auto output = op.output(o, span);
  const int64_t rows = span.count;
  for_each_window<T, kernel, stride>(
      w, cells, [&](int64_t q, PoolLanes<T> taps, auto lanes, auto inside) __attribute__((always_inline)) {
        const auto part = [&](int64_t r) __attribute__((always_inline)) {
          const PoolLanes<T> row{taps.p + r * cells.step, taps.room, taps.n};
          return op.template part_of<kernel, stride, decltype(inside)::inside>(w, q, row);
        };
        output.store(q, lanes, join_parts<decltype(output), known>(output, rows, part));
      });
}

template <class T, class Op>
[[gnu::noinline]] void pool_any_row(Op op, const PoolAxis& w, TapRows<T> cells, int64_t o, const PoolSpan& span) {
  if (w.stride == 1) return pool_row<T, 0, 1, 0>(op, w, cells, o, span);
  if (w.stride == 2) return pool_row<T, 0, 2, 0>(op, w, cells, o, span);
  pool_row<T, 0, 0, 0>(op, w, cells, o, span);
}

// Rows of windows that share no rows of cells, `outputs` of a plane.
template <class T, class Op>
void pool_apart(const Op& op, const PoolAxis& h, const PoolAxis& w, const PlaneRows<T>& cells, PoolRange outputs) {
  const bool twos = w.kernel == 2 && w.stride == 2 && w.dilation == 1;
  for (int64_t o = outputs.begin; o < outputs.end; ++o) {
    const PoolSpan span = h.spans[o];
    if (span.count > 0) cells.fetch_ahead(span.first);
    if (span.count == 0) {
      op.without_rows(o);
    } else if (twos && span.count == 2) {
      pool_row<T, 2, 2, 2>(op, w, cells.from(span.first), o, span);
    } else {
      pool_any_row<T>(op, w, cells.from(span.first), o, span);
    }
  }
}

// Rows of windows that overlap: what windows come to in a row of cells is found once, and kept in a ring of rows.
template <class T, int kernel, int stride, class Op>
class OverlappingRows {
 public:
  using Part = typename Op::Part;

  OverlappingRows(const Op& op, const PoolAxis& h, const PoolAxis& w, const PlaneRows<T>& cells,
                  const KeptParts<T, Part>& kept)
      : op_(op), h_(h), w_(w), cells_(cells), kept_(kept) {}

  void pool(PoolRange outputs) {
    for (int64_t o = outputs.begin; o < outputs.end; ++o) {
      const PoolSpan span = h_.spans[o];
      cells_.fetch_ahead(span.first);
      if (!are_plain(span)) {
        pool_any_row<T>(op_.careful(), w_, cells_.from(span.first), o, span);
        continue;
      }
      keep_rows(span);
      kernel > 0 && span.count == kernel ? join_rows<kernel>(o, span) : join_rows<0>(o, span);
    }
  }

 private:
  [[gnu::always_inline]] bool are_plain(const PoolSpan& span) {
    const int64_t first = seen_ < span.first ? span.first : seen_, last = span.first + span.count - 1;
    if (first <= last && !op_.plain(first, last)) not_plain_ = last;
    seen_ = last + 1;
    return not_plain_ < span.first;
  }

  [[gnu::always_inline]] void keep_rows(const PoolSpan& span) {
    const Op op = op_;
    const PoolAxis w = w_;
    const KeptParts<T, Part> kept = kept_;
    for (found_ = found_ < span.first ? span.first : found_; found_ < span.first + span.count; ++found_) {
      T* const row = kept.row(found_);
      for_each_window<T, kernel, stride>(
          w, cells_.from(found_),
          [&](int64_t q, PoolLanes<T> taps, auto /*lanes*/, auto inside) __attribute__((always_inline)) {
            kept.store(row, q, op.template part_of<kernel, stride, decltype(inside)::inside>(w, q, taps));
          });
    }
  }

  template <int known>
  [[gnu::always_inline]] void join_rows(int64_t o, const PoolSpan& span) const {
    const auto output = op_.output(o, span);
    const KeptParts<T, Part> kept = kept_;
    const T* const top = kept.row(span.first);
    const int64_t rows = span.count;
    for_each_vector<T>(w_.output, [&](int64_t q, auto lanes) __attribute__((always_inline)) {
      const T* row = top;
      const auto part = [&](int64_t r) __attribute__((always_inline)) {
        if (r > 0) row = kept.below(row);
        return kept.load(row, q);
      };
      output.store(q, lanes, join_parts<decltype(output), known>(output, rows, part));
    });
  }

  Op op_;
  PoolAxis h_, w_;
  PlaneRows<T> cells_;
  KeptParts<T, Part> kept_;
  int64_t found_ = 0;                  // rows above it are kept, where they were needed
  int64_t seen_ = 0, not_plain_ = -1;  // rows above it have been asked for; the last that may not be plain
};

template <class T, class Op>
void pool_overlapping(const Op& op, const PoolAxis& h, const PoolAxis& w, const PlaneRows<T>& cells, PoolRange outputs,
                      const KeptParts<T, typename Op::Part>& kept) {
  const bool threes = w.kernel == 3 && w.dilation == 1;
  if (threes && w.stride == 2) return OverlappingRows<T, 3, 2, Op>(op, h, w, cells, kept).pool(outputs);
  if (threes && w.stride == 1) return OverlappingRows<T, 3, 1, Op>(op, h, w, cells, kept).pool(outputs);
  if (w.stride == 1) return OverlappingRows<T, 0, 1, Op>(op, h, w, cells, kept).pool(outputs);
  if (w.stride == 2) return OverlappingRows<T, 0, 2, Op>(op, h, w, cells, kept).pool(outputs);
  OverlappingRows<T, 0, 0, Op>(op, h, w, cells, kept).pool(outputs);
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
