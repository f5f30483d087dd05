// grad_weight by Winograd's algorithm, the adjoint of the forward: grad_output's 2x2 cells under a tile are transformed
// into 16 places, too, the tiles of each place are summed, and the sums transformed back into 3x3 weights. Chunks of
// rows of tiles give partial sums that are added in order.
#include "cpu/conv2d_chunk_sums.h"
#include "cpu/conv2d_parts.h"
#include "cpu/conv2d_winograd.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t band_tiles = 168;         // whose input and gradients are transformed at a time
constexpr int64_t most_channels = 64;       // of them, so that a place of each stays in L1
constexpr int64_t grad_elements = 1 << 19;  // of transformed gradients
constexpr int64_t combined_channels = 16;   // of a panel, at a time

// How the work is cut. The sums are [chunk][group][panel][place][channel][filter].
template <class T>
struct Task {
  Correlation<T> c, tiles;
  const T* grad_output;
  RowChunks chunks;
  PanelCut panels;
  int64_t block_channels;

  Task(const Correlation<T>& c_, const T* grad_output_)
      : c(c_),
        tiles(tiles_of(c_)),
        grad_output(grad_output_),
        chunks(tiles.rows(), tiles.w.output, c.flops() / static_cast<double>(c.groups), panel_count(c) * c.groups,
               band_tiles),
        panels(panel_count(c), grad_elements / (winograd_places * most_tiles() * panel_width<T>()),
               chunks.count * c.groups),
        block_channels(ceil_div(c.channels, ceil_div(c.channels, most_channels))) {}

  int64_t most_tiles() const { return chunks.band_rows * tiles.w.output; }
  int64_t place_sums() const { return panel_place<T>(c.channels); }
  int64_t panel_sums() const { return winograd_places * place_sums(); }
  int64_t chunk_sums() const { return c.groups * panels.all * panel_sums(); }
};

// One chunk of tiles and some panels of a group's filters.
template <class T>
class ChunkSums {
 public:
  ChunkSums(const Task<T>& task, int64_t group, int64_t first_panel, int64_t last_panel)
      : t_(task),
        c_(task.c),
        group_(group),
        first_(first_panel),
        last_(last_panel),
        input_(task.tiles, task.chunks.band_rows),
        cells_(2 * task.chunks.band_rows * c_.w.output * panel_width<T>()),
        grads_((last_ - first_) * winograd_places * panel_place<T>(task.most_tiles())),
        transformed_(winograd_places * TileInput<T>::place_size(task.block_channels, task.most_tiles())),
        lines_(task.most_tiles()) {
    for (int64_t tile = 0; tile < task.most_tiles(); ++tile) lines_.data()[tile] = tile;
  }

  // Of the rows of tiles [first, last), to where the sums of the first panel lie.
  void run(int64_t first, int64_t last, T* sums) {
    for (int64_t row = first; row < last; row += t_.chunks.band_rows) {
      const Band band{row, std::min(last, row + t_.chunks.band_rows), t_.tiles.h.output};
      tiles_ = (band.last - band.first) * t_.tiles.w.output;
      for (int64_t panel = first_; panel < last_; ++panel) transform_grad(band, panel);
      for (int64_t channel = 0; channel < c_.channels; channel += t_.block_channels) {
        const int64_t end = std::min(c_.channels, channel + t_.block_channels);
        place_ = TileInput<T>::place_size(end - channel, tiles_);
        input_.transform(band, group_, channel, end, place_, transformed_.data());
        multiply(channel, end - channel, row > first, sums);
      }
    }
  }

 private:
  T* grads_of(int64_t panel) {
    return grads_.data() + (panel - first_) * winograd_places * panel_place<T>(t_.most_tiles());
  }

