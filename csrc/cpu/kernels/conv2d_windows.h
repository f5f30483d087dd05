// Windows of 3 x 3 on a plane as it lies in memory, strides of 1 and 2: instead of a copy with zeros around, loads that
// leave out what is not there. The copies took a third of the time of stride 1, and half of that of stride 2.
// Sums run in the order of conv2d_rows.h, so both give the same bits.
#pragma once

#include "cpu/conv2d_kernels.h"
#include "cpu/kernels/conv2d_rows.h"
#include "cpu/kernels/pack.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// The same pointer, of which the compiler knows nothing: else it keeps one for each line of a block on the stack, and
// moves them all on at every vector (a quarter of the time).
template <class T>
[[gnu::always_inline]] inline T* opaque(T* p) {
  asm("" : "+r"(p));
  return p;
}

// Which cells there are, for each load of a row of at most a vector of windows, the first of which begins at `cell`.
template <class T, int Step>
class WindowLanes {
 public:
  // Step 1: the cells under each tap. Step 2: pairs under taps 0 and 1, in two vectors, and the same from tap 2 on.
  static constexpr int loads = Step == 1 ? 3 : 4;
  static constexpr int64_t tap(int i) { return Step == 1 ? i : i / 2 * 2; }
  static constexpr int64_t behind(int i) { return Step == 1 ? 0 : i % 2 * Vec<T>::size; }

  WindowLanes(int64_t cell, int64_t columns, int64_t windows) {
    constexpr int64_t size = Vec<T>::size;
    const auto clamp = [](int64_t n) { return n < 0 ? 0 : n < size ? n : size; };
    unroll<loads>([&](auto i) __attribute__((always_inline)) {
      const int64_t at = cell + tap(i) + behind(i), wanted = Step * windows - behind(i);
      lanes_[i] = Vec<T>::lanes_between(clamp(-at), clamp(smaller(columns - at, wanted)));
    });
  }
  Vec<T> load(const T* p, int i) const { return Vec<T>::load_lanes(p + tap(i) + behind(i), lanes_[i]); }

 private:
  typename Vec<T>::Mask lanes_[size_t{loads}];
};

// All of them.
template <class T, int Step>
struct WholeWindows {
  using Lanes = WindowLanes<T, Step>;
  static constexpr int64_t reach = Lanes::tap(Lanes::loads - 1) + Step * Vec<T>::size;
  static Vec<T> load(const T* p, int i) { return Vec<T>::load(p + Lanes::tap(i) + Lanes::behind(i)); }
};

// body(j, lanes) for the windows of a row, a vector at a time.
template <class T, int Step, class Body>
[[gnu::always_inline]] inline void for_each_window_vector(const PlaneWindows<T>& w, const Body& body) {
  for (int64_t j = 0; j < w.columns; j += Vec<T>::size) {
    const int64_t cell = j * Step - w.left, windows = w.columns - j;
    if (cell >= 0 && cell + WholeWindows<T, Step>::reach <= w.x_columns && windows >= Vec<T>::size) {
      body(j, WholeWindows<T, Step>{});
    } else {
      body(j, WindowLanes<T, Step>(cell, w.x_columns, windows));
    }
  }
}

// What lies under the three columns of taps.
template <class T, int Step, class Lanes>
[[gnu::always_inline]] inline void load_taps(const T* p, const Lanes& lanes, Vec<T> (&x)[3]) {
  if constexpr (Step == 1) {
    unroll<3>([&](auto b) __attribute__((always_inline)) { x[b] = lanes.load(p, b); });
  } else {
    const auto pair = deinterleave(lanes.load(p, 0), lanes.load(p, 1));
    x[0] = pair.first;
    x[1] = pair.second;
    x[2] = deinterleave(lanes.load(p, 2), lanes.load(p, 3)).first;
  }
}

