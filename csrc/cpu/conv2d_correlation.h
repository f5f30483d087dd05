// What forward and grad_x have in common: banks of filters slid over planes, for every image and group
//   y[m][i][j] = bias[m] + sum over c, a, b of weight[m][c][a][b] * x[c][i * sh - top + a * dh][j * sw - left + b * dw]
// with zeros outside of x. A negative `before` of an axis crops instead; y may lie in every step-th cell of its
// plane. Inside a group m runs over `filters` and c over `channels`.
#pragma once

#include <vector>

#include "cpu/aligned_buffer.h"
#include "cpu/conv2d_band.h"
#include "cpu/gemm_blocks.h"
#include "cpu/parallel.h"
#include "ops/conv2d.h"

namespace fastnn::cpu {

inline constexpr int64_t most_terms = 288;  // 32 channels under 3x3 taps

template <class T>
struct Correlation {
  int64_t images, groups, filters, channels;
  WindowAxis h, w;
  const T* x;  // (images, groups * channels, h.size, w.size)
  // (groups * filters, channels, h.kernel, w.kernel); or turned, (groups * channels, filters, h.kernel, w.kernel) with
  // its taps from the last to the first, which only those ways read that reads_turned names.
  const T* weight;
  bool turned;
  bool winograd;  // whether sums may be taken by Winograd's transforms
  const T* bias;  // (groups * filters,) or null
  bool relu;
  T* y;  // cell (0, 0) of the first plane
  int64_t y_plane, y_line, y_step;

  int64_t taps() const { return h.kernel * w.kernel; }
  int64_t depth() const { return channels * taps(); }
  int64_t rows() const { return images * h.output; }
  // Terms of a sum that are added at a stretch: whole channels, so that each is copied once, and few enough for
  // a gathered panel of them to stay in L1. Depends on shapes alone, as the bits of a sum do on it.
  int64_t k_block() const {
    const int64_t most = most_terms / taps();
    return most == 0
               ? k_block_size(depth())
               : std::max<int64_t>(1, ceil_div(channels, std::max<int64_t>(1, ceil_div(channels, most)))) * taps();
  }
  double flops() const {
    return 2.0 * static_cast<double>(groups * filters) * static_cast<double>(depth()) *
           static_cast<double>(rows() * w.output);
  }
  T* y_of(int64_t image, int64_t group, int64_t filter) const {
    return y + ((image * groups + group) * filters + filter) * y_plane;
  }
};

template <class T>
void correlate(const Correlation<T>& correlation);

// As many threads as get a piece of work that is worth waking one.
template <class T>
int64_t useful_threads(const Correlation<T>& c) {
  constexpr double least_flops = 1 << 20;
  return std::clamp<int64_t>(static_cast<int64_t>(std::min(c.flops() / least_flops, 1e6)), 1, num_threads());
}

// Forward without weights and an output: where the windows read.
template <class T>
Correlation<T> windows_of(const Conv2dSize& s, const T* x) {
  Correlation<T> c{};
  c.images = s.batch;
  c.groups = s.groups;
  c.filters = s.out_channels / s.groups;
  c.channels = s.channels / s.groups;
  c.h = s.window.h;
  c.w = s.window.w;
  c.x = x;
  c.winograd = s.algorithm == Conv2dAlgorithm::winograd;
  return c;
}

enum class ColumnOrder { as_they_lie, by_phase };

// Where the columns under an output row are copied to: as they lie, or sorted into phases, so that the cells
// which neighbouring outputs see through one tap lie side by side whatever the stride.
struct ColumnLayout {
  std::vector<int64_t> phases, tap;  // tap[b]: copied column of output 0 under tap b
  int64_t width;                     // of a phase
  int64_t step;                      // input columns between the columns of a phase
  int64_t output_step;               // copied columns between outputs

  ColumnLayout(const WindowAxis& axis, ColumnOrder order);
};

// The input of a band as the kernels read it: x itself where no window reaches over its border or strides over
// columns that are wanted side by side, or else padded copies.
template <class T>
class BandInput {
 public:
  // For bands of at most `rows` rows and loads of at most `channels` channels. always_copied: readable() in any case.
  BandInput(const Correlation<T>& correlation, int64_t rows, int64_t channels,
            ColumnOrder order = ColumnOrder::by_phase, bool always_copied = false);

  // Channels [first, last) of a group.
  void load(const Band& band, int64_t group, int64_t first, int64_t last);

  const T* data() const { return data_; }
  bool readable() const { return staging_; }  // a vector past the end of each row may be read
  int64_t row_offset(int64_t row) const {
    const int64_t part = band_.part_of(row), skipped = staging_ ? band_.first_output(part) : 0;
    return part * part_ + (row % band_.outputs - skipped) * row_line_;
  }
  int64_t row_line() const { return row_line_; }  // between output rows of one image
  int64_t column_step() const { return columns_.output_step; }
  // Of lines [first, first + count) of the im2col matrix, counted from the first loaded channel.
  void line_offsets(int64_t first, int64_t count, int64_t* offsets) const;

 private:
  void stage(int64_t group, int64_t first, int64_t last);

  const Correlation<T>& c_;
  ColumnLayout columns_;
  bool staging_;
  CopyLayout rows_;
  int64_t part_, channel_, tap_line_, row_line_;
  AlignedBuffer<T> buffer_;
  const T* data_ = nullptr;
  Band band_{0, 0, 1};
};

extern template class BandInput<float>;
extern template class BandInput<double>;

// Convolution without a matrix product, for filters that share little input. Chosen by shapes alone, since its
// sums are not cut into blocks.
template <class T>
bool prefers_direct(const Correlation<T>& c) {
  return c.filters <= 2 && c.depth() <= 128;
}
template <class T>
void correlate_directly(const Correlation<T>& correlation);

// Few filters on many planes, with the bits of the matrix product.
template <class T>
bool prefers_bank(const Correlation<T>& correlation);
template <class T>
void correlate_by_bank(const Correlation<T>& correlation);

// The matrix product with filters as lanes, which gives the same bits as the one with cells as lanes.
template <class T>
bool prefers_cells(const Correlation<T>& correlation);
template <class T>
void correlate_by_cells(const Correlation<T>& correlation);
// A 1x1 filter to planes of some panels' cells: cells as lanes are copied by whole vectors and stored as they lie.
template <class T>
bool is_plain_product(const Correlation<T>& correlation);

// Winograd's F(2x2, 3x3), where it is allowed and spares more than its transforms cost; by the shapes of an image
// alone. For all three sums of a convolution.
template <class T>
bool goes_by_winograd(const Correlation<T>& correlation);
template <class T>
void correlate_by_winograd(const Correlation<T>& correlation);

// The ways that a correlation may go, of which shapes alone choose one.
enum class CorrelationWay { winograd, direct, bank, cells, product };

template <class T>
CorrelationWay way_of(const Correlation<T>& c) {
  if (goes_by_winograd(c)) return CorrelationWay::winograd;
  if (prefers_direct(c)) return CorrelationWay::direct;
  if (prefers_bank(c)) return CorrelationWay::bank;
  return prefers_cells(c) && !is_plain_product(c) ? CorrelationWay::cells : CorrelationWay::product;
}
// Whether the way that correlate takes reads turned weights.
template <class T>
bool reads_turned(const Correlation<T>& c) {
  const CorrelationWay way = way_of(c);
  return way == CorrelationWay::winograd || (way == CorrelationWay::cells && c.taps() <= most_terms);
}

}  // namespace fastnn::cpu
