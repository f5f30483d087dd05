// A correlation as a matrix product: weight (filters x depth) times the im2col matrix (depth x cells), whose
// panels are gathered from the planes just before the register tile reads them, and never stored. Cells are
// counted through all images, so that planes smaller than a panel fill it, too. Threads get runs of panels.
#include <optional>

#include "cpu/conv2d_correlation.h"
#include "cpu/dispatch.h"
#include "cpu/gemm_blocks.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t unit_elements = 1 << 16;  // of C, so that it stays in L2
constexpr int64_t least_unit_columns = 512, most_unit_columns = 2048;

template <class T>
bool is_y_far(const Correlation<T>& c) {
  return c.images * c.groups * c.filters * c.y_plane > far_elements<T>;
}

// The weights in the order in which the register tile reads them: [group][block of k][tile][k][row].
template <class T>
class PackedWeights {
 public:
  explicit PackedWeights(const Correlation<T>& c)
      : depth_(c.depth()), group_(round_up(c.filters, kernels<T>().gemm.tile_rows) * depth_), data_(c.groups * group_) {
    const auto& gemm = kernels<T>().gemm;
    const int64_t k_block = c.k_block(), blocks = ceil_div(depth_, k_block);
    const int64_t tiles = ceil_div(c.filters, gemm.tile_rows), each = tiles * gemm.tile_rows * k_block;
    parallel_for(c.groups * blocks * tiles, std::max<int64_t>(1, (1 << 15) * tiles / each),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i) {
                     const int64_t tile = i % tiles, q = i / tiles % blocks * k_block, group = i / tiles / blocks;
                     const int64_t row = tile * gemm.tile_rows, depth = std::min(k_block, depth_ - q);
                     const T* from = c.weight + (group * c.filters + row) * depth_ + q;
                     gemm.pack_a(from, depth_, 1, std::min(gemm.tile_rows, c.filters - row), depth,
                                 data_.data() + group * group_ + (q * tiles + tile * depth) * gemm.tile_rows);
                   }
                 });
  }
  const T* at(int64_t group, int64_t tile_count, int64_t q, int64_t tile, int64_t depth) const {
    const int64_t rows = kernels<T>().gemm.tile_rows;
    return data_.data() + group * group_ + (q * tile_count + tile * depth) * rows;
  }

 private:
  int64_t depth_, group_;
  AlignedBuffer<T> data_;
};

// What one thread works on at a time: some columns (cells) and rows (filters) of C.
struct Unit {
  int64_t group, first_column, last_column, first_filter, last_filter;
};

template <class T>
class UnitProduct {
 public:
  UnitProduct(const Correlation<T>& c, const PackedWeights<T>* packed, const Unit& unit)
      : c_(c),
        packed_(packed),
        unit_(unit),
        band_{unit.first_column / c.w.output, (unit.last_column - 1) / c.w.output + 1, c.h.output},
        k_block_(c.k_block()),
        input_(c, band_.last - band_.first, std::min(c.channels, ceil_div(k_block_ - 1, c.taps()) + 1)),
        lines_(k_block_),
        panel_((k_block_ + 1) * width()),
        tiles_(width() * filters() * (k_block_ < c.depth() ? panels() : 1)) {}

  void run() {
    const int64_t taps = c_.taps();
    for (int64_t q = 0; q < c_.depth(); q += k_block_) {
      depth_ = std::min(k_block_, c_.depth() - q);
      first_ = q == 0;
      last_ = q + depth_ >= c_.depth();
      input_.load(band_, unit_.group, q / taps, ceil_div(q + depth_, taps));
      input_.line_offsets(q, depth_, lines_.data());
      set_weights(q);
      int64_t index = 0;
      for (int64_t j = unit_.first_column; j < unit_.last_column; j += width(), ++index) {
        multiply(j, std::min(width(), unit_.last_column - j), k_block_ < c_.depth() ? index : 0);
      }
    }
  }

 private:
  static int64_t width() { return kernels<T>().gemm.tile_columns; }
  int64_t panels() const { return ceil_div(unit_.last_column - unit_.first_column, width()); }
  int64_t filters() const { return unit_.last_filter - unit_.first_filter; }

