// Both axes follow one rule, so a padded row is copied from one row of x: its middle at once, its ends cell by
// cell. The backward gathers: it writes each row of grad_x once, from the few padded rows that are copies of it.
#include "ops/pad.h"

#include <algorithm>
#include <vector>

#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t elements_per_task = 1 << 15;

struct Plane {
  PadAxis h, w;
  PaddingMode mode;
  std::vector<int64_t> left, right;  // the columns of x that are copied there

  Plane(PaddingMode m, int64_t H, int64_t W, const Sides& s)
      : h{m, H, s.top, s.bottom}, w{m, W, s.left, s.right}, mode(m) {}
  // Once, and not for each row again, a third of whose time that was.
  void find_columns() {
    for (int64_t j = w.begin(); j < 0; ++j) left.push_back(w.source(j));
    for (int64_t j = w.size; j < w.end(); ++j) right.push_back(w.source(j));
  }
  bool copies() const { return copies_cells(mode); }
  int64_t padded() const { return h.padded() * w.padded(); }
};

// In double and eight partial sums, so that a plane of any size costs no accuracy in float32.
template <class T>
double sum(const T* x, int64_t n) {
  double partial[8] = {};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int64_t lane = 0; lane < 8; ++lane) partial[lane] += static_cast<double>(x[i + lane]);
  }
  double total = 0;
  for (; i < n; ++i) total += static_cast<double>(x[i]);
  for (const double part : partial) total += part;
  return total;
}

template <class T>
void copy_row(const Plane& p, const T* x, T* padded) {
  for (const int64_t j : p.left) *padded++ = x[j];
  padded = std::copy(x + p.w.kept_begin(), x + p.w.kept_end(), padded);
  for (const int64_t j : p.right) *padded++ = x[j];
}

template <class T>
void fill_row(const PadAxis& w, const T* x, T value, T* padded) {
  const int64_t first = w.kept_begin(), last = w.kept_end();
  T* middle = std::fill_n(padded, std::max<int64_t>(0, w.before), value);
  std::fill_n(std::copy(x + first, x + last, middle), std::max<int64_t>(0, w.after), value);
}

template <class T>
void pad_plane(const Plane& p, const T* x, T value, T* padded) {
  if (p.mode == PaddingMode::mean)
    value = static_cast<T>(sum(x, p.h.size * p.w.size) / static_cast<double>(p.h.size * p.w.size));
  for (int64_t i = p.h.begin(); i < p.h.end(); ++i, padded += p.w.padded()) {
    if (p.copies()) {
      copy_row(p, x + p.h.source(i) * p.w.size, padded);
    } else if (i >= 0 && i < p.h.size) {
      fill_row(p.w, x + i * p.w.size, value, padded);
    } else {
      std::fill_n(padded, p.w.padded(), value);
    }
  }
}

// grad_x += the cells of one padded row, the ones at its ends where they were copied from.
template <class T>
void add_row(const PadAxis& w, bool copies, const T* grad_padded, T* grad_x) {
  const int64_t begin = w.begin(), first = w.kept_begin(), last = w.kept_end();
  for (int64_t j = begin; copies && j < 0; ++j) grad_x[w.source(j)] += grad_padded[j - begin];
  for (int64_t j = first; j < last; ++j) grad_x[j] += grad_padded[j - begin];
  for (int64_t j = w.size; copies && j < w.end(); ++j) grad_x[w.source(j)] += grad_padded[j - begin];
}

// The sum over the cells outside the plane.
template <class T>
double sum_outside(const Plane& p, const T* grad_padded) {
  double total = 0;
  for (int64_t i = p.h.begin(); i < p.h.end(); ++i, grad_padded += p.w.padded()) {
    if (i < 0 || i >= p.h.size) {
      total += sum(grad_padded, p.w.padded());
    } else {
      total += sum(grad_padded, std::max<int64_t>(0, p.w.before));
      total += sum(grad_padded + p.w.padded() - std::max<int64_t>(0, p.w.after), std::max<int64_t>(0, p.w.after));
    }
  }
  return total;
}

template <class T>
void pad_plane_backward(const Plane& p, const T* grad_padded, T* grad_x) {
  T share = T(0);
  if (p.mode == PaddingMode::mean) {
    share = static_cast<T>(sum_outside(p, grad_padded) / static_cast<double>(p.h.size * p.w.size));
  }
  for (int64_t r = 0; r < p.h.size; ++r, grad_x += p.w.size) {
    std::fill_n(grad_x, p.w.size, share);
    const auto add = [&](int64_t i) {
      add_row(p.w, p.copies(), grad_padded + (i - p.h.begin()) * p.w.padded(), grad_x);
    };
    const PadAxis::Copies copies = p.h.copies(r);
    for (int64_t i = copies.before_begin; i < copies.before_end; ++i) add(i);
    if (p.h.keeps(r)) add(r);
    for (int64_t i = copies.after_begin; i < copies.after_end; ++i) add(i);
  }
}

int64_t planes_per_task(const Plane& p) {
  return std::max<int64_t>(1, elements_per_task / std::max<int64_t>(1, p.padded()));
}

}  // namespace

template <class T>
void pad_planes(PaddingMode mode, int64_t planes, int64_t H, int64_t W, const Sides& sides, const T* x, T* padded,
                T value) {
  Plane plane(mode, H, W, sides);
  if (planes == 0 || plane.padded() == 0) return;
  if (plane.copies()) plane.find_columns();
  parallel_for(planes, planes_per_task(plane), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) pad_plane(plane, x + i * H * W, value, padded + i * plane.padded());
  });
}

template <class T>
void pad_planes_backward(PaddingMode mode, int64_t planes, int64_t H, int64_t W, const Sides& sides,
                         const T* grad_padded, T* grad_x) {
  const Plane plane(mode, H, W, sides);
  if (planes * H * W == 0) return;
  parallel_for(planes, planes_per_task(plane), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      pad_plane_backward(plane, grad_padded + i * plane.padded(), grad_x + i * H * W);
    }
  });
}

#define INSTANTIATE(T)                                                                             \
  template void pad_planes(PaddingMode, int64_t, int64_t, int64_t, const Sides&, const T*, T*, T); \
  template void pad_planes_backward(PaddingMode, int64_t, int64_t, int64_t, const Sides&, const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cpu
