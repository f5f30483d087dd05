// grad_weight as a matrix product: grad_output (O x cells) times the transposed im2col matrix (cells x taps and
// channels), over the cells of all images. x is copied with its channels innermost, so that a panel's line, the
// channels that one cell sees through one tap, lies side by side in memory and is gathered by plain copies. For
// filters that do not fill the lanes of vectors; the others have ways of their own.
#include "cpu/aligned_buffer.h"
#include "cpu/conv2d_band.h"
#include "cpu/conv2d_chunks.h"
#include "cpu/conv2d_correlation.h"
#include "cpu/conv2d_parts.h"
#include "cpu/dispatch.h"
#include "cpu/gemm_blocks.h"
#include "cpu/parallel.h"

#include <vector>

namespace fastnn::cpu {
namespace {

constexpr int64_t slack = 64;  // elements, as many as any vector has

template <class T>
struct Task {
  const Conv2dSize& size;
  const T* grad_output;
  const T* x;
  int64_t filters, channels;  // of a group
  int64_t taps, rows;
  int64_t block_channels, blocks;
  RowChunks chunks;

  Task(const Conv2dSize& s, const T* grad_output_, const T* x_)
      : size(s),
        grad_output(grad_output_),
        x(x_),
        filters(s.out_channels / s.groups),
        channels(s.channels / s.groups),
        taps(s.window.h.kernel * s.window.w.kernel),
        rows(s.batch * s.window.h.output),
        block_channels(block_size()),
        blocks(ceil_div(channels, block_channels)),
        chunks(rows, s.window.w.output, flops(), blocks * s.groups) {}

  int64_t block_size() const {
    const int64_t panels = ceil_div(depth(), kernels<T>().gemm.tile_columns);
    const int64_t cuts = std::clamp<int64_t>(panels / 6, 1, std::min(wanted_units, channels));
    const int64_t each = ceil_div(channels, cuts);
    return channels >= 16 ? round_up(each, 16) : each;
  }
  double flops() const {
    return 2.0 * static_cast<double>(partial_size()) * static_cast<double>(rows * size.window.w.output);
  }
  int64_t depth() const { return channels * taps; }
  int64_t partial_size() const { return filters * depth(); }
};

// One chunk of cells and one block of channels of a group.
template <class T>
class ChunkProduct {
 public:
  ChunkProduct(const Task<T>& task, int64_t group, int64_t first_channel)
      : t_(task),
        h_(task.size.window.h),
        w_(task.size.window.w),
        group_(group),
        first_(first_channel),
        channels_(std::min(task.block_channels, task.channels - first_channel)),
        row_copies_(layout_copies(h_, std::min(task.chunks.band_rows, h_.output), 1)),
        column_copies_(layout_copies(w_, w_.output, 2)),
        line_(column_copies_.count * channels_),
        part_(row_copies_.copies * column_copies_.copies * row_copies_.count * line_),
        input_(most_parts(task.chunks.band_rows, h_.output) * part_ + slack),
        lines_(max_k_block),
        panel_((max_k_block + 1) * kernel_.gemm.tile_columns),
        grad_(task.filters * max_k_block),
        packed_(round_up(task.filters, kernel_.gemm.tile_rows) * max_k_block) {
    find_runs();
  }

  // grad (filters x taps * channels): the sum over rows [first, last).
  void run(int64_t first, int64_t last, T* grad) {
    bool accumulate = false;
    for (int64_t row = first; row < last; row += t_.chunks.band_rows) {
      const Band band{row, std::min(last, row + t_.chunks.band_rows), h_.output};
      stage(band);
      const int64_t cells = (band.last - band.first) * w_.output, block = k_block_size(cells);
      for (int64_t cell = 0; cell < cells; cell += block) {
        add(band, cell, std::min(block, cells - cell), accumulate, grad);
        accumulate = true;
      }
    }
  }

 private:
  void stage(const Band& band) {
    ChannelsLastStage<T> s{};
    s.channels = channels_;
    s.rows = h_.size;
    s.columns = w_.size;
    s.row_step = row_copies_.input_step;
    s.step = column_copies_.input_step;
    s.width = column_copies_.count;
    for (int64_t part = 0; part < band.parts(); ++part) {
      const int64_t plane = ((band.image() + part) * t_.size.groups + group_) * t_.channels + first_;
      const int64_t outputs = band.end_output(part) - band.first_output(part);
      s.x = t_.x + plane * h_.size * w_.size;
      s.staged_rows = row_copies_.shared ? reach(h_, outputs) : outputs;
      for (int64_t a = 0; a < row_copies_.copies; ++a) {
        for (int64_t b = 0; b < column_copies_.copies; ++b) {
          s.first_row = h_.first(band.first_output(part)) + a * h_.dilation;
          s.before = w_.before - b * w_.dilation;
          s.dst = input_.data() + part * part_ + (a * column_copies_.copies + b) * row_copies_.count * line_;
          kernel_.conv2d.stage_channels_last(s);
        }
      }
    }
  }

