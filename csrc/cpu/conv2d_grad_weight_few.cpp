// grad_weight of filters on few input planes, as first layers have: a matrix product would pack and gather more
// than it multiplies, and its panel would be half empty. Chunks of rows give partial results that are added in
// order; they depend on shapes only.
#include "cpu/conv2d_correlation.h"
#include "cpu/conv2d_parts.h"
#include "cpu/dispatch.h"
#include "cpu/gemm_blocks.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t most_depth = 32;
constexpr int64_t band_cells = 1 << 10;  // of output; the bank's gradients of a band stay in L2
constexpr int64_t most_chunks = 16;
constexpr double least_chunk_flops = 1 << 19;

template <class T>
class ChunkProducts {
 public:
  ChunkProducts(const Correlation<T>& c, int64_t band_rows)
      : c_(c), band_rows_(band_rows), input_(c, band_rows, c.channels), taps_(c.depth()), lanes_(vectors() * width()) {
    input_.line_offsets(0, c.depth(), taps_.data());
  }

  // out: filters x depth
  void run(int64_t group, int64_t first, int64_t last, const T* grad_output, T* out) {
    std::fill_n(lanes_.data(), vectors() * width(), T(0));
    for (int64_t row = first; row < last;) {
      const int64_t image = row / c_.h.output;
      const int64_t end = std::min({last, row + band_rows_, (image + 1) * c_.h.output});
      input_.load({row, end, c_.h.output}, group, 0, c_.channels);
      const int64_t plane = c_.h.output * c_.w.output;
      const T* grad = grad_output + (image * c_.groups + group) * c_.filters * plane + row % c_.h.output * c_.w.output;
      kernels<T>().conv2d.filter_products({input_.data() + input_.row_offset(row), taps_.data(), c_.depth(), c_.filters,
                                           end - row, c_.w.output, input_.row_line(), grad, plane, lanes_.data()});
      row = end;
    }
    kernels<T>().conv2d.fold_lanes(lanes_.data(), vectors(), out);
  }

 private:
  int64_t vectors() const { return c_.filters * c_.depth(); }
  static int64_t width() { return kernels<T>().gemm.tile_columns; }  // at least the lanes of a vector

  const Correlation<T>& c_;
  int64_t band_rows_;
  BandInput<T> input_;
  AlignedBuffer<int64_t> taps_;
  AlignedBuffer<T> lanes_;
};

}  // namespace

// To turn grad_output for lanes of filters pays off for many filters, and for 1x1 ones.
template <class T>
bool prefers_few_planes(const Correlation<T>& c) {
  const bool by_cells = prefers_cells(c) && (c.taps() == 1 || c.filters >= 64);
  return c.depth() <= most_depth && !by_cells;
}

template <class T>
void conv2d_grad_weight_of_few_planes(const Conv2dSize& s, const T* grad_output, const T* x, bool accumulate,
                                      T* grad_weight) {
  const Correlation<T> c = windows_of(s, x);
  const int64_t band_rows = std::clamp<int64_t>(band_cells / c.w.output, 1, c.h.output);
  const auto worth = static_cast<int64_t>(std::min(c.flops() / least_chunk_flops, 1e6));
  const int64_t chunk_rows = ceil_div(c.rows(), std::clamp<int64_t>(worth, 1, std::min(most_chunks, c.rows())));
  const int64_t chunks = ceil_div(c.rows(), chunk_rows), each = c.filters * c.depth();
  AlignedBuffer<T> partials(chunks * c.groups * each);
  parallel_for(chunks * c.groups, 1, [&](int64_t begin, int64_t end) {
    ChunkProducts<T> products(c, band_rows);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i / c.groups * chunk_rows;
      products.run(i % c.groups, first, std::min(c.rows(), first + chunk_rows), grad_output,
                   partials.data() + i * each);
    }
  });
  for (int64_t i = 0; i < c.groups * each; ++i) {
    T sum = partials.data()[i];
    for (int64_t chunk = 1; chunk < chunks; ++chunk) sum += partials.data()[chunk * c.groups * each + i];
    grad_weight[i] = accumulate ? grad_weight[i] + sum : sum;
  }
}

template bool prefers_few_planes(const Correlation<float>&);
template bool prefers_few_planes(const Correlation<double>&);
template void conv2d_grad_weight_of_few_planes(const Conv2dSize&, const float*, const float*, bool, float*);
template void conv2d_grad_weight_of_few_planes(const Conv2dSize&, const double*, const double*, bool, double*);

}  // namespace fastnn::cpu