  void set_weights(int64_t q) {
    const int64_t rows = kernels<T>().gemm.tile_rows;
    product_.m = filters();
    product_.k = depth_;
    product_.accumulate = !first_;
    if (packed_) {
      product_.a = packed_->at(unit_.group, ceil_div(c_.filters, rows), q, unit_.first_filter / rows, depth_);
      product_.a_row = 1;
      product_.a_k = rows;
      product_.a_tile = rows * depth_;
    } else {
      product_.a = c_.weight + (unit_.group * c_.filters + unit_.first_filter) * c_.depth() + q;
      product_.a_row = c_.depth();
      product_.a_k = 1;
      product_.a_tile = rows * c_.depth();
    }
    epilogue_.relu = c_.relu;
    epilogue_.row_bias = c_.bias ? c_.bias + unit_.group * c_.filters + unit_.first_filter : nullptr;
    product_.epilogue = last_ ? &epilogue_ : nullptr;
  }

  // The runs of `columns` cells from j on, by where they are read; those that turn out to be neighbours join.
  void find_runs(int64_t j, int64_t columns) {
    runs_.clear();
    for (int64_t column = 0; column < columns;) {
      const int64_t row = (j + column) / c_.w.output, cell = (j + column) % c_.w.output;
      const int64_t length = std::min(c_.w.output - cell, columns - column);
      const int64_t source = input_.row_offset(row) + cell;
      if (!runs_.empty() && runs_.back().source + runs_.back().length == source) {
        runs_.back().length += length;
      } else {
        runs_.push_back({column, length, source});
      }
      column += length;
    }
  }

  void multiply(int64_t j, int64_t columns, int64_t index) {
    const int64_t cells = c_.h.output * c_.w.output;
    const bool dense = c_.y_step == 1 && c_.y_line == c_.w.output && j / cells == (j + columns - 1) / cells;
    find_runs(j, columns);
    set_panel(columns);
    if (dense) {
      product_.c = c_.y_of(j / cells, unit_.group, unit_.first_filter) + j % cells;
      product_.c_row = c_.y_plane;
      product_.c_far = is_y_far(c_);
    } else {
      product_.c = tiles_.data() + index * width() * filters();
      product_.c_row = width();
      product_.c_far = false;
    }
    kernels<T>().gemm.multiply_panel(product_);
    if (!dense && last_) scatter(j, columns);
  }

  // A 1x1 filter on few tiles' rows reads the planes where they lie; all others read a gathered panel.
  void set_panel(int64_t columns) {
    const auto& kernel = kernels<T>();
    product_.n = columns;
    product_.b_column = 1;
    if (c_.taps() == 1 && runs_.size() == 1 && filters() <= 2 * kernel.gemm.tile_rows) {
      product_.b = input_.data() + runs_[0].source;
      product_.b_k = depth_ > 1 ? lines_.data()[1] - lines_.data()[0] : 0;
      product_.b_padded = false;
      return;
    }
    kernel.conv2d.gather({input_.data(), input_.readable(), lines_.data(), depth_, runs_.data(),
                          static_cast<int64_t>(runs_.size()), panel_.data()});
    product_.b = panel_.data();
    product_.b_k = width();
    product_.b_padded = true;
  }

  // A tile of cells that do not lie side by side in y, or not all in one image, goes there row by row.
  void scatter(int64_t j, int64_t columns) {
    for (int64_t column = 0; column < columns;) {
      const int64_t cell = (j + column) % c_.w.output, row = (j + column) / c_.w.output;
      const int64_t image = row / c_.h.output;
      runs_.clear();
      int64_t i = row;
      for (int64_t at = cell; column < columns && i / c_.h.output == image; ++i, at = 0) {
        const int64_t length = std::min(c_.w.output - at, columns - column);
        runs_.push_back({column, length, i % c_.h.output * c_.y_line + at * c_.y_step});
        column += length;
      }
      kernels<T>().conv2d.scatter({product_.c, width(), filters(), runs_.data(), static_cast<int64_t>(runs_.size()),
                                   c_.y_step, c_.y_of(image, unit_.group, unit_.first_filter), c_.y_plane});
    }
  }

