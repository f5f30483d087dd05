// Both ways work on whole rows: the output cells of a row whose tap lies inside the input are one range, known
// beforehand, so no element is checked, and stride 1 moves them all at once. col2im gathers: it writes each row
// of x once, from all the rows of columns that hold cells of it, in their order.
#include "ops/im2col.h"

#include <algorithm>

#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t elements_per_task = 1 << 15;

int64_t divide_up(int64_t a, int64_t b) { return a / b + (a % b > 0); }

// The output cells [begin, end) of an axis that see the input, not the padding, through `tap`.
struct Seen {
  int64_t begin, end;

  Seen(const WindowAxis& axis, int64_t tap) {
    const int64_t shift = axis.before - tap * axis.dilation;
    end = std::clamp<int64_t>(divide_up(axis.size + shift, axis.stride), 0, axis.output);
    begin = std::clamp<int64_t>(divide_up(shift, axis.stride), 0, end);
  }
};

int64_t tasks_of(int64_t elements) { return std::max<int64_t>(1, elements_per_task / std::max<int64_t>(1, elements)); }

// One tap of a plane: a row of columns.
template <class T>
void gather_tap(const Window& window, int64_t tap_h, int64_t tap_w, const T* x, T* row) {
  const WindowAxis &h = window.h, &w = window.w;
  const Seen seen_h(h, tap_h), seen_w(w, tap_w);
  const int64_t first = w.first(seen_w.begin) + tap_w * w.dilation;
  for (int64_t p = 0; p < h.output; ++p, row += w.output) {
    if (p < seen_h.begin || p >= seen_h.end) {
      std::fill_n(row, w.output, T(0));
      continue;
    }
    const T* source = x + (h.first(p) + tap_h * h.dilation) * w.size + first;
    std::fill_n(row, seen_w.begin, T(0));
    if (w.stride == 1) {
      std::copy_n(source, seen_w.end - seen_w.begin, row + seen_w.begin);
    } else {
      for (int64_t q = seen_w.begin; q < seen_w.end; ++q, source += w.stride) row[q] = *source;
    }
    std::fill(row + seen_w.end, row + w.output, T(0));
  }
}

// What each tap of a row sees; found once, because it takes divisions.
std::vector<Seen> seen_by_taps(const WindowAxis& axis) {
  std::vector<Seen> seen;
  for (int64_t tap = 0; tap < axis.kernel; ++tap) seen.emplace_back(axis, tap);
  return seen;
}

// x row += what the taps of one kernel row hold of it, `tap_step` apart; columns is the row of output cells under
// the first one.
template <class T>
void add_taps(const WindowAxis& w, const std::vector<Seen>& seen, int64_t tap_step, const T* columns, T* x) {
  int64_t start = -w.before;
  for (const Seen& cells : seen) {
    T* target = x + start + cells.begin * w.stride;
    const int64_t count = cells.end - cells.begin;
    const T* source = columns + cells.begin;
    if (w.stride == 1) {
      for (int64_t q = 0; q < count; ++q) target[q] += source[q];
    } else {
      for (int64_t q = 0; q < count; ++q) target[q * w.stride] += source[q];
    }
    columns += tap_step;
    start += w.dilation;
  }
}

// Row `at` of a plane of x.
template <class T>
void sum_row(const Window& window, const std::vector<Seen>& seen, int64_t at, const T* columns, T* x) {
  const WindowAxis& h = window.h;
  const int64_t length = h.output * window.w.output;
  std::fill_n(x, window.w.size, T(0));
  for (int64_t tap = 0; tap < h.kernel; ++tap) {
    const int64_t position = at + h.before - tap * h.dilation, p = position / h.stride;
    if (position >= 0 && position % h.stride == 0 && p < h.output) {
      add_taps(window.w, seen, length, columns + tap * window.w.kernel * length + p * window.w.output, x);
    }
  }
}

}  // namespace

template <class T>
void im2col(const Im2ColSize& size, const T* x, T* columns) {
  const Window& window = size.window;
  const int64_t plane = window.h.size * window.w.size, taps = size.taps(), length = size.length();
  parallel_for(size.batch * size.channels * taps, tasks_of(length), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t tap = row % taps;
      gather_tap(window, tap / window.w.kernel, tap % window.w.kernel, x + row / taps * plane, columns + row * length);
    }
  });
}

template <class T>
void col2im(const Im2ColSize& size, const T* columns, T* x) {
  if (size.batch == 0) return;
  const Window& window = size.window;
  const std::vector<Seen> seen = seen_by_taps(window.w);
  const int64_t H = window.h.size, W = window.w.size, taps = size.taps(), length = size.length();
  parallel_for(size.batch * size.channels * H, tasks_of(W * taps), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      sum_row(window, seen, row % H, columns + row / H * taps * length, x + row * W);
    }
  });
}

#define INSTANTIATE(T)                                   \
  template void im2col(const Im2ColSize&, const T*, T*); \
  template void col2im(const Im2ColSize&, const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cpu