  int64_t tap_offset(int64_t a, int64_t b) const {
    const int64_t copy = row_copies_.count * line_;
    return a * (row_copies_.shared ? h_.dilation * line_ : column_copies_.copies * copy) +
           b * (column_copies_.shared ? w_.dilation * channels_ : copy);
  }

  // Of every panel: its columns are the block's channels, once a tap.
  void find_runs() {
    const int64_t width = kernel_.gemm.tile_columns, columns = t_.taps * channels_;
    for (int64_t j = 0; j < columns; j += width) {
      starts_.push_back(runs_.size());
      for (int64_t column = 0; column < std::min(width, columns - j);) {
        const int64_t tap = (j + column) / channels_, c = (j + column) % channels_;
        const int64_t length = std::min({channels_ - c, width - column, columns - j - column});
        const int64_t source = tap_offset(tap / w_.kernel, tap % w_.kernel) + c;
        if (column > 0 && runs_.back().source + runs_.back().length == source) {
          runs_.back().length += length;
        } else {
          runs_.push_back({column, length, source});
        }
        column += length;
      }
    }
    starts_.push_back(runs_.size());
  }

  // The part of `depth` cells of the band from `first` on.
  void add(const Band& band, int64_t first, int64_t depth, bool accumulate, T* grad) {
    pack_grad(band.first * w_.output + first, depth);
    find_lines(band, first, depth);
    const int64_t width = kernel_.gemm.tile_columns, columns = t_.taps * channels_;
    PanelProduct<T> product{};
    product.a = packed_.data();
    product.a_row = 1;
    product.a_k = kernel_.gemm.tile_rows;
    product.a_tile = kernel_.gemm.tile_rows * depth;
    product.b = panel_.data();
    product.b_k = width;
    product.b_column = 1;
    product.b_padded = true;
    product.c_row = columns;
    product.m = t_.filters;
    product.k = depth;
    product.accumulate = accumulate;
    for (int64_t j = 0; j < columns; j += width) {
      const size_t begin = starts_[static_cast<size_t>(j / width)], end = starts_[static_cast<size_t>(j / width) + 1];
      kernel_.conv2d.gather({input_.data(), true, lines_.data(), depth, runs_.data() + begin,
                             static_cast<int64_t>(end - begin), panel_.data()});
      product.c = grad + j;
      product.n = std::min(width, columns - j);
      kernel_.gemm.multiply_panel(product);
    }
  }

  // Where the windows of the band's cells from `first` on start.
  void find_lines(const Band& band, int64_t first, int64_t depth) {
    const int64_t step = column_copies_.output_step * channels_;
    for (int64_t i = 0; i < depth;) {
      const int64_t row = band.first + (first + i) / w_.output, part = band.part_of(row);
      const int64_t y = row % h_.output - band.first_output(part), x = (first + i) % w_.output;
      const int64_t start = part * part_ + y * row_copies_.output_step * line_ + x * step;
      const int64_t length = std::min(w_.output - x, depth - i);
      for (int64_t j = 0; j < length; ++j) lines_.data()[i + j] = start + j * step;
      i += length;
    }
  }

  // Cells from `cell` on, counted through all images; those of several images are brought together first.
  void pack_grad(int64_t cell, int64_t depth) {
    const int64_t plane = h_.output * w_.output;
    const auto at = [&](int64_t position) {
      return t_.grad_output + (position / plane * t_.size.groups + group_) * t_.filters * plane + position % plane;
    };
    if (cell / plane == (cell + depth - 1) / plane) {
      return kernel_.gemm.pack_a(at(cell), plane, 1, t_.filters, depth, packed_.data());
    }
    for (int64_t i = 0; i < depth;) {
      const int64_t length = std::min(plane - (cell + i) % plane, depth - i);
      for (int64_t o = 0; o < t_.filters; ++o) {
        std::copy_n(at(cell + i) + o * plane, length, grad_.data() + o * depth + i);
      }
      i += length;
    }
    kernel_.gemm.pack_a(grad_.data(), depth, 1, t_.filters, depth, packed_.data());
  }