  const Correlation<T>& c_;
  const PackedWeights<T>* packed_;
  Unit unit_;
  Band band_;
  int64_t k_block_, depth_ = 0;
  bool first_ = true, last_ = true;
  BandInput<T> input_;
  AlignedBuffer<int64_t> lines_;
  AlignedBuffer<T> panel_, tiles_;
  std::vector<Run> runs_;
  PanelProduct<T> product_{};
  Epilogue<T> epilogue_{};
};

// How the work is cut; the bits of a result do not depend on it.
struct Cut {
  int64_t columns, filters;  // of a unit
};

template <class T>
Cut choose_cut(const Correlation<T>& c) {
  const auto& gemm = kernels<T>().gemm;
  const int64_t panels = ceil_div(c.rows() * c.w.output, gemm.tile_columns);
  const int64_t threads = useful_threads(c);
  const int64_t wanted = threads == 1 ? 1 : 4 * threads;
  // Every unit copies whole rows, so a very wide row is not cut into more than eight.
  const int64_t fitting = std::clamp(unit_elements / c.filters, least_unit_columns, most_unit_columns);
  const int64_t most = std::max(fitting, c.w.output / 8) / gemm.tile_columns;
  const int64_t largest = std::clamp<int64_t>(ceil_div(panels * c.groups, wanted), 1, most);
  const auto share = [&](int64_t each) { return ceil_div(ceil_div(panels, each) * c.groups, threads) * each; };
  int64_t unit_panels = largest;  // or less, down to half, where the thread with most to do then gets less
  for (int64_t each = largest; 2 * each >= largest && each > 0; --each) {
    if (share(each) < share(unit_panels)) unit_panels = each;
  }
  const int64_t units = ceil_div(panels, unit_panels) * c.groups;
  const int64_t parts = std::clamp<int64_t>(ceil_div(threads, units), 1, ceil_div(c.filters, 2 * gemm.tile_rows));
  return {unit_panels * gemm.tile_columns, round_up(ceil_div(c.filters, parts), gemm.tile_rows)};
}

template <class T>
bool should_pack(const Correlation<T>& c) {
  const int64_t uses = ceil_div(c.rows() * c.w.output, kernels<T>().gemm.tile_columns);
  const bool fits_l1 = c.filters * c.depth() * static_cast<int64_t>(sizeof(T)) <= (16 << 10);
  return uses > 2 && (!fits_l1 || is_y_far(c));
}

template <class T>
void correlate_by_product(const Correlation<T>& c) {
  const int64_t columns = c.rows() * c.w.output;
  const Cut cut = choose_cut(c);
  const int64_t column_units = ceil_div(columns, cut.columns), filter_units = ceil_div(c.filters, cut.filters);
  std::optional<PackedWeights<T>> packed;
  if (should_pack(c)) packed.emplace(c);
  parallel_for(c.groups * filter_units * column_units, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t column = i % column_units * cut.columns, filter = i / column_units % filter_units * cut.filters;
      UnitProduct<T>(c, packed ? &*packed : nullptr,
                     {i / column_units / filter_units, column, std::min(columns, column + cut.columns), filter,
                      std::min(c.filters, filter + cut.filters)})
          .run();
    }
  });
}

}  // namespace

template <class T>
void correlate(const Correlation<T>& c) {
  if (c.rows() * c.w.output == 0) return;
  switch (way_of(c)) {
    case CorrelationWay::winograd:
      return correlate_by_winograd(c);
    case CorrelationWay::direct:
      return correlate_directly(c);
    case CorrelationWay::bank:
      return correlate_by_bank(c);
    case CorrelationWay::cells:
      return correlate_by_cells(c);
    case CorrelationWay::product:
      return correlate_by_product(c);
  }
}

template void correlate(const Correlation<float>&);
template void correlate(const Correlation<double>&);

}  // namespace fastnn::cpu
