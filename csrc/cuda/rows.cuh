// Rows, the elements along one axis of a tensor, for functions that reduce over it. Neighbouring elements, where they
// are eight packs a lane or fewer (1024 floats), are held in the registers of a group of lanes; a longer row is read
// again by a block where it is needed again. Where the axis is not the last one, each thread has a row, next to that
// of the next thread, and holds up to eight elements.
//
// A function is a class with
//   template <class Row> __device__ void operator()(const Row& row, int64_t position) const;
// that reads, sums and writes through the functions below; all threads of a row call them together. A row may be
// written over what was read of it. Which thread has which element, and so the order of sums, depends on the sizes
// alone.
#pragma once

#include "cuda/division.cuh"
#include "cuda/elementwise.cuh"
#include "cuda/reduce.cuh"
#include "ops/tensor.h"

namespace fastnn::cuda {

// Element c of row number outer * inner + i lies at (outer * size + c) * inner + i.
struct Rows {
  int64_t count, size, inner;
  bool aligned;  // to packs, where the rows are read by packs

  __device__ int64_t start(int64_t position) const {
    if (inner == 1) return position * size;
    const Division at = divide(position, inner);
    return at.quotient * size * inner + at.remainder;
  }
};

template <class T, size_t lanes>
struct RowPlace {
  using Element = T;
  using Elements = Pack<T, lanes>;
  int64_t start, step, size;
  bool aligned;

  __device__ T element(const T* x, int64_t c) const { return x[start + c * step]; }
  __device__ Elements load(const T* x, int64_t c) const {
    if constexpr (lanes == 1) return {{element(x, c)}};
    if (aligned) return load_pack<T, lanes>(x + start + c, 0);
    Elements y;
    FASTNN_UNROLL
    for (size_t i = 0; i < lanes; ++i) y.lane[i] = x[start + c + static_cast<int64_t>(i)];
    return y;
  }
  __device__ void store(T* y, int64_t c, const Elements& value) const {
    if constexpr (lanes == 1) {
      y[start + c * step] = value.lane[0];
    } else if (aligned) {
      store_pack(y + start + c, 0, value);
    } else {
      FASTNN_UNROLL
      for (size_t i = 0; i < lanes; ++i) y[start + c + static_cast<int64_t>(i)] = value.lane[i];
    }
  }
};

// Where a pack stands: the first of its elements, and which one it is of the thread's.
struct PackPlace {
  int64_t c;
  int index;
};

// Shared by a group of `width` lanes, a power of two; the packs of a thread are `width` packs apart.
template <class T, int packs, size_t lanes>
struct HeldRow : RowPlace<T, lanes> {
  static constexpr bool held = true;
  int lane, width;
  bool active;  // or else there are no more rows, and the group takes part in shuffles alone

  struct Values {
    Pack<T, lanes> pack[static_cast<size_t>(packs)];
    __device__ const Pack<T, lanes>& at(const PackPlace& place) const { return pack[place.index]; }
  };

  __device__ bool leads() const { return active && lane == 0; }
  template <class Body>
  __device__ void for_each_pack(const Body& body) const {
    FASTNN_UNROLL
    for (int p = 0; p < packs; ++p) {
      const int64_t c = (p * width + lane) * static_cast<int>(lanes);
      if (active && c < this->size) body(PackPlace{c, p});
    }
  }
  template <class Value, class Op>
  __device__ Value reduce(Value value, Value /*neutral*/, Op op) const {
    return warp_reduce(value, op, width);
  }
};

struct WholeBlock {
  __device__ static int rank() { return thread_of_block(); }
  __device__ static int size() { return threads_of_block(); }
  template <class Value, class Op>
  __device__ static Value reduce(Value value, Value neutral, Op op) {
    return block_reduce(value, neutral, op);
  }
};

struct OneThread {
  __device__ static int rank() { return 0; }
  __device__ static int size() { return 1; }
  template <class Value, class Op>
  __device__ static Value reduce(Value value, Value /*neutral*/, Op /*op*/) {
    return value;
  }
};

template <class T, size_t lanes, class Team>
struct StreamedRow : RowPlace<T, lanes> {
  static constexpr bool held = false;

