// Maximum pooling. A cell takes the lead where it is larger or NaN: so the first of equal maxima stays and the last
// NaN does, which nothing is larger than.
#include "cuda/note_offence.cuh"
#include "cuda/pool_team.cuh"

namespace fastnn::cuda {
namespace {

template <class T>
constexpr T lowest = -static_cast<T>(__builtin_inf());

// The leading cell and its number; the first cell of a window leads it until one is larger than -inf.
template <class T, class I>
struct Leader {
  T value;
  I cell;

  __device__ void meet(T other, I at) {
    const bool leads = other > value || other != other;
    value = leads ? other : value;
    cell = leads ? at : cell;
  }
};

// Of two parts of a window, in any order.
struct Lead {
  template <class T, class I>
  __device__ Leader<T, I> operator()(const Leader<T, I>& a, const Leader<T, I>& b) const {
    const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
    const bool earlier = a.cell < b.cell;
    const bool first =
        a_nan || b_nan ? a_nan && (!b_nan || !earlier) : a.value > b.value || (a.value == b.value && earlier);
    return first ? a : b;
  }
};

template <class T, class I>
__device__ inline Leader<T, I> from_lane_xor(const Leader<T, I>& leader, int bits) {
  return {cuda::from_lane_xor(leader.value, bits), cuda::from_lane_xor(leader.cell, bits)};
}

// `cell` is the leading one's number in the plane, -1 for a window without a cell.
template <class T, class I>
__device__ void store(const PoolAxes<I>& axes, const PoolOutput<I>& out, I at, Leader<T, I> leader, T* y,
                      const MaxPlaces& places) {
  y[at] = leader.value;
  if (places.indices) places.indices[at] = leader.cell;
  if (!places.taps) return;
  const I row = leader.cell < 0 ? I{0} : axes.w.by_size.quotient(leader.cell), column = leader.cell - row * axes.w.size;
  const I r = row - pool_extent(axes.h, out.o).begin, c = column - pool_extent(axes.w, out.q).begin;
  const I tap = (axes.h.dilation == 1 ? r : r / axes.h.dilation) * axes.w.kernel +
                (axes.w.dilation == 1 ? c : c / axes.w.dilation);
  places.taps[at] = leader.cell < 0 ? uint8_t{0} : static_cast<uint8_t>(tap);
}

// A thread a window, by rows.
template <class T, class I>
__global__ void max_pool2d_kernel(PoolAxes<I> axes, const T* x, T* y, MaxPlaces places) {
  const int64_t at = thread_of_grid();
  if (at >= axes.outputs) return;
  const PoolOutput<I> out(axes, static_cast<I>(at));
  const PoolSpanOf<I> rows = pool_span(axes.h, out.o), columns = pool_span(axes.w, out.q);
  const T* plane = x + out.plane * axes.cells;
  const I first = rows.first * axes.w.size + columns.first;
  Leader<T, I> leader{lowest<T>, rows.count == 0 || columns.count == 0 ? I{-1} : first};
  for (I r = 0; r < rows.count; ++r) {
    const I row = first + r * axes.h.dilation * axes.w.size;
    for (I c = 0; c < columns.count; ++c) {
      const I cell = row + c * axes.w.dilation;
      leader.meet(plane[cell], cell);
    }
  }
  store(axes, out, static_cast<I>(at), leader, y, places);
}

template <class T, class I, size_t kernel>
__global__ void max_pool2d_small_kernel(PoolAxes<I> axes, const T* x, T* y, MaxPlaces places) {
  const int64_t at = thread_of_grid();
  if (at >= axes.outputs) return;
  const PoolOutput<I> out(axes, static_cast<I>(at));
  const PoolTaps<T, I, kernel> taps(axes, out, x, lowest<T>);
  Leader<T, I> leader{lowest<T>, larger(taps.top, I{0}) * axes.w.size + larger(taps.left, I{0})};
  FASTNN_UNROLL
  for (int r = 0; r < static_cast<int>(kernel); ++r) {
    FASTNN_UNROLL
    for (int c = 0; c < static_cast<int>(kernel); ++c)
      leader.meet(taps.value[r][c], (taps.top + r) * axes.w.size + taps.left + c);
  }
  store(axes, out, static_cast<I>(at), leader, y, places);
}

template <class T, class I, int team>
__global__ void max_pool2d_team_kernel(PoolAxes<I> axes, const T* x, T* y, MaxPlaces places) {
  const int64_t at = window_of_team<team>();
  if (at >= axes.outputs) return;
  const PoolOutput<I> out(axes, static_cast<I>(at));
  const TeamWindow<T, I, team> window(axes, out, x);
  const I first = window.rows.first * axes.w.size + window.columns.first;
  const Leader<T, I> start{lowest<T>, window.empty() ? I{-1} : first};
  Leader<T, I> leader = start;
  window.for_each([&](T value, I cell) { leader.meet(value, first + cell); });
  leader = team_reduce<team>(leader, start, Lead{});
  if (thread_of_block() % team == 0) store(axes, out, static_cast<I>(at), leader, y, places);
}

template <class T, class I>
void launch_max_pool2d(const Pool2dSize& size, const T* x, T* y, const MaxPlaces& places) {
  const PoolKernels<void (*)(PoolAxes<I>, const T*, T*, MaxPlaces)> kernels{
      &max_pool2d_small_kernel<T, I, 2>, &max_pool2d_small_kernel<T, I, 3>, &max_pool2d_kernel<T, I>,
      &max_pool2d_team_kernel<T, I, warp_lanes>, &max_pool2d_team_kernel<T, I, block_threads>};
  launch_pool("max_pool2d", size, kernels, PoolAxes<I>(size), x, y, places);
}

// Indices have to lie in the rows of their windows, as on the CPU, and -1 where a window has no cell.
template <class I>
__global__ void check_indices_kernel(PoolAxes<I> axes, Window window, const int64_t* indices, Offence* record,
                                     int check) {
  int64_t first = no_offence;
  for (int64_t at = thread_of_grid(); at < axes.outputs; at += threads_of_grid()) {
    const PoolOutput<I> out(axes, static_cast<I>(at));
    const PoolSpanOf<I> rows = pool_span(axes.h, out.o);
    const PoolRange cells = cells_of_rows(window, {rows.first, rows.count, rows.tap});
    const int64_t index = indices[at];
    if (index >= cells.begin && index < cells.end) continue;
    if (index == -1 && (rows.count == 0 || pool_span(axes.w, out.q).count == 0)) continue;
    first = smaller(first, at);
  }
  note_first_offence(record, check, first, [=](int64_t at) { return indices[at]; });
}

}  // namespace

template <class T>
void max_pool2d_forward(const Pool2dSize& size, const T* x, T* y, const MaxPlaces& places) {
  by_width(pool_fits_32_bits(size), [&](auto index) { launch_max_pool2d<T, decltype(index)>(size, x, y, places); });
}

void check_max_pool2d_indices(const Pool2dSize& size, Shape shape, const int64_t* indices) {
  const Window window = size.window;
  std::vector<int64_t> dims(shape.begin(), shape.end());
  std::string key = concat("max_pool2d_backward|", to_string(shape));
  for (const WindowAxis& a : {window.h, window.w}) {
    key += concat("|", a.size, " ", a.kernel, " ", a.stride, " ", a.dilation, " ", a.before, " ", a.output);
  }
  const int check = register_check(key, [window, dims](const Offence& found) {
    const int64_t o = found.position / window.w.output % window.h.output;
    fail_pool_index(dims, cells_of_rows(window, pool_span(window.h, o)), found.value_as<int64_t>(), found.position);
  });
  by_width(pool_fits_32_bits(size), [&](auto index) {
    using I = decltype(index);
    launch("check_max_pool2d_indices", &check_indices_kernel<I>, grid_for(pool_outputs(size)), PoolAxes<I>(size),
           window, indices, offence_record(), check);
  });
}

template void max_pool2d_forward(const Pool2dSize&, const float*, float*, const MaxPlaces&);
template void max_pool2d_forward(const Pool2dSize&, const double*, double*, const MaxPlaces&);

}  // namespace fastnn::cuda
