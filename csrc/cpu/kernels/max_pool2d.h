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

// Row o of the output, a window at a time.
template <class T>
void max_of_row(const MaxPoolTask<T>& task, int64_t plane, int64_t o) {
  const PoolAxis &h = task.h, &w = task.w;
  const T* cells = task.x + plane * task.x_step;
  const PoolSpan rows = h.spans[o];
  for (int64_t q = 0; q < w.output; ++q) {
    const PoolSpan columns = w.spans[q];
    const int64_t at = plane * task.y_step + o * w.output + q;
    const Maximum<T> best = max_of_window(h, w, cells, rows, columns);
    const bool empty = rows.count == 0 || columns.count == 0;
    task.y[at] = best.value;
    if (task.taps) {
      const int64_t tap = (rows.tap + best.row) * w.kernel + columns.tap + best.column;
      task.taps[at] = empty ? uint8_t{0} : static_cast<uint8_t>(tap);
    }
    if (task.indices) {
      const int64_t row = rows.first + best.row * h.dilation, column = columns.first + best.column * w.dilation;
      task.indices[at] = empty ? -1 : row * w.size + column;
    }
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

// The leading value of some taps, and the number of its tap. `nans`: there may be some.
template <class T, bool places, bool nans>
struct Leader {
  static constexpr int vectors = places ? 2 : 1;
  Vec<T> value, tap;

  [[gnu::always_inline]] void meet(const Leader& other) {
    const auto leads = [&] {
      if constexpr (nans)
        return (value < other.value) | is_nan(other.value);
      else
        return value < other.value;
    }();
    value = select(leads, other.value, value);
    if constexpr (places) tap = select(leads, other.tap, tap);
  }

  void store(T* p, int64_t step) const {
    value.store(p);
    if constexpr (places) tap.store(p + step);
  }
  static Leader load(const T* p, int64_t step) {
    if constexpr (places)
      return {Vec<T>::load(p), Vec<T>::load(p + step)};
    else
      return {Vec<T>::load(p), Vec<T>(T(0))};
  }
};

// A row of the output. Taps are those of a row of cells at first, and then of the window.
template <class T, bool places, bool nans>
struct MaxRow {
  using V = Vec<T>;
  using Part = Leader<T, places, nans>;

  T* y;
  uint8_t* taps;
  int64_t* indices;
  int64_t tap, kernel;  // the first tap inside, and those of a row
  const int64_t* tap_offsets;
  int64_t corner, stride;   // of the first window, as a cell of its plane
  const PoolSpan* dilated;  // spans of columns, of which some may be empty, or null

  [[gnu::always_inline]] Part part_under(const Part& row, int64_t r) const {
    if constexpr (!places) return row;
    return {row.value, row.tap + V(static_cast<T>(tap + r * kernel))};
  }

  template <class Lanes>
  [[gnu::always_inline]] void store(int64_t q, Lanes lanes, const Part& best) const {
    lanes.store(y + q, best.value);
    if constexpr (places) taps ? store_taps(taps + q, best.tap, lanes) : store_indices(q, lanes.size(), best.tap);
  }

  [[gnu::noinline]] void store_indices(int64_t q, int64_t n, V leads) const {
    uint8_t numbers[V::size];
    leads.store_bytes(numbers);
    for (int64_t i = 0; i < n; ++i) {
      const bool empty = dilated && dilated[q + i].count == 0;
      indices[q + i] = empty ? -1 : corner + (q + i) * stride + tap_offsets[numbers[i]];
    }
  }
};

template <class T>
bool any_nan(const T* cells, int64_t n) {
  auto seen = is_nan(Vec<T>(T(0)));
  for_each_vector<T>(n, [&](int64_t i, auto lanes) { seen = seen | is_nan(lanes.load(cells + i)); });
  return any(seen);
}

// The operation on a plane; without `nans`, on its rows that have none.
template <class T, bool places, bool nans>
struct MaxOfPlane {
  using V = Vec<T>;
  using Part = Leader<T, places, nans>;

  const MaxPoolTask<T>* task;
  const T* first_taps;
  int64_t plane;

  MaxOfPlane(const MaxPoolTask<T>& of, int64_t number) : task(&of), first_taps(of.first_taps), plane(number) {}

  // Padding leads nowhere, so a window of -inf is left with the tap that it starts with: the first inside.
  template <int kernel, int stride, bool inside>
  [[gnu::always_inline]] Part part_of(const PoolAxis& w, int64_t q, const PoolLanes<T>& from) const {
    Part row{V(lowest<T>), V(T(0))};
    for_each_tap<T, kernel, stride, inside>(w, from, [&](int64_t tap, V value) __attribute__((always_inline)) {
      const V number(static_cast<T>(tap));
      if (tap > 0) return row.meet({value, number});
      row = {value, places ? V::load(first_taps + q) : number};
    });
    return row;
  }

  MaxRow<T, places, nans> output(int64_t o, const PoolSpan& rows) const {
    const PoolAxis &h = task->h, &w = task->w;
    const int64_t at = plane * task->y_step + o * w.output;
    return {.y = task->y + at,
            .taps = task->taps ? task->taps + at : nullptr,
            .indices = task->indices ? task->indices + at : nullptr,
            .tap = rows.tap * w.kernel,
            .kernel = w.kernel,
            .tap_offsets = task->tap_offsets,
            .corner = (rows.first - rows.tap * h.dilation) * w.size - w.before,
            .stride = w.stride,
            .dilated = w.dilation > 1 ? w.spans : nullptr};
  }

  void without_rows(int64_t o) const { max_of_row(*task, plane, o); }
  bool plain(int64_t first, int64_t last) const {
    const int64_t width = task->w.size;
    return !any_nan(task->x + plane * task->x_step + first * width, (last - first + 1) * width);
  }
  MaxOfPlane<T, places, true> careful() const { return {*task, plane}; }
};

template <class T, bool places>
void max_of_plane(const MaxPoolTask<T>& task, int64_t plane, PoolRange outputs, T* scratch) {
  const PoolAxis &h = task.h, &w = task.w;
  const PlaneRows<T> rows(h, w, task.x + plane * task.x_step, outputs, lowest<T>, scratch);
  if (task.kept.rows > 0) {
    const MaxOfPlane<T, places, false> op(task, plane);
    pool_overlapping<T>(op, h, w, rows, outputs, {task.kept, scratch + task.scratch_cells});
  } else {
    pool_apart<T>(MaxOfPlane<T, places, true>(task, plane), h, w, rows, outputs);
  }
}

// --- forward, windows of 2 x 2 side by side ---------------------------------------------------------

// The cells of a vector of windows, in the order of their taps.
template <class T>
struct Fours {
  using V = Vec<T>;
  V at[4];

  template <class Lanes>
  [[gnu::always_inline]] Fours(const T* p, int64_t width, Lanes lanes) {
    for (int r = 0; r < 2; ++r, p += width) {
      const auto pair = load_pairs(p, lanes);
      at[2 * r] = pair.first, at[2 * r + 1] = pair.second;
    }
  }

  // False only without a NaN.
  [[gnu::always_inline]] bool any_nan() const { return any(is_nan((at[0] + at[1]) + (at[2] + at[3]))); }

  // Without a NaN. Of equal numbers `max` gives the second.
  [[gnu::always_inline]] Leader<T, true, false> leader() const {
    const V top = max(max(at[3], at[2]), max(at[1], at[0]));
    const V lower = select(at[2] == top, V(T(2)), V(T(3)));
    return {top, select(at[0] == top, V(T(0)), select(at[1] == top, V(T(1)), lower))};
  }

  Leader<T, true, false> careful_leader() const { return careful(at[0], at[1], at[2], at[3]); }

 private:
  // By value, so that the cells need not lie in memory.
  [[gnu::noinline]] static Leader<T, true, false> careful(V a, V b, V c, V d) {
    Leader<T, true, true> best{a, V(T(0))};
    best.meet({b, V(T(1))});
    best.meet({c, V(T(2))});
    best.meet({d, V(T(3))});
    return {best.value, best.tap};
  }
};

// A row of planes as small as these is one vector or two: some rows at a time, so that what depends on where a vector
// starts is found once for all of them.
template <class T>
void max_of_fours(const MaxPoolTask<T>& task, int64_t plane, PoolRange outputs) {
  constexpr int64_t rows_at_once = 8;
  const int64_t width = task.w.size, windows = task.w.output;
  uint8_t* const taps = task.taps;
  const PlaneRows<T> cells(task.h, task.w, task.x + plane * task.x_step, outputs, lowest<T>, nullptr);
  for (int64_t o = outputs.begin; o < outputs.end; o += rows_at_once) {
    const int64_t rows = outputs.end - o < rows_at_once ? outputs.end - o : rows_at_once;
    for (int64_t r = 0; r < rows; ++r) cells.fetch_ahead(2 * (o + r));
    const T* const x = cells.from(2 * o).first;
    const int64_t at = plane * task.y_step + o * windows;
    for_each_vector_overlapping<T>(windows, [&, y = task.y](int64_t q, auto lanes) __attribute__((always_inline)) {
      for (int64_t r = 0; r < rows; ++r) {
        const Fours<T> fours(x + 2 * (r * width + q), width, lanes);
        const auto best = fours.any_nan() ? fours.careful_leader() : fours.leader();
        lanes.store(y + at + r * windows + q, best.value);
        if (taps) store_taps(taps + at + r * windows + q, best.tap, lanes);
      }
    });
  }
}

inline bool are_whole_twos(const PoolAxis& axis) { return are_twos(axis) && 2 * axis.output <= axis.size; }

template <class T>
void max_pool(const MaxPoolTask<T>& task, PoolRange range, T* scratch) {
  const PoolAxis& h = task.h;
  if (are_whole_twos(h) && are_whole_twos(task.w) && !task.indices) {
    return for_each_plane(h.output, range, [&](int64_t plane, PoolRange rows) { max_of_fours(task, plane, rows); });
  }
  const bool places = task.taps || task.indices;
  const bool by_lanes = task.w.by_lanes && (!places || task.tap_offsets);
  fill(scratch, task.scratch_cells, lowest<T>);
  for_each_plane(h.output, range, [&](int64_t plane, PoolRange outputs) {
    if (!by_lanes) {
      for (int64_t o = outputs.begin; o < outputs.end; ++o) max_of_row(task, plane, o);
    } else if (places) {
      max_of_plane<T, true>(task, plane, outputs, scratch);
    } else {
      max_of_plane<T, false>(task, plane, outputs, scratch);
    }
  });
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
