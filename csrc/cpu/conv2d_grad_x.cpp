// grad_x is a correlation of grad_output with the flipped weights. A stride s cuts an axis into s phases: an
// input cell i = s q + r - before is seen by the taps with t * dilation = s u + r, from output q - u; each phase
// is a correlation of its own with those taps only, which costs no multiplication by a zero.
#include <numeric>
#include <type_traits>

#include "cpu/conv2d_correlation.h"
#include "cpu/conv2d_parts.h"
#include "cpu/gemm_blocks.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t channel_block = 16;

struct Phase {
  int64_t first_cell;         // of the input; the others follow `stride` apart
  std::vector<int64_t> taps;  // in the order in which the correlation meets them: the last tap first
  WindowAxis axis;            // over grad_output; its outputs are this phase's cells
};

// The phase of the cells whose distance from the first window's start leaves `rest`.
Phase make_phase(const WindowAxis& a, int64_t rest) {
  Phase phase{};
  for (int64_t t = a.kernel - 1; t >= 0; --t) {
    if (t * a.dilation % a.stride == rest) phase.taps.push_back(t);
  }
  const int64_t q = a.before > rest ? (a.before - rest + a.stride - 1) / a.stride : 0;
  phase.first_cell = q * a.stride + rest - a.before;
  const int64_t cells = phase.first_cell < a.size ? (a.size - 1 - phase.first_cell) / a.stride + 1 : 0;
  const int64_t farthest = phase.taps.empty() ? 0 : phase.taps.front() * a.dilation / a.stride;
  phase.axis = {a.output,
                static_cast<int64_t>(phase.taps.size()),
                1,
                a.dilation / std::gcd(a.dilation, a.stride),
                farthest - q,
                0,
                cells};
  return phase;
}

std::vector<Phase> make_phases(const WindowAxis& axis) {
  std::vector<Phase> phases;
  const int64_t first = axis.before % axis.stride;
  for (int64_t i = 0; i < std::min(axis.stride, axis.size); ++i) {
    phases.push_back(make_phase(axis, (first + i) % axis.stride));
  }
  return phases;
}

// to[t] = from[cell[t]]; the usual numbers of taps are known to the compiler, which halves the time.
template <class T, class Count>
void pick(const T* from, const int64_t* cell, Count count, T* to) {
  for (int64_t t = 0; t < count; ++t) to[t] = from[cell[t]];
}
template <class T>
void pick_taps(const T* from, const int64_t* cell, int64_t taps, T* to) {
  using std::integral_constant;
  if (taps == 1) return pick(from, cell, integral_constant<int64_t, 1>{}, to);
  if (taps == 2) return pick(from, cell, integral_constant<int64_t, 2>{}, to);
  if (taps == 4) return pick(from, cell, integral_constant<int64_t, 4>{}, to);
  if (taps == 9) return pick(from, cell, integral_constant<int64_t, 9>{}, to);
  pick(from, cell, taps, to);
}

// The weights of a phase as the correlation wants them: (groups * C / groups, O / groups, taps).
template <class T>
void select_weights(const Conv2dSize& s, const T* weight, const Phase& h, const Phase& w, T* selected) {
  const int64_t channels = s.channels / s.groups, filters = s.out_channels / s.groups;
  const int64_t kernel = s.window.h.kernel * s.window.w.kernel;
  std::vector<int64_t> cells;
  for (const int64_t a : h.taps) {
    for (const int64_t b : w.taps) cells.push_back(a * s.window.w.kernel + b);
  }
  const auto taps = static_cast<int64_t>(cells.size());
  const int64_t* cell = cells.data();
  // Some channels at a time, so that what is read of a filter lies side by side.
  const int64_t blocks = ceil_div(channels, channel_block);
  parallel_for(s.groups * blocks, std::max<int64_t>(1, (1 << 14) / (channel_block * filters * taps)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin * filters; i < end * filters; ++i) {
                   const int64_t o = i % filters, group = i / filters / blocks;
                   const int64_t first = i / filters % blocks * channel_block;
                   for (int64_t c = first; c < std::min(channels, first + channel_block); ++c) {
                     const T* from = weight + ((group * filters + o) * channels + c) * kernel;
                     T* to = selected + ((group * channels + c) * filters + o) * taps;
                     pick_taps(from, cell, taps, to);
                   }
                 }
               });
}

template <class T>
void clear(int64_t n, T* values) {
  parallel_for(n, 1 << 16, [&](int64_t begin, int64_t end) { std::fill(values + begin, values + end, T(0)); });
}

bool sees_nothing(const Phase& phase) { return phase.taps.empty(); }

// Without weights.
template <class T>
Correlation<T> correlation_of(const Conv2dSize& s, const Phase& h, const Phase& w, const T* grad_output, T* grad_x) {
  const int64_t H = s.window.h.size, W = s.window.w.size;
  Correlation<T> c{};
  c.images = s.batch;
  c.groups = s.groups;
  c.filters = s.channels / s.groups;
  c.channels = s.out_channels / s.groups;
  c.h = h.axis;
  c.w = w.axis;
  c.x = grad_output;
  c.y = grad_x + h.first_cell * W + w.first_cell;
  c.y_plane = H * W;
  c.y_line = s.window.h.stride * W;
  c.y_step = s.window.w.stride;
  return c;
}

template <class T>
void correlate_phases(const Conv2dSize& s, const T* grad_output, const T* weight, T* grad_x) {
  const auto rows = make_phases(s.window.h), columns = make_phases(s.window.w);
  if (std::any_of(rows.begin(), rows.end(), sees_nothing) ||
      std::any_of(columns.begin(), columns.end(), sees_nothing)) {
    clear(s.batch * s.channels * s.window.h.size * s.window.w.size, grad_x);
  }
  AlignedBuffer<T> selected(s.out_channels * (s.channels / s.groups) * s.window.h.kernel * s.window.w.kernel);
  for (const Phase& h : rows) {
    for (const Phase& w : columns) {
      if (sees_nothing(h) || sees_nothing(w)) continue;
      select_weights(s, weight, h, w, selected.data());
      Correlation<T> c = correlation_of(s, h, w, grad_output, grad_x);
      c.weight = selected.data();
      correlate(c);
    }
  }
}

}  // namespace

template <class T>
void conv2d_grad_x(const Conv2dSize& s, const T* grad_output, const T* weight, T* grad_x) {
  if (s.batch * s.window.h.size * s.window.w.size == 0) return;
  if (has_grad_x_in_pairs(s)) return conv2d_grad_x_in_pairs(s, grad_output, weight, grad_x);
  if (s.window.h.stride == 1 && s.window.w.stride == 1) {  // one phase, of all taps
    Correlation<T> c = correlation_of(s, make_phase(s.window.h, 0), make_phase(s.window.w, 0), grad_output, grad_x);
    c.weight = weight;
    c.winograd = s.algorithm == Conv2dAlgorithm::winograd;
    c.turned = reads_turned(c);
    if (c.turned) return correlate(c);
  }
  correlate_phases(s, grad_output, weight, grad_x);
}

template void conv2d_grad_x(const Conv2dSize&, const float*, const float*, float*);
template void conv2d_grad_x(const Conv2dSize&, const double*, const double*, double*);

}  // namespace fastnn::cpu