// body(tap, row, x) for all taps of windows (i, j) to (i + Rows - 1, j) and the vector of cells under each.
template <class T, int Rows, int Step, class Lanes, class Body>
[[gnu::always_inline]] inline void for_each_window_cell(const PlaneWindows<T>& w, int64_t i, int64_t j,
                                                        const Lanes& lanes, const Body& body) {
  const int64_t row = w.first_row + i * Step;
  const T* p = opaque(w.x + row * w.x_columns + j * Step - w.left);
  unroll<Step*(Rows - 1) + 3>([&](auto line) __attribute__((always_inline)) {
    Vec<T> x[3] = {Vec<T>(T(0)), Vec<T>(T(0)), Vec<T>(T(0))};
    if (row + line >= 0 && row + line < w.x_rows) load_taps<T, Step>(p, lanes, x);
    p += w.x_columns;
    unroll<3>([&](auto b) __attribute__((always_inline)) {
      unroll<3>([&](auto a) __attribute__((always_inline)) {
        constexpr int ahead = line - a;
        if constexpr (ahead >= 0 && ahead % Step == 0 && ahead / Step < Rows) {
          body(std::integral_constant<int, 3 * a + b>{}, std::integral_constant<int, ahead / Step>{}, x[b]);
        }
      });
    });
  });
}

// By value: what is stored might else be a member, and each be loaded again.
template <class T, int Rows, int Step>
void filter_windows_of_rows(const WindowFilter<T> f) {
  using V = Vec<T>;
  const PlaneWindows<T> w = f.windows;
  V weight[window_taps];
  unroll<window_taps>([&](auto p) __attribute__((always_inline)) { weight[p] = V(f.weight[p]); });
  for (int64_t first = 0; first < w.rows; first += Rows) {
    const int64_t i = first + Rows <= w.rows ? first : w.rows - Rows;
    for_each_window_vector<T, Step>(w, [&](int64_t j, auto lanes) __attribute__((always_inline)) {
      V sums[size_t{Rows}];
      unroll<Rows>([&](auto r) __attribute__((always_inline)) { sums[r] = V(T(0)); });
      for_each_window_cell<T, Rows, Step>(w, i, j, lanes, [&](auto tap, auto row, V x) __attribute__((always_inline)) {
        sums[row] = pinned(fma(weight[tap], x, sums[row]));
      });
      T* y = opaque(f.y + i * f.y_line + j);
      unroll<Rows>([&](auto r) __attribute__((always_inline)) {
        const V sum = finish<T>(f, sums[r]);
        w.columns - j >= V::size ? sum.store(y) : sum.store(y, w.columns - j);
        y += f.y_line;
      });
    });
  }
}

template <class T>
void filter_windows(const WindowFilter<T>& f) {
  with_rows_of_block(f.windows.rows, [&](auto rows) __attribute__((always_inline)) {
    f.windows.step == 1 ? filter_windows_of_rows<T, rows, 1>(f) : filter_windows_of_rows<T, rows, 2>(f);
  });
}

template <class T, int Rows, int Step>
[[gnu::always_inline]] inline void products_of_window_rows(const PlaneWindows<T>& w, const T* grad, int64_t i,
                                                           Vec<T> (&sums)[window_taps]) {
  using V = Vec<T>;
  for_each_window_vector<T, Step>(w, [&](int64_t j, auto lanes) __attribute__((always_inline)) {
    V g[size_t{Rows}];
    unroll<Rows>([&](auto r) __attribute__((always_inline)) {
      const T* p = grad + (i + r) * w.columns + j;
      g[r] = w.columns - j >= V::size ? V::load(p) : V::load(p, w.columns - j);
    });
    for_each_window_cell<T, Rows, Step>(w, i, j, lanes, [&](auto tap, auto row, V x) __attribute__((always_inline)) {
      sums[tap] = pinned(fma(g[row], x, sums[tap]));
    });
  });
}

template <class T, int Step>
void products_of_windows(const WindowProducts<T> t) {
  using V = Vec<T>;
  V sums[window_taps];
  unroll<window_taps>([&](auto p) __attribute__((always_inline)) { sums[p] = V(T(0)); });
  int64_t i = 0;
  for (; i + product_rows <= t.windows.rows; i += product_rows) {
    products_of_window_rows<T, product_rows, Step>(t.windows, t.grad, i, sums);
  }
  for (; i < t.windows.rows; ++i) products_of_window_rows<T, 1, Step>(t.windows, t.grad, i, sums);
  unroll<window_taps>([&](auto p) __attribute__((always_inline)) {
    T* total = t.lanes + p * V::size;
    (V::load(total) + sums[p]).store(total);
  });
}

template <class T>
void window_products(const WindowProducts<T>& t) {
  t.windows.step == 1 ? products_of_windows<T, 1>(t) : products_of_windows<T, 2>(t);
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