  // To [place][tile][filter], image by image.
  void transform_grad(const Band& band, int64_t panel) {
    const int64_t W = c_.w.output, plane = c_.h.output * W, width = panel_width<T>();
    T* to = grads_of(panel);
    for (int64_t part = 0; part < band.parts(); ++part) {
      const int64_t first = band.first_output(part), last = band.end_output(part);
      const int64_t cells = std::min(c_.h.output, 2 * last) * W - 2 * first * W;
      const int64_t filter = ((band.image() + part) * c_.groups + group_) * c_.filters + panel * width;
      kernels<T>().gemm.pack_b(t_.grad_output + filter * plane + 2 * first * W, plane, 1, panel_filters(c_, panel),
                               cells, cells_.data());
      for (int64_t row = first; row < last; ++row, to += t_.tiles.w.output * width) {
        kernels<T>().conv2d.winograd_grad_output({cells_.data() + 2 * (row - first) * W * width,
                                                  std::min<int64_t>(2, c_.h.output - 2 * row), W, to,
                                                  panel_place<T>(tiles_)});
      }
    }
  }

  void multiply(int64_t channel, int64_t channels, bool accumulate, T* sums) {
    const int64_t start = 0, block = k_block_size(tiles_);
    CellProduct<T> product{};
    product.rows = &start;
    product.columns = product.cells = channels;
    product.step = tiles_;
    for (int64_t panel = first_; panel < last_; ++panel) {
      product.filters = panel_filters(c_, panel);
      for (int64_t place = 0; place < winograd_places; ++place) {
        product.x = transformed_.data() + place * place_;
        product.sums = sums + (panel - first_) * t_.panel_sums() + place * t_.place_sums() + channel * panel_width<T>();
        for (int64_t tile = 0; tile < tiles_; tile += block) {
          product.lines = lines_.data() + tile;
          product.depth = std::min(block, tiles_ - tile);
          product.weight = grads_of(panel) + place * panel_place<T>(tiles_) + tile * panel_width<T>();
          product.accumulate = accumulate || tile > 0;
          kernels<T>().conv2d.multiply_cells(product);
        }
      }
    }
  }

  const Task<T>& t_;
  const Correlation<T>& c_;
  int64_t group_, first_, last_;
  int64_t tiles_ = 0, place_ = 0;  // of the band; elements of a place of it
  TileInput<T> input_;
  AlignedBuffer<T> cells_, grads_, transformed_;
  AlignedBuffer<int64_t> lines_;
};

// The chunks' sums of some channels of a panel added in order, and transformed back.
template <class T>
void combine(const Task<T>& t, T* sums, int64_t panel, int64_t channel, int64_t count, bool accumulate, T* weights,
             T* turned, T* grad_weight) {
  T* sum = sums + panel * t.panel_sums() + channel * panel_width<T>();
  for (int64_t place = 0; place < winograd_places; ++place) {
    add_chunks(t, count * panel_width<T>(), sum + place * t.place_sums());
  }
  kernels<T>().conv2d.winograd_grad_weight({sum, t.place_sums(), count, weights});
  store_panel(t.c, panel / t.panels.all, panel % t.panels.all, channel * winograd_taps, count * winograd_taps, weights,
              accumulate, turned, grad_weight);
}

}  // namespace

template <class T>
void conv2d_grad_weight_by_winograd(const Conv2dSize& s, const T* grad_output, const T* x, bool accumulate,
                                    T* grad_weight) {
  const Task<T> t(windows_of(s, x), grad_output);
  AlignedBuffer<T> sums(t.chunks.count * t.chunk_sums());
  sum_chunks<ChunkSums<T>>(t, t.tiles.rows(), sums.data());
  const int64_t blocks = ceil_div(t.c.channels, combined_channels);
  parallel_for(s.groups * t.panels.all * blocks, 2, [&](int64_t begin, int64_t end) {
    const int64_t most = combined_channels * winograd_taps * panel_width<T>();
    AlignedBuffer<T> weights(most), turned(most);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t channel = i % blocks * combined_channels;
      combine(t, sums.data(), i / blocks, channel, std::min(combined_channels, t.c.channels - channel), accumulate,
              weights.data(), turned.data(), grad_weight);
    }
  });
}

template void conv2d_grad_weight_by_winograd(const Conv2dSize&, const float*, const float*, bool, float*);
template void conv2d_grad_weight_by_winograd(const Conv2dSize&, const double*, const double*, bool, double*);

}  // namespace fastnn::cpu
