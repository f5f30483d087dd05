// A correlation as a matrix product whose lanes are filters: for each output row and each panel of filters, tiles
// of cells read their input where it lies. Threads get bands of rows and some of the panels.
#include "cpu/conv2d_correlation.h"
#include "cpu/conv2d_panels.h"
#include "cpu/dispatch.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t unit_elements = 1 << 16;  // of copied input, and of unfinished sums, so that they stay in L2
constexpr int64_t least_cells = 56;         // of a stretch

// The weights in the order in which the tiles read them: [group][block of k][panel][k][filter]. Turned ahead where
// several units read a panel; or else by the one that does, into scratch that stays in its cache.
template <class T>
class WeightPanels {
 public:
  WeightPanels(const Correlation<T>& c, bool ahead)
      : c_(c), ahead_(ahead), panels_(panel_count(c)), data_(ahead ? c.groups * each() * c.depth() : 0) {
    if (!ahead) return;
    const int64_t k_block = c.k_block(), blocks = ceil_div(c.depth(), k_block);
    const int64_t grain = std::max<int64_t>(1, (1 << 15) / (k_block * panel_width<T>()));
    parallel_for(c.groups * blocks * panels_, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t q = i / panels_ % blocks * k_block;
        const int64_t group = i / panels_ / blocks, panel = i % panels_, depth = std::min(k_block, c.depth() - q);
        pack_panel(c, group, q, panel, depth, data_.data() + offset(group, q, panel, depth));
      }
    });
  }
  bool ahead() const { return ahead_; }
  const T* at(int64_t group, int64_t q, int64_t panel, int64_t depth, T* scratch) const {
    if (ahead_) return data_.data() + offset(group, q, panel, depth);
    pack_panel(c_, group, q, panel, depth, scratch);
    return scratch;
  }

 private:
  int64_t each() const { return panels_ * panel_width<T>(); }
  int64_t offset(int64_t group, int64_t q, int64_t panel, int64_t depth) const {
    return (group * c_.depth() + q) * each() + panel * depth * panel_width<T>();
  }

  const Correlation<T>& c_;
  bool ahead_;
  int64_t panels_;
  AlignedBuffer<T> data_;
};

template <class T>
class CellUnit {
 public:
  CellUnit(const Correlation<T>& c, const WeightPanels<T>& weights, const PanelUnit& unit)
      : c_(c),
        weights_(weights),
        unit_(unit),
        k_block_(c.k_block()),
        input_(c, unit.band.last - unit.band.first, std::min(c.channels, ceil_div(k_block_ - 1, c.taps()) + 1),
               ColumnOrder::as_they_lie),
        lines_(k_block_),
        rows_(rows()),
        panel_(weights.ahead() ? 0 : k_block_ * panel_width<T>()),
        sums_(k_block_ < c.depth() ? (unit.last_panel - unit.first_panel) * rows() * row_sums()
                                   : stretch() * row_sums()) {}

  void run() {
    const int64_t taps = c_.taps();
    for (int64_t q = 0; q < c_.depth(); q += k_block_) {
      product_.depth = std::min(k_block_, c_.depth() - q);
      product_.accumulate = q > 0;
      last_ = q + product_.depth >= c_.depth();
      input_.load(unit_.band, unit_.group, q / taps, ceil_div(q + product_.depth, taps));
      product_.x = input_.data();
      find_lines(q);
      if (q == 0) find_rows();
      for (int64_t panel = unit_.first_panel; panel < unit_.last_panel; ++panel) multiply_panel(q, panel);
    }
  }

 private:
  int64_t rows() const { return unit_.band.last - unit_.band.first; }
  int64_t row_sums() const { return c_.w.output * panel_width<T>(); }
  bool dense() const { return c_.y_step == 1 && c_.y_line == c_.w.output; }
  // Rows that are multiplied at a stretch: several narrow ones, for tiles of many cells.
  int64_t stretch() const { return std::min(rows(), ceil_div(least_cells, c_.w.output)); }

  void find_lines(int64_t q) {
    input_.line_offsets(q, product_.depth, lines_.data());
    product_.lines = lines_.data();
    if (!c_.turned) return;
    for (int64_t k = 0; k < product_.depth; k += c_.taps()) {
      std::reverse(lines_.data() + k, lines_.data() + k + c_.taps());
    }
  }

  void find_rows() {
    for (int64_t row = 0; row < rows(); ++row) rows_.data()[row] = input_.row_offset(unit_.band.first + row);
  }

  void multiply_panel(int64_t q, int64_t panel) {
    const int64_t first = panel * panel_width<T>();
    product_.weight = weights_.at(unit_.group, q, panel, product_.depth, panel_.data());
    product_.filters = panel_filters(c_, panel);
    product_.columns = c_.w.output;
    product_.step = input_.column_step();
    product_.y_plane = c_.y_plane;
    product_.y_step = c_.y_step;
    product_.sums = sums_.data();
    if (k_block_ < c_.depth()) product_.sums += (panel - unit_.first_panel) * rows() * row_sums();
    for (int64_t row = 0; row < rows(); row += stretch()) {
      const int64_t count = std::min(stretch(), rows() - row);
      product_.rows = rows_.data() + row;
      product_.cells = count * c_.w.output;
      product_.y = last_ ? y_of(unit_.band.first + row, first) : nullptr;
      kernels<T>().conv2d.multiply_cells(product_);
      if (last_) store(unit_.band.first + row, count, first);
      if (k_block_ < c_.depth()) product_.sums += count * row_sums();
    }
  }

  T* y_of(int64_t row, int64_t filter) const {
    return c_.y_of(row / c_.h.output, unit_.group, filter) + row % c_.h.output * c_.y_line;
  }

