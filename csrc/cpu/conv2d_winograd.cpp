// A correlation by Winograd's algorithm: the channels of each place are summed, and the sums transformed back into 2x2
// outputs. Threads get bands of rows of tiles and some of the panels of filters.
#include "cpu/conv2d_winograd.h"

#include "cpu/dispatch.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t unit_elements = 1 << 18;  // of transformed input, about as many as L2 holds
constexpr int64_t block_channels = 32;      // whose weights are transformed at a time
constexpr int64_t least_channels = 16;      // and filters: with fewer, transforms cost more than products
constexpr int64_t most_sum = 256;           // channels that are added at a stretch

// The transformed weights: [group][panel][place][channel][filter]. Transformed ahead where several units read a panel;
// or else by the one that does, into scratch that stays in its cache.
template <class T>
class WinogradWeights {
 public:
  WinogradWeights(const Correlation<T>& c, bool ahead)
      : c_(c), ahead_(ahead), panels_(panel_count(c)), data_(ahead ? c.groups * panels_ * panel_size() : 0) {
    if (!ahead) return;
    const int64_t blocks = ceil_div(c.channels, block_channels);
    parallel_for(c.groups * panels_ * blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t group = i / blocks / panels_, panel = i / blocks % panels_;
        transform(group, panel, i % blocks * block_channels, data_.data() + (i / blocks) * panel_size());
      }
    });
  }
  // Elements of scratch that a panel needs.
  int64_t scratch_size() const { return ahead_ ? 0 : panel_size(); }
  int64_t place_size() const { return panel_place<T>(c_.channels); }

  // [place][channel][filter] of a panel.
  const T* at(int64_t group, int64_t panel, T* scratch) const {
    if (ahead_) return data_.data() + (group * panels_ + panel) * panel_size();
    for (int64_t first = 0; first < c_.channels; first += block_channels) transform(group, panel, first, scratch);
    return scratch;
  }

 private:
  int64_t panel_size() const { return winograd_places * place_size(); }

  void transform(int64_t group, int64_t panel, int64_t first, T* to) const {
    const int64_t count = std::min(block_channels, c_.channels - first);
    AlignedBuffer<T> packed(count * winograd_taps * panel_width<T>());
    pack_panel(c_, group, first * winograd_taps, panel, count * winograd_taps, packed.data());
    kernels<T>().conv2d.winograd_filters(
        {packed.data(), count, c_.turned, to + first * panel_width<T>(), place_size()});
  }

  const Correlation<T>& c_;
  bool ahead_;
  int64_t panels_;
  AlignedBuffer<T> data_;
};

template <class T>
class WinogradUnit {
 public:
  WinogradUnit(const Correlation<T>& c, const Correlation<T>& tiles, const WinogradWeights<T>& weights,
               const PanelUnit& unit)
      : c_(c),
        weights_(weights),
        unit_(unit),
        columns_(tiles.w.output),
        tiles_((unit.band.last - unit.band.first) * columns_),
        place_(TileInput<T>::place_size(c.channels, tiles_)),
        input_(tiles, unit.band.last - unit.band.first),
        lines_(c.channels),
        panel_(weights.scratch_size()),
        transformed_(winograd_places * place_),
        sums_(winograd_places * panel_place<T>(tiles_)),
        finished_(4 * tiles_ * panel_width<T>()) {}

  void run() {
    input_.transform(unit_.band, unit_.group, 0, c_.channels, place_, transformed_.data());
    for (int64_t channel = 0; channel < c_.channels; ++channel) lines_.data()[channel] = channel * tiles_;
    for (int64_t panel = unit_.first_panel; panel < unit_.last_panel; ++panel) {
      multiply(panel);
      finish(panel);
    }
  }

 private:
  void multiply(int64_t panel) {
    const int64_t start = 0;
    CellProduct<T> product{};
    product.rows = &start;
    product.columns = product.cells = tiles_;
    product.step = 1;
    product.filters = panel_filters(c_, panel);
    const T* weights = weights_.at(unit_.group, panel, panel_.data());
    for (int64_t place = 0; place < winograd_places; ++place) {
      product.x = transformed_.data() + place * place_;
      product.sums = sums_.data() + place * panel_place<T>(tiles_);
      for (int64_t channel = 0; channel < c_.channels; channel += most_sum) {
        product.lines = lines_.data() + channel;
        product.depth = std::min(most_sum, c_.channels - channel);
        product.weight = weights + place * weights_.place_size() + channel * panel_width<T>();
        product.accumulate = channel > 0;
        kernels<T>().conv2d.multiply_cells(product);
      }
    }
  }

