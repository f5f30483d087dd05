// Depthwise convolution: each plane by itself, a band of rows after the other.
#include <optional>

#include "cpu/conv2d_correlation.h"
#include "cpu/conv2d_parts.h"
#include "cpu/dispatch.h"
#include "cpu/gemm_blocks.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t band_cells = 1 << 13;  // a band of a plane stays in L1 and L2
constexpr int64_t products_per_task = 1 << 19;

// Windows of 3 x 3 need no copies of their plane.
template <class T>
bool reads_in_place(const Correlation<T>& c) {
  const auto fits = [](const WindowAxis& axis) { return axis.kernel == 3 && axis.dilation == 1 && axis.stride <= 2; };
  return c.channels == 1 && fits(c.h) && fits(c.w) && c.h.stride == c.w.stride;
}

// Rows [first, last) of the windows on a plane.
template <class T>
PlaneWindows<T> windows_on_plane(const Correlation<T>& c, int64_t image, int64_t group, int64_t first, int64_t last) {
  return {c.x + (image * c.groups + group) * c.h.size * c.w.size,
          c.h.size,
          c.w.size,
          c.h.first(first),
          c.w.before,
          c.w.stride,
          last - first,
          c.w.output};
}

template <class T>
void filter_windows(const Correlation<T>& c, int64_t image, int64_t group, int64_t first, int64_t last) {
  const PlaneWindows<T> windows = windows_on_plane(c, image, group, first, last);
  for (int64_t m = 0; m < c.filters; ++m) {
    const int64_t filter = group * c.filters + m;
    kernels<T>().conv2d.filter_windows({windows, c.weight + filter * c.depth(),
                                        c.y_of(image, group, m) + first * c.y_line, c.y_line,
                                        c.bias ? c.bias + filter : nullptr, c.relu});
  }
}

template <class T>
class PlaneFilters {
 public:
  explicit PlaneFilters(const Correlation<T>& c, int64_t band_rows)
      : c_(c), input_(c, band_rows, c.channels), taps_(c.depth()) {
    input_.line_offsets(0, c.depth(), taps_.data());
  }

  void run(int64_t image, int64_t group, int64_t first, int64_t last) {
    const int64_t row = image * c_.h.output + first;
    input_.load({row, image * c_.h.output + last, c_.h.output}, group, 0, c_.channels);
    for (int64_t m = 0; m < c_.filters; ++m) {
      const int64_t filter = group * c_.filters + m;
      PlaneFilter<T> f{};
      f.src = input_.data() + input_.row_offset(row);
      f.readable = input_.readable();
      f.taps = taps_.data();
      f.weight = c_.weight + filter * c_.depth();
      f.depth = c_.depth();
      f.rows = last - first;
      f.columns = c_.w.output;
      f.src_line = input_.row_line();
      f.y = c_.y_of(image, group, m) + first * c_.y_line;
      f.y_line = c_.y_line;
      f.y_step = c_.y_step;
      f.bias = c_.bias ? c_.bias + filter : nullptr;
      f.relu = c_.relu;
      kernels<T>().conv2d.filter_plane(f);
    }
  }

 private:
  const Correlation<T>& c_;
  BandInput<T> input_;
  AlignedBuffer<int64_t> taps_;
};

// The gradients of one group's weights, lane by lane over all images.
template <class T>
class GroupProducts {
 public:
  GroupProducts(const Correlation<T>& c, int64_t band_rows)
      : c_(c), band_rows_(band_rows), taps_(c.depth()), lanes_(c.filters * c.depth() * lanes_each()) {
    if (reads_in_place(c)) return;
    copies_.emplace(c, band_rows, c.channels);
    copies_->line_offsets(0, c.depth(), taps_.data());
  }

