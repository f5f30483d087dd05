// Average pooling: y = sum of the window / divisor, by a thread a window or a team of them. Backward, a cell adds
// grad_y / divisor of the windows that hold it, in their order.
#include "cuda/pool_team.cuh"

namespace fastnn::cuda {
namespace {

// What a window is divided by: its cells, those in the padding too where `with_padding`, or a fixed number.
template <class T>
struct Divisor {
  int64_t fixed;  // 0: the number of cells
  bool with_padding;

  explicit Divisor(const Pool2dOptions& options)
      : fixed(options.divisor), with_padding(options.count_include_pad && !options.adaptive) {}

  template <class I>
  __device__ T along(const PoolAxis<I>& axis, I o) const {
    if (!with_padding) return static_cast<T>(pool_span(axis, o).count);
    const I first = o * axis.stride - axis.before;
    return static_cast<T>(smaller(first + axis.kernel, axis.size + axis.after) - first);
  }
  template <class I>
  __device__ T operator()(const PoolAxes<I>& axes, I o, I q) const {
    return fixed != 0 ? static_cast<T>(fixed) : along(axes.h, o) * along(axes.w, q);
  }
};

// Rows are summed on their own, so the error grows with their length and their number, not with the product.
template <class T, class I>
__global__ void avg_pool2d_kernel(PoolAxes<I> axes, Divisor<T> divisor, const T* x, T* y) {
  const int64_t at = thread_of_grid();
  if (at >= axes.outputs) return;
  const PoolOutput<I> out(axes, static_cast<I>(at));
  const PoolSpanOf<I> rows = pool_span(axes.h, out.o), columns = pool_span(axes.w, out.q);
  const T* cells = x + out.plane * axes.cells + static_cast<int64_t>(rows.first) * axes.w.size + columns.first;
  T total(0);
  for (I r = 0; r < rows.count; ++r, cells += axes.w.size) {
    T row(0);
    for (I c = 0; c < columns.count; ++c) row += cells[c];
    total += row;
  }
  y[at] = total / divisor(axes, out.o, out.q);
}

template <class T, class I, size_t kernel>
__global__ void avg_pool2d_small_kernel(PoolAxes<I> axes, Divisor<T> divisor, const T* x, T* y) {
  const int64_t at = thread_of_grid();
  if (at >= axes.outputs) return;
  const PoolOutput<I> out(axes, static_cast<I>(at));
  const PoolTaps<T, I, kernel> taps(axes, out, x, T(0));
  T total(0);
  FASTNN_UNROLL
  for (int r = 0; r < static_cast<int>(kernel); ++r) {
    T row(0);
    FASTNN_UNROLL
    for (int c = 0; c < static_cast<int>(kernel); ++c) row += taps.value[r][c];
    total += row;
  }
  y[at] = total / divisor(axes, out.o, out.q);
}

// Sums of a bounded number of values each, and their sum.
template <class T>
struct LongSum {
  T whole, part;
  int terms;

  __device__ void add(T value) {
    constexpr int most = 64;
    part += value;
    if (++terms < most) return;
    whole += part;
    part = T(0);
    terms = 0;
  }
  __device__ T total() const { return whole + part; }
};

template <class T, class I, int team>
__global__ void avg_pool2d_team_kernel(PoolAxes<I> axes, Divisor<T> divisor, const T* x, T* y) {
  const int64_t at = window_of_team<team>();
  if (at >= axes.outputs) return;
  const PoolOutput<I> out(axes, static_cast<I>(at));
  LongSum<T> sum{T(0), T(0), 0};
  TeamWindow<T, I, team>(axes, out, x).for_each([&](T value, I) { sum.add(value); });
  const T total = team_reduce<team>(sum.total(), T(0), Sum{});
  if (thread_of_block() % team == 0) y[at] = total / divisor(axes, out.o, out.q);
}

template <class T, class I>
void launch_avg_pool2d(const Pool2dSize& size, const Divisor<T>& divisor, const T* x, T* y) {
  const PoolKernels<void (*)(PoolAxes<I>, Divisor<T>, const T*, T*)> kernels{
      &avg_pool2d_small_kernel<T, I, 2>, &avg_pool2d_small_kernel<T, I, 3>, &avg_pool2d_kernel<T, I>,
      &avg_pool2d_team_kernel<T, I, warp_lanes>, &avg_pool2d_team_kernel<T, I, block_threads>};
  launch_pool("avg_pool2d", size, kernels, PoolAxes<I>(size), divisor, x, y);
}

template <class T, class I, size_t size, bool few>
__global__ void avg_pool2d_backward_kernel(PoolAxes<I> axes, Divider<I> by_packs, int64_t threads, Divisor<T> divisor,
                                           const T* grad_y, T* grad_x) {
  const int64_t at = thread_of_grid();
  if (at >= threads) return;
  const PoolCells<I, size> cells(axes, by_packs, static_cast<I>(at));
  Pack<T, size> total{};
  cells.template for_each_window<few>(axes, [&](I o, I q, int64_t window) {
    const PoolRangeOf<I> columns = pool_extent(axes.w, q);
    const T g = grad_y[window] / divisor(axes, o, q);
    FASTNN_UNROLL
    for (int i = 0; i < total.size; ++i) {
      const I j = cells.j + i;
      total.lane[i] = j >= columns.begin && j < columns.end ? total.lane[i] + g : total.lane[i];
    }
  });
  store_pack(grad_x, at, total);
}

}  // namespace

template <class T>
void avg_pool2d_forward(const Pool2dSize& size, const Pool2dOptions& options, const T* x, T* y) {
  by_width(pool_fits_32_bits(size),
           [&](auto index) { launch_avg_pool2d<T, decltype(index)>(size, Divisor<T>(options), x, y); });
}

template <class T>
void avg_pool2d_backward(const Pool2dSize& size, const Pool2dOptions& options, const T* grad_output, T* grad_x) {
  choose_pool_cells(size, grad_x, [&](auto index, auto cells, auto few) {
    using I = decltype(index);
    constexpr size_t together = decltype(cells)::value;
    constexpr auto neighbours = static_cast<int64_t>(together);
    const int64_t packs = size.window.w.size / neighbours, threads = pool_inputs(size) / neighbours;
    launch("avg_pool2d_backward", &avg_pool2d_backward_kernel<T, I, together, decltype(few)::value>, grid_for(threads),
           PoolAxes<I>(size), Divider<I>(packs), threads, Divisor<T>(options), grad_output, grad_x);
  });
}

#define INSTANTIATE(T)                                                                     \
  template void avg_pool2d_forward(const Pool2dSize&, const Pool2dOptions&, const T*, T*); \
  template void avg_pool2d_backward(const Pool2dSize&, const Pool2dOptions&, const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cuda