  const Task<T>& t_;
  const Kernels<T>& kernel_ = kernels<T>();
  const WindowAxis &h_, &w_;
  int64_t group_, first_, channels_;
  CopyLayout row_copies_, column_copies_;
  int64_t line_, part_;
  AlignedBuffer<T> input_;
  AlignedBuffer<int64_t> lines_;
  AlignedBuffer<T> panel_, grad_, packed_;
  std::vector<Run> runs_;
  std::vector<size_t> starts_;  // of each panel's runs
};

// The chunks' results of a filter and a block of channels added in order, and turned from (taps, channels) to
// (channels, taps).
template <class T>
void combine_block(const Task<T>& t, const T* partial, int64_t channels, bool accumulate, T* sum, T* turned,
                   T* grad_weight) {
  const int64_t total = t.size.groups * t.partial_size(), count = channels * t.taps;
  if (t.chunks.count > 1) {
    std::copy_n(partial, count, sum);
    for (int64_t i = 1; i < t.chunks.count; ++i) {
      for (int64_t j = 0; j < count; ++j) sum[j] += partial[i * total + j];
    }
  }
  ChannelsLastStage<T> s{};
  s.x = t.chunks.count > 1 ? sum : partial;
  s.channels = t.taps;
  s.rows = s.staged_rows = s.row_step = s.step = 1;
  s.columns = s.width = channels;
  s.dst = accumulate ? turned : grad_weight;
  kernels<T>().conv2d.stage_channels_last(s);
  if (!accumulate) return;
  for (int64_t j = 0; j < count; ++j) grad_weight[j] += turned[j];
}

template <class T>
void combine(const Task<T>& t, const T* partials, bool accumulate, T* grad_weight) {
  parallel_for(t.size.out_channels, std::max<int64_t>(1, (1 << 14) / (t.depth() * t.chunks.count)),
               [&](int64_t begin, int64_t end) {
                 const int64_t most = t.block_channels * t.taps;
                 AlignedBuffer<T> sum(most), turned(most);
                 for (int64_t o = begin; o < end; ++o) {
                   const T* from = partials + o / t.filters * t.partial_size();
                   for (int64_t first = 0; first < t.channels; first += t.block_channels) {
                     const int64_t channels = std::min(t.block_channels, t.channels - first);
                     combine_block(t, from + (t.filters * first + o % t.filters * channels) * t.taps, channels,
                                   accumulate, sum.data(), turned.data(),
                                   grad_weight + (o * t.channels + first) * t.taps);
                   }
                 }
               });
}

}  // namespace

template <class T>
void conv2d_grad_weight(const Conv2dSize& s, const T* grad_output, const T* x, bool accumulate, T* grad_weight) {
  if (s.batch == 0) {
    if (!accumulate)
      std::fill_n(grad_weight, s.out_channels * (s.channels / s.groups) * s.window.h.kernel * s.window.w.kernel, T(0));
    return;
  }
  const Task<T> t(s, grad_output, x);
  if (t.channels * t.filters <= 4) return conv2d_grad_weight_directly(s, grad_output, x, accumulate, grad_weight);
  const Correlation<T> windows = windows_of(s, x);
  if (goes_by_winograd(windows)) return conv2d_grad_weight_by_winograd(s, grad_output, x, accumulate, grad_weight);
  if (prefers_few_planes(windows)) return conv2d_grad_weight_of_few_planes(s, grad_output, x, accumulate, grad_weight);
  if (prefers_cells(windows)) return conv2d_grad_weight_by_cells(s, grad_output, x, accumulate, grad_weight);
  AlignedBuffer<T> partials(t.chunks.count * s.groups * t.partial_size());
  parallel_for(t.chunks.count * s.groups * t.blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t block = i % t.blocks, group = i / t.blocks % s.groups, chunk = i / t.blocks / s.groups;
      const int64_t first = block * t.block_channels;
      T* partial = partials.data() + (chunk * s.groups + group) * t.partial_size() + t.filters * first * t.taps;
      ChunkProduct<T>(t, group, first)
          .run(chunk * t.chunks.rows, std::min(t.rows, (chunk + 1) * t.chunks.rows), partial);
    }
  });
  combine(t, partials.data(), accumulate, grad_weight);
}

template void conv2d_grad_weight(const Conv2dSize&, const float*, const float*, bool, float*);
template void conv2d_grad_weight(const Conv2dSize&, const double*, const double*, bool, double*);

}  // namespace fastnn::cpu
