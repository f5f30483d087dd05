// Few filters on many planes: bands of rows, through all images, and some channels after the others.
#include "cpu/conv2d_correlation.h"
#include "cpu/conv2d_panels.h"
#include "cpu/dispatch.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t most_bank_filters = 24;
constexpr int64_t unit_elements = 1 << 15;  // of copied input, so that it stays in L2

template <class T>
class BankUnit {
 public:
  BankUnit(const Correlation<T>& c, int64_t most_rows)
      : c_(c),
        k_block_(c.k_block()),
        input_(c, most_rows, std::min(c.channels, ceil_div(k_block_ - 1, c.taps()) + 1), ColumnOrder::by_phase, true),
        lines_(k_block_),
        weight_(k_block_ * c.filters),
        rows_(static_cast<size_t>(most_rows)) {}

  void run(int64_t group, const Band& band) {
    bank_.filters = c_.filters;
    bank_.columns = c_.w.output;
    bank_.row_count = band.last - band.first;
    bank_.y = c_.y_of(0, group, 0);
    bank_.y_plane = c_.y_plane;
    bank_.bias = c_.bias ? c_.bias + group * c_.filters : nullptr;
    bank_.relu = c_.relu;
    const int64_t taps = c_.taps();
    for (int64_t q = 0; q < c_.depth(); q += k_block_) {
      bank_.depth = std::min(k_block_, c_.depth() - q);
      bank_.starts = q == 0;
      bank_.ends = q + bank_.depth >= c_.depth();
      input_.load(band, group, q / taps, ceil_div(q + bank_.depth, taps));
      bank_.x = input_.data();
      input_.line_offsets(q, bank_.depth, lines_.data());
      bank_.lines = lines_.data();
      set_weights(group, q);
      if (q == 0) find_rows(band);
      kernels<T>().conv2d.filter_bank(bank_);
    }
  }

 private:
  void set_weights(int64_t group, int64_t q) {
    for (int64_t m = 0; m < c_.filters; ++m) {
      const T* from = c_.weight + (group * c_.filters + m) * c_.depth() + q;
      for (int64_t p = 0; p < bank_.depth; ++p) weight_.data()[p * c_.filters + m] = from[p];
    }
    bank_.weight = weight_.data();
  }

  void find_rows(const Band& band) {
    const int64_t image = c_.groups * c_.filters * c_.y_plane;
    for (int64_t row = band.first; row < band.last; ++row) {
      rows_[static_cast<size_t>(row - band.first)] = {input_.row_offset(row),
                                                      row / c_.h.output * image + row % c_.h.output * c_.y_line};
    }
    bank_.rows = rows_.data();
  }

  const Correlation<T>& c_;
  int64_t k_block_;
  BandInput<T> input_;
  AlignedBuffer<int64_t> lines_;
  AlignedBuffer<T> weight_;
  std::vector<CellRow> rows_;
  FilterBank<T> bank_{};
};

// Of a unit: whole images, or some rows of one.
template <class T>
int64_t rows_of_unit(const Correlation<T>& c) {
  const int64_t threads = useful_threads(c), H = c.h.output;
  const int64_t copied = ceil_div(c.k_block(), c.taps()) * reach(c.w, c.w.output) * c.h.stride;
  const int64_t wanted = ceil_div(c.rows(), threads == 1 ? 1 : 4 * threads);
  const int64_t most = std::clamp<int64_t>(unit_elements / copied, 1, wanted);
  return most < H ? most : most / H * H;
}

}  // namespace

// Where few lanes stay empty: the fewer filters there are, the more of them the spared panels pay for. Filters that
// fill two vectors and more are better lanes themselves. Cells of y must lie side by side, and one tap reads its planes
// in place as a product, too.
template <class T>
bool prefers_bank(const Correlation<T>& c) {
  const bool few = c.filters <= vector_lanes<T>() || (c.filters <= most_bank_filters && !prefers_cells(c));
  return few && c.w.output <= widest_row && c.taps() > 1 && c.taps() <= most_terms && c.y_step == 1 &&
         fills_lanes<T>(c.w.output, c.filters <= 6 ? 0.6 : 0.8);
}

template <class T>
void correlate_by_bank(const Correlation<T>& c) {
  const int64_t rows = rows_of_unit(c), units = ceil_div(c.rows(), rows);
  parallel_for(c.groups * units, 1, [&](int64_t begin, int64_t end) {
    BankUnit<T> unit(c, rows);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % units * rows;
      unit.run(i / units, {first, std::min(c.rows(), first + rows), c.h.output});
    }
  });
}

template bool prefers_bank(const Correlation<float>&);
template bool prefers_bank(const Correlation<double>&);
template void correlate_by_bank(const Correlation<float>&);
template void correlate_by_bank(const Correlation<double>&);

}  // namespace fastnn::cpu
