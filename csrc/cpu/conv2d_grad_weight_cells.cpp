// grad_weight with the filters as lanes. The kernel of the convolution itself adds up, for each weight of a filter, the
// inputs that the weight met; its terms are the output cells, its "weights" grad_output, turned so that the filters of
// a panel lie side by side. x is read where it lies, or from a copy with zeros around.
#include "cpu/conv2d_chunk_sums.h"
#include "cpu/conv2d_correlation.h"
#include "cpu/conv2d_parts.h"
#include "cpu/dispatch.h"
#include "cpu/gemm_blocks.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t input_elements = 1 << 15;  // of x, copied at a time
constexpr int64_t grad_elements = 1 << 17;   // of grad_output, turned at a time
constexpr int64_t combined_weights = 128;    // of a panel, at a time

// How the work is cut. The sums are [chunk][group][panel][weight][filter], a panel being as wide as a tile.
template <class T>
struct Task {
  const Correlation<T>& c;
  const T* grad_output;
  RowChunks chunks;
  PanelCut panels;
  int64_t block_channels;

  Task(const Correlation<T>& c_, const T* grad_output_)
      : c(c_),
        grad_output(grad_output_),
        chunks(c.rows(), c.w.output, c.flops() / static_cast<double>(c.groups), panel_count(c) * c.groups),
        panels(panel_count(c), grad_elements / (chunks.band_rows * c.w.output * width()), chunks.count * c.groups) {
    const int64_t copied = chunks.band_rows * c.h.stride * reach(c.w, c.w.output);
    block_channels = std::clamp<int64_t>(input_elements / copied, 1, c.channels);
  }

  static int64_t width() { return kernels<T>().gemm.tile_columns; }
  int64_t panel_sums() const { return c.depth() * width(); }
  int64_t chunk_sums() const { return c.groups * panels.all * panel_sums(); }
};

// One chunk of cells and some panels of a group's filters.
template <class T>
class ChunkSums {
 public:
  ChunkSums(const Task<T>& task, int64_t group, int64_t first_panel, int64_t last_panel)
      : t_(task),
        c_(task.c),
        group_(group),
        first_(first_panel),
        last_(last_panel),
        input_(c_, task.chunks.band_rows, task.block_channels, ColumnOrder::as_they_lie),
        grad_((last_ - first_) * most_cells() * width()),
        weights_(task.block_channels * c_.taps()),
        rows_(task.block_channels * c_.h.kernel),
        lines_(most_cells()) {}

  // Of the rows [first, last), to where the sums of the first panel lie.
  void run(int64_t first, int64_t last, T* sums) {
    for (int64_t row = first; row < last; row += t_.chunks.band_rows) {
      const Band band{row, std::min(last, row + t_.chunks.band_rows), c_.h.output};
      turn_grad(band);
      for (int64_t channel = 0; channel < c_.channels; channel += t_.block_channels) {
        const int64_t count = std::min(t_.block_channels, c_.channels - channel);
        input_.load(band, group_, channel, channel + count);
        if (channel == 0) find_lines(band);
        find_weights(count);
        multiply(band, channel, count, row > first, sums);
      }
    }
  }

 private:
  static int64_t width() { return Task<T>::width(); }
  int64_t most_cells() const { return t_.chunks.band_rows * c_.w.output; }

  // To [panel][cell][filter]; cells of several images follow one another.
  void turn_grad(const Band& band) {
    const int64_t plane = c_.h.output * c_.w.output, end = band.last * c_.w.output;
    for (int64_t panel = first_; panel < last_; ++panel) {
      T* to = grad_.data() + (panel - first_) * most_cells() * width();
      for (int64_t cell = band.first * c_.w.output; cell < end;) {
        const int64_t image = cell / plane, length = std::min(end, (image + 1) * plane) - cell;
        const int64_t filter = (image * c_.groups + group_) * c_.filters + panel * width();
        kernels<T>().gemm.pack_b(t_.grad_output + filter * plane + cell % plane, plane, 1, panel_filters(c_, panel),
                                 length, to);
        to += length * width();
        cell += length;
      }
    }
  }