  // As many rows at a time as lie side by side in y.
  void store(int64_t row, int64_t count, int64_t filter) {
    const T* bias = c_.bias ? c_.bias + unit_.group * c_.filters + filter : nullptr;
    const T* sums = product_.sums;
    for (const int64_t end = row + count; row < end;) {
      const int64_t together = dense() ? std::min(end - row, c_.h.output - row % c_.h.output) : 1;
      kernels<T>().conv2d.store_cells(
          {sums, together * c_.w.output, product_.filters, bias, c_.relu, y_of(row, filter), c_.y_plane, c_.y_step});
      row += together;
      sums += together * row_sums();
    }
  }

  const Correlation<T>& c_;
  const WeightPanels<T>& weights_;
  PanelUnit unit_;
  int64_t k_block_;
  bool last_ = true;
  BandInput<T> input_;
  AlignedBuffer<int64_t> lines_, rows_;
  AlignedBuffer<T> panel_, sums_;
  CellProduct<T> product_{};
};

// How the work is cut; the bits of a result do not depend on it.
struct Cut {
  int64_t rows, bands, panels, parts;  // of a unit: rows and panels; their numbers

  Band band(int64_t i, const WindowAxis& h, int64_t all) const {
    if (rows >= h.output) return {i * rows, std::min(all, (i + 1) * rows), h.output};
    const int64_t each = ceil_div(h.output, rows), image = i / each * h.output, row = i % each * rows;
    return {image + row, image + std::min(h.output, row + rows), h.output};
  }
};

// Bands of whole images, or of nearly equal parts of one, so that few rows are copied for two units.
template <class T>
void cut_rows(const Correlation<T>& c, int64_t most, Cut& cut) {
  const int64_t H = c.h.output;
  if (most >= H) {
    cut.bands = ceil_div(c.images, most / H);
    cut.rows = ceil_div(c.images, cut.bands) * H;
    cut.bands = ceil_div(c.images * H, cut.rows);
  } else {
    cut.rows = ceil_div(H, ceil_div(H, most));
    cut.bands = c.images * ceil_div(H, cut.rows);
  }
}

// What all units cost the thread that gets most of them, in multiply-adds. That a copied cell counts 50 and the
// reading of a weight 20 is derived from times of 256 planes of 7x7.
template <class T>
double cost(const Correlation<T>& c, const Cut& cut, int64_t threads) {
  const int64_t most_units = ceil_div(c.groups * cut.parts * cut.bands, threads);
  const auto rows = static_cast<double>(cut.rows), columns = static_cast<double>(c.w.output);
  const auto weights = static_cast<double>(std::min(cut.panels * panel_width<T>(), c.filters) * c.depth());
  const auto copied = static_cast<double>(c.channels * c.h.stride * reach(c.w, c.w.output));
  return static_cast<double>(most_units) * (rows * columns * weights + 50 * rows * copied + 20 * weights);
}

// Few units copy least and read weights least, many even out; units are as large as fits in any case.
template <class T>
Cut choose_cut(const Correlation<T>& c) {
  const int64_t panels = panel_count(c), k_block = c.k_block();
  const int64_t copied = ceil_div(k_block, c.taps()) * reach(c.w, c.w.output) * c.h.stride;
  const int64_t sums = k_block < c.depth() ? c.w.output * panels * panel_width<T>() : 1;
  int64_t fitting = std::max<int64_t>(1, unit_elements / std::max(copied, sums));
  if (c.rows() <= 2 * fitting) fitting = c.rows();
  const int64_t threads = useful_threads(c);
  Cut best{};
  double least = 0;
  for (int64_t each = 1; each <= (threads == 1 ? 1 : 4); each *= 2) {  // units a thread
    const int64_t wanted = ceil_div(each * threads, c.groups);
    for (int64_t parts = 1; parts <= std::min(panels, wanted); ++parts) {
      Cut cut{};
      cut.panels = ceil_div(panels, parts);
      cut.parts = ceil_div(panels, cut.panels);
      cut_rows(c, std::min(fitting, std::max<int64_t>(1, c.rows() / ceil_div(wanted, cut.parts))), cut);
      const double time = cost(c, cut, threads);
      if (best.rows == 0 || time < least) best = cut, least = time;
    }
  }
  return best;
}

}  // namespace

// Where few lanes stay empty, rows are not too wide to be the least unit, and little is copied that no tap sees.
template <class T>
bool prefers_cells(const Correlation<T>& c) {
  return fills_lanes<T>(c.filters, 0.8) && c.w.output <= widest_row && c.depth() >= 16 &&
         reach(c.w, c.w.output) <= 4 * c.w.kernel * c.w.output;
}

template <class T>
bool is_plain_product(const Correlation<T>& c) {
  return c.taps() == 1 && c.y_step == 1 && c.h.output * c.w.output >= 4 * panel_width<T>();
}

template <class T>
void correlate_by_cells(const Correlation<T>& c) {
  const Cut cut = choose_cut(c);
  const WeightPanels<T> weights(c, cut.bands > 1);
  const int64_t panels = panel_count(c);
  parallel_for(c.groups * cut.parts * cut.bands, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i / cut.bands % cut.parts * cut.panels;
      CellUnit<T>(c, weights,
                  {i / cut.bands / cut.parts, cut.band(i % cut.bands, c.h, c.rows()), first,
                   std::min(panels, first + cut.panels)})
          .run();
    }
  });
}

template bool prefers_cells(const Correlation<float>&);
template bool prefers_cells(const Correlation<double>&);
template bool is_plain_product(const Correlation<float>&);
template bool is_plain_product(const Correlation<double>&);
template void correlate_by_cells(const Correlation<float>&);
template void correlate_by_cells(const Correlation<double>&);

}  // namespace fastnn::cpu
