// What forward and grad_x have in common: banks of filters slid over planes, for every image and group
//   y[m][i][j] = bias[m] + sum over c, a, b of weight[m][c][a][b] * x[c][i * sh - top + a * dh][j * sw - left + b * dw]
// with zeros outside of x. A negative `before` of an axis crops instead; y may lie in every step-th cell of its
// plane. Inside a group m runs over `filters` and c over `channels`.
#pragma once

#include <vector>

#include "cpu/aligned_buffer.h"
#include "cpu/conv2d_band.h"
#include "ops/conv2d.h"

namespace fastnn::cpu {

template <class T>
struct Correlation {
  int64_t images, groups, filters, channels;
  WindowAxis h, w;
  const T* x;       // (images, groups * channels, h.size, w.size)
  const T* weight;  // (groups * filters, channels, h.kernel, w.kernel)
  const T* bias;    // (groups * filters,) or null
  bool relu;
  T* y;  // cell (0, 0) of the first plane
  int64_t y_plane, y_line, y_step;

  int64_t taps() const { return h.kernel * w.kernel; }
  int64_t depth() const { return channels * taps(); }
  int64_t rows() const { return images * h.output; }
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

// Forward without an output: where the windows of grad_weight read.
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
  return c;
}

// Where the columns under an output row are copied to: sorted into phases, so that the cells which neighbouring
// outputs see through one tap lie side by side whatever the stride.
struct ColumnLayout {
  std::vector<int64_t> phases, tap;  // tap[b]: copied column of output 0 under tap b
  int64_t width;                     // of a phase

  explicit ColumnLayout(const WindowAxis& axis);
};

// The input of a band as the kernels read it: x itself where no window reaches over its border or strides over
// columns, or else padded copies.
template <class T>
class BandInput {
 public:
  // For bands of at most `rows` rows and loads of at most `channels` channels.
  BandInput(const Correlation<T>& correlation, int64_t rows, int64_t channels);

  // Channels [first, last) of a group.
  void load(const Band& band, int64_t group, int64_t first, int64_t last);

  const T* data() const { return data_; }
  bool readable() const { return staging_; }  // a vector past the end of each row may be read
  int64_t row_offset(int64_t row) const {
    const int64_t part = band_.part_of(row), skipped = staging_ ? band_.first_output(part) : 0;
    return part * part_ + (row % band_.outputs - skipped) * row_line_;
  }
  int64_t row_line() const { return row_line_; }  // between output rows of one image
  // Of lines [first, first + count) of the im2col matrix, counted from the first loaded channel.
  void line_offsets(int64_t first, int64_t count, int64_t* offsets) const;

 private:
  void stage(int64_t group, int64_t first, int64_t last);

  const Correlation<T>& c_;
  bool staging_;
  ColumnLayout columns_;
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

}  // namespace fastnn::cpu