  // Where the window of each cell starts.
  void find_lines(const Band& band) {
    int64_t* line = lines_.data();
    for (int64_t row = band.first; row < band.last; ++row) {
      const int64_t start = input_.row_offset(row), step = input_.column_step();
      for (int64_t j = 0; j < c_.w.output; ++j) *line++ = start + j * step;
    }
  }

  // Where the rows of the filters' weights lie in a window.
  void find_weights(int64_t channels) {
    input_.line_offsets(0, channels * c_.taps(), weights_.data());
    for (int64_t i = 0; i < channels * c_.h.kernel; ++i) rows_.data()[i] = weights_.data()[i * c_.w.kernel];
  }

  void multiply(const Band& band, int64_t channel, int64_t channels, bool accumulate, T* sums) {
    const int64_t cells = (band.last - band.first) * c_.w.output, block = k_block_size(cells);
    product_.x = input_.data();
    product_.rows = rows_.data();
    product_.columns = c_.w.kernel;
    product_.step = c_.w.dilation;
    product_.cells = channels * c_.taps();
    for (int64_t cell = 0; cell < cells; cell += block) {
      product_.depth = std::min(block, cells - cell);
      product_.lines = lines_.data() + cell;
      product_.accumulate = accumulate || cell > 0;
      for (int64_t panel = first_; panel < last_; ++panel) {
        product_.filters = panel_filters(c_, panel);
        product_.weight = grad_.data() + ((panel - first_) * most_cells() + cell) * width();
        product_.sums = sums + (panel - first_) * t_.panel_sums() + channel * c_.taps() * width();
        kernels<T>().conv2d.multiply_cells(product_);
      }
    }
  }

  const Task<T>& t_;
  const Correlation<T>& c_;
  int64_t group_, first_, last_;
  BandInput<T> input_;
  AlignedBuffer<T> grad_;
  AlignedBuffer<int64_t> weights_, rows_, lines_;
  CellProduct<T> product_{};
};

// The chunks' sums of some weights of a panel added in order, and turned to [filter][weight].
template <class T>
void combine(const Task<T>& t, T* sums, int64_t panel, int64_t first, int64_t count, bool accumulate, T* turned,
             T* grad_weight) {
  T* sum = sums + panel * t.panel_sums() + first * Task<T>::width();
  add_chunks(t, count * Task<T>::width(), sum);
  store_panel(t.c, panel / t.panels.all, panel % t.panels.all, first, count, sum, accumulate, turned, grad_weight);
}

}  // namespace

template <class T>
void conv2d_grad_weight_by_cells(const Conv2dSize& s, const T* grad_output, const T* x, bool accumulate,
                                 T* grad_weight) {
  const Correlation<T> c = windows_of(s, x);
  const Task<T> t(c, grad_output);
  AlignedBuffer<T> sums(t.chunks.count * t.chunk_sums());
  sum_chunks<ChunkSums<T>>(t, c.rows(), sums.data());
  const int64_t blocks = ceil_div(c.depth(), combined_weights);
  parallel_for(c.groups * t.panels.all * blocks, 4, [&](int64_t begin, int64_t end) {
    AlignedBuffer<T> turned(combined_weights * Task<T>::width());
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % blocks * combined_weights;
      combine(t, sums.data(), i / blocks, first, std::min(combined_weights, c.depth() - first), accumulate,
              turned.data(), grad_weight);
    }
  });
}

template void conv2d_grad_weight_by_cells(const Conv2dSize&, const float*, const float*, bool, float*);
template void conv2d_grad_weight_by_cells(const Conv2dSize&, const double*, const double*, bool, double*);

}  // namespace fastnn::cpu