  void run(int64_t group, const T* grad_output, T* out) {
    std::fill_n(lanes_.data(), c_.filters * c_.depth() * lanes_each(), T(0));
    for (int64_t row = 0; row < c_.rows();) {
      const int64_t image = row / c_.h.output, last = std::min(row + band_rows_, (image + 1) * c_.h.output);
      if (copies_) copies_->load({row, last, c_.h.output}, group, 0, c_.channels);
      for (int64_t m = 0; m < c_.filters; ++m) {
        const int64_t plane = (image * c_.groups + group) * c_.filters + m;
        const T* grad = grad_output + (plane * c_.h.output + row % c_.h.output) * c_.w.output;
        // The kernels space their vectors as wide as they are, which is at most lanes_each().
        add_products(image, group, row, last, grad, lanes_.data() + m * c_.depth() * lanes_each());
      }
      row = last;
    }
    for (int64_t m = 0; m < c_.filters; ++m) {
      kernels<T>().conv2d.fold_lanes(lanes_.data() + m * c_.depth() * lanes_each(), c_.depth(), out + m * c_.depth());
    }
  }

 private:
  static int64_t lanes_each() { return kernels<T>().gemm.tile_columns; }

  void add_products(int64_t image, int64_t group, int64_t row, int64_t last, const T* grad, T* lanes) {
    const int64_t first = row % c_.h.output, rows = last - row;
    if (!copies_) {
      const PlaneWindows<T> windows = windows_on_plane(c_, image, group, first, first + rows);
      return kernels<T>().conv2d.window_products({windows, grad, lanes});
    }
    const T* src = copies_->data() + copies_->row_offset(row);
    kernels<T>().conv2d.tap_products(
        {src, taps_.data(), c_.depth(), rows, c_.w.output, copies_->row_line(), grad, lanes});
  }

  const Correlation<T>& c_;
  int64_t band_rows_;
  std::optional<BandInput<T>> copies_;
  AlignedBuffer<int64_t> taps_;
  AlignedBuffer<T> lanes_;
};

template <class T>
int64_t rows_of_band(const Correlation<T>& c) {
  return std::clamp<int64_t>(band_cells / c.w.output, 1, c.h.output);
}

}  // namespace

template <class T>
void correlate_directly(const Correlation<T>& c) {
  const int64_t band_rows = rows_of_band(c);
  const int64_t bands = ceil_div(c.h.output, band_rows);
  const int64_t work = c.filters * c.depth() * band_rows * c.w.output;
  const bool in_place = reads_in_place(c) && c.y_step == 1;
  parallel_for(c.images * c.groups * bands, std::max<int64_t>(1, products_per_task / std::max<int64_t>(work, 1)),
               [&](int64_t begin, int64_t end) {
                 std::optional<PlaneFilters<T>> copies;
                 if (!in_place) copies.emplace(c, band_rows);
                 for (int64_t i = begin; i < end; ++i) {
                   const int64_t image = i / bands / c.groups, group = i / bands % c.groups;
                   const int64_t first = i % bands * band_rows, last = std::min(c.h.output, first + band_rows);
                   copies ? copies->run(image, group, first, last) : filter_windows(c, image, group, first, last);
                 }
               });
}

template <class T>
void conv2d_grad_weight_directly(const Conv2dSize& s, const T* grad_output, const T* x, bool accumulate,
                                 T* grad_weight) {
  const Correlation<T> c = windows_of(s, x);
  const int64_t work = c.filters * c.depth() * c.rows() * c.w.output;
  parallel_for(s.groups, std::max<int64_t>(1, products_per_task / std::max<int64_t>(work, 1)),
               [&](int64_t begin, int64_t end) {
                 GroupProducts<T> products(c, rows_of_band(c));
                 AlignedBuffer<T> sums(c.filters * c.depth());
                 for (int64_t group = begin; group < end; ++group) {
                   products.run(group, grad_output, sums.data());
                   T* to = grad_weight + group * c.filters * c.depth();
                   for (int64_t i = 0; i < c.filters * c.depth(); ++i) {
                     to[i] = accumulate ? to[i] + sums.data()[i] : sums.data()[i];
                   }
                 }
               });
}

template void conv2d_grad_weight_directly(const Conv2dSize&, const float*, const float*, bool, float*);
template void conv2d_grad_weight_directly(const Conv2dSize&, const double*, const double*, bool, double*);
template void correlate_directly(const Correlation<float>&);
template void correlate_directly(const Correlation<double>&);

}  // namespace fastnn::cpu
