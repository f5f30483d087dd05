// Where a group has hardly any channels, a tile of products would stay empty: here a thread sums one element.
#include "cuda/conv2d_parts.cuh"
#include "cuda/launch.cuh"

namespace fastnn::cuda {
namespace {

template <class T, class I>
__device__ inline T sum_of_taps(const Correlation<T, I>& c, const GatherAxis<I>& h, const GatherAxis<I>& w, const T* x,
                                const T* weight, I first_h, I first_w) {
  T sum = T(0);
  for (I s = 0; s < c.sums; ++s, x += c.x_plane(), weight += c.sum_step) {
    for (I u = 0; u < h.taps; ++u) {
      const I row = first_h + h.shift(u);
      if (!inside(row, h.size)) continue;
      const T* const line = x + row * w.size;
      const T* const taps = weight + h.filter_tap(u) * c.kernel_w;
      for (I v = 0; v < w.taps; ++v) {
        const I at = first_w + w.shift(v);
        if (inside(at, w.size)) sum = fma_of(taps[w.filter_tap(v)], line[at], sum);
      }
    }
  }
  return sum;
}

// A grid's y is the phase.
template <class T, class I>
__global__ void direct_kernel(const __grid_constant__ Correlation<T, I> c) {
  const auto phase = static_cast<int>(blockIdx.y);
  const GatherAxis<I>&h = c.h[phase / c.w_phases], &w = c.w[phase % c.w_phases];
  const I channels = c.groups * c.results;
  const int64_t elements = int64_t{c.batch} * channels * h.cells * w.cells;
  for (int64_t i = thread_of_grid(); i < elements; i += threads_of_grid()) {
    const Quotient<I> line = w.by_cells(static_cast<I>(i)), plane = h.by_cells(line.whole);
    const I image = plane.whole / channels, channel = plane.whole % channels;
    const I group = channel / c.results, result = channel % c.results;
    const T sum = sum_of_taps(c, h, w, c.x + (image * c.groups + group) * c.sums * c.x_plane(),
                              c.weight + group * c.group_step + result * c.result_step, h.source(plane.rest),
                              w.source(line.rest));
    T* const to = c.y + plane.whole * c.y_plane() + h.target(plane.rest) * c.y_width + w.target(line.rest);
    *to = c.epilogue(sum, channel, 0, to);
  }
}

}  // namespace

template <class T, class I>
void correlate_directly(const Correlation<T, I>& c) {
  Grid grid = grid_for(int64_t{c.batch} * c.groups * c.results * c.h[0].cells * c.w[0].cells);
  grid.blocks.y = static_cast<unsigned>(c.h_phases * c.w_phases);
  launch(c.name, &direct_kernel<T, I>, grid, c);
}

template void correlate_directly(const Correlation<float, int>&);
template void correlate_directly(const Correlation<double, int>&);
template void correlate_directly(const Correlation<float, int64_t>&);
template void correlate_directly(const Correlation<double, int64_t>&);

}  // namespace fastnn::cuda