  // Image by image: to cells, filters side by side, and from there to y.
  void finish(int64_t panel) {
    for (int64_t part = 0; part < unit_.band.parts(); ++part) {
      const int64_t first = unit_.band.first_output(part), last = unit_.band.end_output(part);
      const int64_t image = unit_.band.image() + part;
      T* to = finished_.data();
      for (int64_t row = first; row < last; ++row) {
        const int64_t tile = (image * unit_.band.outputs + row - unit_.band.first) * columns_;
        const int64_t rows = std::min<int64_t>(2, c_.h.output - 2 * row);
        kernels<T>().conv2d.winograd_output({sums_.data() + tile * panel_width<T>(), panel_place<T>(tiles_),
                                             panel_filters(c_, panel), rows, c_.w.output, to});
        to += rows * c_.w.output * panel_width<T>();
      }
      store(panel, image, 2 * first, std::min(c_.h.output, 2 * last));
    }
  }

  // Rows [first, last), which lie side by side in y, as windows of stride 1 have them.
  void store(int64_t panel, int64_t image, int64_t first, int64_t last) {
    const int64_t filter = panel * panel_width<T>();
    const T* bias = c_.bias ? c_.bias + unit_.group * c_.filters + filter : nullptr;
    T* y = c_.y_of(image, unit_.group, filter) + first * c_.y_line;
    kernels<T>().conv2d.store_cells({finished_.data(), (last - first) * c_.w.output, panel_filters(c_, panel), bias,
                                     c_.relu, y, c_.y_plane, c_.y_step});
  }

  const Correlation<T>& c_;
  const WinogradWeights<T>& weights_;
  PanelUnit unit_;
  int64_t columns_, tiles_, place_;  // tiles of a row, of the unit; elements of a place
  TileInput<T> input_;
  AlignedBuffer<int64_t> lines_;
  AlignedBuffer<T> panel_, transformed_, sums_, finished_;
};

// How the work is cut; the bits of a result do not depend on it.
struct Cut {
  int64_t rows, bands, panels, parts;  // of a unit: rows and panels; their numbers
};

template <class T>
Cut choose_cut(const Correlation<T>& tiles) {
  const int64_t panels = panel_count(tiles), rows = tiles.rows();
  const int64_t threads = useful_threads(tiles);
  const int64_t fitting = std::max<int64_t>(
      1, unit_elements / (winograd_places * std::max(tiles.channels, panel_width<T>()) * tiles.w.output));
  Cut cut{};
  const int64_t shares = ceil_div(threads, tiles.groups);  // of a group's panels, if it is not cut into bands
  if (rows <= fitting && panels % shares == 0) return {rows, 1, panels / shares, shares};
  cut.rows = ceil_div(rows, std::min(rows, round_up(ceil_div(rows, fitting), threads)));  // as many for each thread
  cut.bands = ceil_div(rows, cut.rows);
  const int64_t parts = std::min(panels, ceil_div(threads, cut.bands * tiles.groups));
  cut.panels = ceil_div(panels, parts);
  cut.parts = ceil_div(panels, cut.panels);
  return cut;
}

}  // namespace

template <class T>
bool goes_by_winograd(const Correlation<T>& c) {
  const auto fits = [](const WindowAxis& axis) {
    return axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1 && axis.output > 1;
  };
  return c.winograd && fits(c.h) && fits(c.w) && std::min(c.channels, c.filters) >= least_channels &&
         c.w.output <= widest_row;
}

template <class T>
void correlate_by_winograd(const Correlation<T>& c) {
  const Correlation<T> tiles = tiles_of(c);
  const Cut cut = choose_cut(tiles);
  const WinogradWeights<T> weights(c, cut.bands > 1);
  const int64_t panels = panel_count(c);
  parallel_for(c.groups * cut.bands * cut.parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t panel = i % cut.parts * cut.panels, row = i / cut.parts % cut.bands * cut.rows;
      const Band band{row, std::min(tiles.rows(), row + cut.rows), tiles.h.output};
      WinogradUnit<T>(c, tiles, weights, {i / cut.parts / cut.bands, band, panel, std::min(panels, panel + cut.panels)})
          .run();
    }
  });
}

template bool goes_by_winograd(const Correlation<float>&);
template bool goes_by_winograd(const Correlation<double>&);
template void correlate_by_winograd(const Correlation<float>&);
template void correlate_by_winograd(const Correlation<double>&);

}  // namespace fastnn::cpu