  __device__ bool leads() const { return Team::rank() == 0; }
  template <class Body>
  __device__ void for_each_pack(const Body& body) const {
    constexpr auto width = static_cast<int64_t>(lanes);
    for (int64_t c = Team::rank() * width; c < this->size; c += Team::size() * width) body(PackPlace{c, 0});
  }
  template <class Value, class Op>
  __device__ Value reduce(Value value, Value neutral, Op op) const {
    return Team::reduce(value, neutral, op);
  }
};

// function(c, element c of each of x) for the elements of a pack.
template <class Row, class Function, class... Packs>
__device__ inline typename Row::Elements map_row_pack(const Row&, const Function& function, int64_t c,
                                                      const Packs&... x) {
  typename Row::Elements y;
  FASTNN_UNROLL
  for (int i = 0; i < Row::Elements::size; ++i) y.lane[i] = function(c + i, x.lane[i]...);
  return y;
}

// What a streamed row gives as values: how to get them.
template <class Row>
struct Reread {
  Row row;
  const typename Row::Element* x;
  __device__ typename Row::Elements at(const PackPlace& place) const {
    return x ? row.load(x, place.c) : typename Row::Elements{};
  }
};
template <class Row, class Function, class Values>
struct Recomputed {
  Row row;
  Function function;
  Values x;
  __device__ typename Row::Elements at(const PackPlace& place) const {
    return map_row_pack(row, function, place.c, x.at(place));
  }
};

// The row's elements of x; zeros of null.
template <class Row>
__device__ inline auto read(const Row& row, const typename Row::Element* x) {
  if constexpr (Row::held) {
    typename Row::Values values{};
    if (x) row.for_each_pack([&](const PackPlace& place) { values.pack[place.index] = row.load(x, place.c); });
    return values;
  } else {
    return Reread<Row>{row, x};
  }
}

// function(c, x_c)
template <class Row, class Function, class Values>
__device__ inline auto map_values(const Row& row, const Function& function, const Values& x) {
  if constexpr (Row::held) {
    typename Row::Values y{};
    row.for_each_pack(
        [&](const PackPlace& place) { y.pack[place.index] = map_row_pack(row, function, place.c, x.at(place)); });
    return y;
  } else {
    return Recomputed<Row, Function, Values>{row, function, x};
  }
}

// The threads' so_far = step(c, so_far, element c of each of x), starting from `neutral`, joined by op.
template <class Row, class Value, class Op, class Step, class... Values>
__device__ inline Value fold(const Row& row, Value neutral, Op op, const Step& step, const Values&... x) {
  Value value = neutral;
  row.for_each_pack([&](const PackPlace& place) {
    const auto add = [&](const auto&... packs) {
      FASTNN_UNROLL
      for (int i = 0; i < Row::Elements::size; ++i) value = step(place.c + i, value, packs.lane[i]...);
    };
    add(x.at(place)...);
  });
  return row.reduce(value, neutral, op);
}

// y_c = function(c, element c of each of x)
template <class Row, class Function, class... Values>
__device__ inline void write(const Row& row, typename Row::Element* y, const Function& function, const Values&... x) {
  row.for_each_pack(
      [&](const PackPlace& place) { row.store(y, place.c, map_row_pack(row, function, place.c, x.at(place)...)); });
}

// More packs would be another kernel for each power of two, and code in proportion to their number. The kernels name
// one block a multiprocessor as enough: with registers for more, double's spilled.
inline constexpr int held_row_threads = 128, most_row_threads = 512, most_packs = 8;

inline unsigned block_count(int64_t blocks) { return static_cast<unsigned>(std::min<int64_t>(blocks, 0x7FFFFFFF)); }

// A group without a row of its own takes part with the last one.
template <class T, int packs, size_t lanes, class Function>
__global__ void __launch_bounds__(held_row_threads, 1) held_rows_kernel(Rows rows, int width, Function function) {
  const int groups = warp_lanes / width;
  const int64_t stride = threads_of_grid() / width;
  for (int64_t first = thread_of_grid() / warp_lanes * groups; first < rows.count; first += stride) {
    const int64_t mine = first + lane_of_warp() / width;
    const int64_t position = mine < rows.count ? mine : rows.count - 1;
    function(HeldRow<T, packs, lanes>{{rows.start(position), rows.inner, rows.size, rows.aligned},
                                      lane_of_warp() % width,
                                      width,
                                      mine < rows.count},
             position);
  }
}

template <class T, size_t lanes, class Function>
__global__ void __launch_bounds__(most_row_threads, 1) block_rows_kernel(Rows rows, Function function) {
  for (int64_t position = block_of_grid(); position < rows.count; position += blocks_of_grid()) {
    function(StreamedRow<T, lanes, WholeBlock>{{rows.start(position), rows.inner, rows.size, rows.aligned}}, position);
  }
}

template <class T, class Function>
__global__ void thread_rows_kernel(Rows rows, Function function) {
  for (int64_t position = thread_of_grid(); position < rows.count; position += threads_of_grid()) {
    function(StreamedRow<T, 1, OneThread>{{rows.start(position), rows.inner, rows.size, rows.aligned}}, position);
  }
}

// Of groups of `width` lanes, each of which has up to `packs_each` packs.
template <class T, int packs, size_t lanes, class Function>
void launch_held(const char* name, const Rows& rows, int width, int64_t packs_each, const Function& function) {
  if constexpr (packs < most_packs) {
    if (packs_each > packs) return launch_held<T, 2 * packs, lanes>(name, rows, width, packs_each, function);
  }
  const int64_t groups = held_row_threads / width;
  launch(name, &held_rows_kernel<T, packs, lanes, Function>,
         {block_count((rows.count + groups - 1) / groups), held_row_threads}, rows, width, function);
}

template <class T, size_t lanes, class Function>
void launch_neighbours(const char* name, const Rows& rows, const Function& function) {
  const int64_t packs = (rows.size + static_cast<int64_t>(lanes) - 1) / static_cast<int64_t>(lanes);
  int width = 1;
  while (width < warp_lanes && width < packs) width *= 2;
  const int64_t packs_each = (packs + width - 1) / width;
  if (packs_each <= most_packs) return launch_held<T, 1, lanes>(name, rows, width, packs_each, function);
  const int threads = rows.size <= 1024 ? 64 : rows.size <= 4096 ? block_threads : most_row_threads;
  launch(name, &block_rows_kernel<T, lanes, Function>, {block_count(rows.count), static_cast<unsigned>(threads)}, rows,
         function);
}

// function(row, position) for every row of the view; `arrays` are all that it reads and writes by rows.
template <class T, class Function, class... Arrays>
void for_each_row(const char* name, const AxisView& view, const Function& function, const Arrays*... arrays) {
  constexpr int64_t lanes = Pack<T>::size;
  if (view.empty()) return;
  const Rows rows{view.outer * view.inner, view.axis_size, view.inner, aligned_to_packs(arrays...)};
  if (view.inner == 1) {
    if (rows.size % lanes == 0) return launch_neighbours<T, Pack<T>::size>(name, rows, function);
    return launch_neighbours<T, 1>(name, rows, function);
  }
  if (rows.size <= most_packs) return launch_held<T, 1, 1>(name, rows, 1, rows.size, function);
  launch(name, &thread_rows_kernel<T, Function>, grid_for(rows.count), rows, function);
}

}  // namespace fastnn::cuda
