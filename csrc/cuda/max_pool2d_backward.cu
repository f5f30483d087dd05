// The gradient of maximum pooling in gather form: a cell adds, in the order of windows, the gradients of those whose
// maximum it is. So it is written once, and the sum depends on nothing else.
#include "cuda/pool_window.cuh"

namespace fastnn::cuda {
namespace {

// How many cells of the row lie between `cell` and the maximum of window (o, q); -1 where it is none that a window
// may name: a wrong index must not depend on which threads look at it.
template <class I>
struct ByIndex {
  const int64_t* indices;

  __device__ int64_t distance(const PoolAxes<I>& axes, I, I q, int64_t window, int64_t cell, I column) const {
    const int64_t ahead = indices[window] - cell;
    const PoolRangeOf<I> columns = pool_extent(axes.w, q);
    return column + ahead >= columns.begin && column + ahead < columns.end ? ahead : -1;
  }
};

template <class I>
struct ByTap {
  const uint8_t* taps;
  Divider<int32_t> by_kernel;

  __device__ int64_t distance(const PoolAxes<I>& axes, I o, I q, int64_t window, int64_t cell, I) const {
    const int32_t tap = taps[window], row = by_kernel.quotient(tap);
    const I i = pool_extent(axes.h, o).begin + row * axes.h.dilation;
    const I j = pool_extent(axes.w, q).begin + (tap - row * axes.w.kernel) * axes.w.dilation;
    return static_cast<int64_t>(i) * axes.w.size + j - cell;
  }
};

template <class T, class I, size_t size, bool few, class Places>
__global__ void max_pool2d_backward_kernel(PoolAxes<I> axes, Divider<I> by_packs, int64_t threads, Places places,
                                           const T* grad_y, T* grad_x) {
  const int64_t at = thread_of_grid();
  if (at >= threads) return;
  const PoolCells<I, size> cells(axes, by_packs, static_cast<I>(at));
  const int64_t cell = static_cast<int64_t>(cells.i) * axes.w.size + cells.j;
  Pack<T, size> total{};
  cells.template for_each_window<few>(axes, [&](I o, I q, int64_t window) {
    const int64_t ahead = places.distance(axes, o, q, window, cell, cells.j);
    const T g = grad_y[window];
    FASTNN_UNROLL
    for (int i = 0; i < total.size; ++i) total.lane[i] = ahead == i ? total.lane[i] + g : total.lane[i];
  });
  store_pack(grad_x, at, total);
}

template <class I>
ByTap<I> taps_of(const Pool2dSize& size, const MaxPlaces& places) {
  return {places.taps, Divider<int32_t>(size.window.w.kernel)};
}

}  // namespace

template <class T>
void max_pool2d_backward(const Pool2dSize& size, const T* grad_output, const MaxPlaces& places, T* grad_x) {
  choose_pool_cells(size, grad_x, [&](auto index, auto cells, auto few) {
    using I = decltype(index);
    const auto run = [&](const auto& given) {
      using Places = std::decay_t<decltype(given)>;
      constexpr size_t together = decltype(cells)::value;
      constexpr auto neighbours = static_cast<int64_t>(together);
      const int64_t packs = size.window.w.size / neighbours, threads = pool_inputs(size) / neighbours;
      launch("max_pool2d_backward", &max_pool2d_backward_kernel<T, I, together, decltype(few)::value, Places>,
             grid_for(threads), PoolAxes<I>(size), Divider<I>(packs), threads, given, grad_output, grad_x);
    };
    places.taps ? run(taps_of<I>(size, places)) : run(ByIndex<I>{places.indices});
  });
}

template void max_pool2d_backward(const Pool2dSize&, const float*, const MaxPlaces&, float*);
template void max_pool2d_backward(const Pool2dSize&, const double*, const MaxPlaces&, double*);

}  // namespace fastnn::cuda
