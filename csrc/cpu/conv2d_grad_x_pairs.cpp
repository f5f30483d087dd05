// grad_x of a depthwise 3 x 3 convolution of stride 2, a band of rows after the other: the four phases that the
// stride cuts it into are too little work each to read grad_output and to write every second cell for.
#include "cpu/aligned_buffer.h"
#include "cpu/conv2d_parts.h"
#include "cpu/dispatch.h"
#include "cpu/gemm_blocks.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t slack = 64;  // elements, as many as any vector has: kernels read past the last row
constexpr int64_t band_cells = 1 << 14, cells_per_task = 1 << 15;

// Outputs with room for those that windows before and behind the plane would have, were there any: the cells of
// an axis see outputs from first(axis) on.
struct Staged {
  int64_t rows, width;

  static int64_t first(int64_t cell) { return cell / 2 - 1; }
  static int64_t count(int64_t cells) { return cells / 2 + 3; }
  Staged(int64_t band_rows, int64_t columns) : rows(count(band_rows)), width(count(columns)) {}
};

template <class T>
void stage_outputs(const Conv2dSize& s, const T* plane, int64_t row, const Staged& staged, T* to) {
  constexpr int64_t phase = 0;
  const WindowAxis &h = s.window.h, &w = s.window.w;
  kernels<T>().conv2d.stage_plane({.x = plane,
                                   .rows = h.output,
                                   .columns = w.output,
                                   .first_row = Staged::first(row + h.before),
                                   .row_step = 1,
                                   .staged_rows = staged.rows,
                                   .before = -Staged::first(w.before),
                                   .step = 1,
                                   .phases = &phase,
                                   .phase_count = 1,
                                   .width = staged.width,
                                   .dst = to});
}

}  // namespace

bool has_grad_x_in_pairs(const Conv2dSize& s) {
  const auto fits = [](const WindowAxis& a) { return a.kernel == 3 && a.stride == 2 && a.dilation == 1; };
  return s.groups == s.channels && s.groups == s.out_channels && fits(s.window.h) && fits(s.window.w);
}

template <class T>
void conv2d_grad_x_in_pairs(const Conv2dSize& s, const T* grad_output, const T* weight, T* grad_x) {
  const WindowAxis &h = s.window.h, &w = s.window.w;
  const int64_t band_rows = std::clamp<int64_t>(band_cells / w.size, 1, h.size), bands = ceil_div(h.size, band_rows);
  const Staged staged(band_rows, w.size);
  parallel_for(s.batch * s.channels * bands, std::max<int64_t>(1, cells_per_task / (band_rows * w.size)),
               [&](int64_t begin, int64_t end) {
                 AlignedBuffer<T> outputs(staged.rows * staged.width + slack);
                 for (int64_t i = begin; i < end; ++i) {
                   const int64_t row = i % bands * band_rows, plane = i / bands;
                   stage_outputs(s, grad_output + plane * h.output * w.output, row, staged, outputs.data());
                   kernels<T>().conv2d.spread_pairs({.grad = outputs.data(),
                                                     .line = staged.width,
                                                     .weight = weight + plane % s.channels * 9,
                                                     .odd_row = (row + h.before) % 2 == 1,
                                                     .odd_column = w.before % 2 == 1,
                                                     .grad_x = grad_x + (plane * h.size + row) * w.size,
                                                     .rows = std::min(band_rows, h.size - row),
                                                     .columns = w.size});
                 }
               });
}

template void conv2d_grad_x_in_pairs(const Conv2dSize&, const float*, const float*, float*);
template void conv2d_grad_x_in_pairs(const Conv2dSize&, const double*, const double*, double*);

}  // namespace fastnn::cpu
