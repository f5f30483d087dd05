// Copies of planes with their padding, for convolution: after it no kernel looks at borders or strides.
#pragma once

#include "cpu/conv2d_kernels.h"
#include "cpu/kernels/lanes.h"
#include "cpu/kernels/pack.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

inline int64_t clamp_to(int64_t value, int64_t low, int64_t high) {
  return value < low ? low : value > high ? high : value;
}

template <class T>
void fill_zeros(T* dst, int64_t n) {
  for_each_vector<T>(n, [=](int64_t i, auto lanes) { lanes.store(dst + i, Vec<T>(T(0))); });
}

template <class T>
void copy_values(const T* src, T* dst, int64_t n) {
  for_each_vector<T>(n, [=](int64_t i, auto lanes) { lanes.store(dst + i, lanes.load(src + i)); });
}

// Cells u in [0, width) for which u * step + shift lies in [0, size) are those in [begin, end).
struct CellRange {
  int64_t begin = 0, end = 0;
  CellRange() = default;
  CellRange(int64_t shift, int64_t step, int64_t size, int64_t width) {
    begin = shift >= 0 ? 0 : clamp_to((-shift + step - 1) / step, 0, width);
    end = size <= shift ? begin : clamp_to((size - shift + step - 1) / step, begin, width);
  }
};

// Every Step-th cell from p on, of which `room` may be read; zeros behind them.
template <class T, int Step>
[[gnu::always_inline]] inline Vec<T> load_every(const T* p, int64_t room) {
  constexpr int64_t size = Vec<T>::size;
  if constexpr (Step == 1) {
    return room >= size ? Vec<T>::load(p) : Vec<T>::load(p, room);
  } else {
    if (room >= 2 * size) return deinterleave(Vec<T>::load(p), Vec<T>::load(p + size)).first;
    return deinterleave(load_cells<T, false>(p, room), load_cells<T, false>(p + size, room - size)).first;
  }
}

// A row of one phase, `inside` of which lies in x. Every store is a whole vector, whose end the next store
// overwrites, of this row or of the next.
template <class T, int Step>
[[gnu::always_inline]] inline void stage_row(const PlaneStage<T>& s, const T* x, CellRange inside, int64_t shift,
                                             T* dst) {
  using V = Vec<T>;
  int64_t u = 0;
  for (; u < inside.begin; u += V::size) V(T(0)).store(dst + u);
  for (u = inside.begin; u < inside.end; u += V::size) {
    const int64_t cell = u * Step + shift;
    __builtin_prefetch(x + cell + s.next);
    load_every<T, Step>(x + cell, s.columns - cell).store(dst + u);
  }
  for (; u < s.width; u += V::size) V(T(0)).store(dst + u);
}

// At most one phase for each cell of a step.
template <class T, int Step>
void stage_rows(const PlaneStage<T>& s) {
  int64_t shifts[size_t{Step}] = {};
  CellRange inside[size_t{Step}];
  for (int64_t f = 0; f < s.phase_count; ++f) {
    shifts[f] = s.phases[f] - s.before;
    inside[f] = CellRange(shifts[f], Step, s.columns, s.width);
  }
  T* dst = s.dst;
  for (int64_t r = 0; r < s.staged_rows; ++r) {
    const int64_t row = s.first_row + r * s.row_step;
    const bool present = row >= 0 && row < s.rows;
    const T* x = present ? s.x + row * s.columns : s.x;
    for (int64_t f = 0; f < s.phase_count; ++f, dst += s.width) {
      stage_row<T, Step>(s, x, present ? inside[f] : CellRange{}, shifts[f], dst);
    }
  }
}

template <class T>
void stage_strided_row(const T* x, CellRange inside, int64_t shift, int64_t step, int64_t width, T* dst) {
  fill_zeros(dst, inside.begin);
  for (int64_t u = inside.begin; u < inside.end; ++u) dst[u] = x[u * step + shift];
  fill_zeros(dst + inside.end, width - inside.end);
}

template <class T>
void stage_plane(const PlaneStage<T>& s) {
  if (s.step == 1 && s.phase_count == 1) return stage_rows<T, 1>(s);
  if (s.step == 2 && s.phase_count <= 2) return stage_rows<T, 2>(s);
  const int64_t line = s.phase_count * s.width;
  for (int64_t f = 0; f < s.phase_count; ++f) {
    const int64_t shift = s.phases[f] - s.before;
    const CellRange inside(shift, s.step, s.columns, s.width);
    T* dst = s.dst + f * s.width;
    for (int64_t r = 0; r < s.staged_rows; ++r, dst += line) {
      const int64_t row = s.first_row + r * s.row_step;
      if (row < 0 || row >= s.rows) {
        fill_zeros(dst, s.width);
      } else {
        stage_strided_row(s.x + row * s.columns, inside, shift, s.step, s.width, dst);
      }
    }
  }
}

// Cells [begin, end) of a row of all channels, transposed in blocks.
template <class T>
void transpose_cells(const ChannelsLastStage<T>& s, const T* x, int64_t begin, int64_t end, T* dst) {
  constexpr int size = Vec<T>::size;
  const int64_t plane = s.rows * s.columns;
  for (int64_t u = begin; u < end; u += size) {
    const int64_t steps = smaller(end - u, size);
    for (int64_t c = 0; c < s.channels; c += size) {
      const int64_t width = smaller(s.channels - c, size);
      pack_block(x + c * plane + u - s.before, plane, width, steps, dst + u * s.channels + c, s.channels, width);
    }
  }
}

template <class T>
void stage_row_channels_last(const ChannelsLastStage<T>& s, const T* x, T* dst) {
  const CellRange inside(-s.before, s.step, s.columns, s.width);
  fill_zeros(dst, inside.begin * s.channels);
  if (s.step == 1 && s.channels == 1) {
    copy_values(x + inside.begin - s.before, dst + inside.begin, inside.end - inside.begin);
  } else if (s.step == 1) {
    transpose_cells(s, x, inside.begin, inside.end, dst);
  } else {
    for (int64_t u = inside.begin; u < inside.end; ++u) {
      const T* cell = x + u * s.step - s.before;
      for (int64_t c = 0; c < s.channels; ++c) dst[u * s.channels + c] = cell[c * s.rows * s.columns];
    }
  }
  fill_zeros(dst + inside.end * s.channels, (s.width - inside.end) * s.channels);
}

template <class T>
void stage_channels_last(const ChannelsLastStage<T>& s) {
  T* dst = s.dst;
  for (int64_t r = 0; r < s.staged_rows; ++r, dst += s.width * s.channels) {
    const int64_t row = s.first_row + r * s.row_step;
    if (row < 0 || row >= s.rows) {
      fill_zeros(dst, s.width * s.channels);
    } else {
      stage_row_channels_last(s, s.x + row * s.columns, dst);
    }
  }
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
