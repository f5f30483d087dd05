#include "cpu/conv2d_correlation.h"
#include "cpu/dispatch.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t slack = 64;  // elements, as many as any vector has: kernels may read past the last row

// No window reaches over the border.
bool is_inside(const WindowAxis& axis) {
  return axis.before <= 0 && (axis.output - 1) * axis.stride - axis.before + axis.span() <= axis.size;
}

}  // namespace

ColumnLayout::ColumnLayout(const WindowAxis& axis, ColumnOrder order) : step(axis.stride), output_step(1) {
  if (order == ColumnOrder::as_they_lie) {
    phases.push_back(0);
    for (int64_t b = 0; b < axis.kernel; ++b) tap.push_back(b * axis.dilation);
    width = reach(axis, axis.output);
    std::swap(step, output_step);
    return;
  }
  for (int64_t b = 0; b < std::min(axis.kernel, axis.stride); ++b) {
    const int64_t phase = b * axis.dilation % axis.stride;
    if (std::find(phases.begin(), phases.end(), phase) == phases.end()) phases.push_back(phase);
  }
  width = axis.output + (axis.kernel - 1) * axis.dilation / axis.stride;
  const bool each = static_cast<int64_t>(phases.size()) * width > axis.kernel * axis.output;
  if (each) {
    phases.clear();
    width = axis.output;
  }
  for (int64_t b = 0; b < axis.kernel; ++b) {
    const int64_t cell = b * axis.dilation;
    if (each) phases.push_back(cell);
    const auto phase = std::find(phases.begin(), phases.end(), each ? cell : cell % axis.stride) - phases.begin();
    tap.push_back(phase * width + (each ? 0 : cell / axis.stride));
  }
}

template <class T>
BandInput<T>::BandInput(const Correlation<T>& c, int64_t rows, int64_t channels, ColumnOrder order, bool always_copied)
    : c_(c),
      columns_(c.w, order),
      staging_(always_copied || columns_.step != 1 || !is_inside(c.h) || !is_inside(c.w)),
      rows_(layout_copies(c.h, std::min(rows, c.h.output), 1)),
      part_(0),
      channel_(0),
      tap_line_(0),
      row_line_(0),
      buffer_(staging_ ? most_parts(rows, c.h.output) * channels * rows_.cells() *
                                 static_cast<int64_t>(columns_.phases.size()) * columns_.width +
                             slack
                       : 0) {
  if (staging_) {
    const int64_t line = static_cast<int64_t>(columns_.phases.size()) * columns_.width;
    channel_ = rows_.cells() * line;
    part_ = channels * channel_;
    tap_line_ = rows_.tap_step * line;
    row_line_ = rows_.output_step * line;
  } else {
    for (int64_t b = 0; b < c.w.kernel; ++b) columns_.tap[static_cast<size_t>(b)] = b * c.w.dilation;
    channel_ = c.h.size * c.w.size;
    part_ = c.groups * c.channels * channel_;
    tap_line_ = c.h.dilation * c.w.size;
    row_line_ = c.h.stride * c.w.size;
  }
}

template <class T>
void BandInput<T>::load(const Band& band, int64_t group, int64_t first, int64_t last) {
  band_ = band;
  if (staging_) return stage(group, first, last);
  data_ = c_.x + ((band.image() * c_.groups + group) * c_.channels + first) * channel_ - c_.h.before * c_.w.size -
          c_.w.before;
}

template <class T>
void BandInput<T>::stage(int64_t group, int64_t first, int64_t last) {
  data_ = buffer_.data();
  const int64_t plane = c_.h.size * c_.w.size;
  PlaneStage<T> s{};
  s.rows = c_.h.size;
  s.columns = c_.w.size;
  s.row_step = rows_.input_step;
  s.before = c_.w.before;
  s.step = columns_.step;
  s.phases = columns_.phases.data();
  s.phase_count = static_cast<int64_t>(columns_.phases.size());
  s.width = columns_.width;
  for (int64_t part = 0; part < band_.parts(); ++part) {
    const int64_t outputs = band_.end_output(part) - band_.first_output(part);
    const T* x = c_.x + ((band_.image() + part) * c_.groups + group) * c_.channels * plane;
    for (int64_t channel = first; channel < last; ++channel) {
      for (int64_t copy = 0; copy < rows_.copies; ++copy) {
        s.x = x + channel * plane;
        s.next = channel + 1 < last ? plane : 0;
        s.first_row = c_.h.first(band_.first_output(part)) + copy * c_.h.dilation;
        s.staged_rows = rows_.shared ? reach(c_.h, outputs) : outputs;
        s.dst = buffer_.data() + part * part_ + (channel - first) * channel_ + copy * tap_line_;
        kernels<T>().conv2d.stage_plane(s);
      }
    }
  }
}

template <class T>
void BandInput<T>::line_offsets(int64_t first, int64_t count, int64_t* offsets) const {
  int64_t plane = 0, a = first % c_.taps() / c_.w.kernel, b = first % c_.w.kernel;
  for (int64_t* const end = offsets + count; offsets != end; ++offsets) {
    *offsets = plane + a * tap_line_ + columns_.tap[static_cast<size_t>(b)];
    if (++b < c_.w.kernel) continue;
    b = 0;
    if (++a < c_.h.kernel) continue;
    a = 0;
    plane += channel_;
  }
}

template class BandInput<float>;
template class BandInput<double>;

}  // namespace fastnn::cpu
