// A window with many cells, such as the whole plane, is read by a team of threads: a warp, or for the largest a block.
#pragma once

#include "cuda/pool_window.cuh"
#include "cuda/reduce.cuh"

namespace fastnn::cuda {

// One window, read by the `team` threads of this warp or block.
template <class T, class I, int team>
struct TeamWindow {
  PoolSpanOf<I> rows, columns;
  const T* cells;  // the first of the window
  I width, row_step, column_step;

  __device__ TeamWindow(const PoolAxes<I>& axes, const PoolOutput<I>& out, const T* x)
      : rows(pool_span(axes.h, out.o)),
        columns(pool_span(axes.w, out.q)),
        cells(x + out.plane * axes.cells + static_cast<int64_t>(rows.first) * axes.w.size + columns.first),
        width(axes.w.size),
        row_step(axes.h.dilation * axes.w.size),
        column_step(axes.w.dilation) {}

  __device__ bool empty() const { return rows.count == 0 || columns.count == 0; }

  // body(value, cells from the first of the window), in the order of cells for each thread.
  template <class Body>
  __device__ void for_each(const Body& body) const {
    const I lane = thread_of_block() % team, n = rows.count * columns.count;
    if (columns.count == width && row_step == width) return for_each_in_turn(lane, n, body);
    for (I k = lane; k < n; k += team) {
      const I row = k / columns.count, at = row * row_step + (k - row * columns.count) * column_step;
      body(cells[at], at);
    }
  }

 private:
  // Whole rows follow each other without a gap.
  template <class Body>
  __device__ void for_each_in_turn(I lane, I n, const Body& body) const {
    constexpr I size = Pack<T>::size;
    const I packs = aligned_to_packs(cells) ? n / size : I{0};
    for (I p = lane; p < packs; p += team) {
      const Pack<T> values = load_pack(cells, p);
      FASTNN_UNROLL
      for (int i = 0; i < static_cast<int>(size); ++i) body(values.lane[i], p * size + i);
    }
    for (I k = packs * size + lane; k < n; k += team) body(cells[k], k);
  }
};

// Of the values of a team, in all of its threads.
template <int team, class V, class Op>
__device__ inline V team_reduce(V value, V neutral, Op op) {
  if constexpr (team == block_threads) {
    return block_reduce(value, neutral, op);
  } else {
    return warp_reduce(value, op);
  }
}

// The number of the window of this thread's team.
template <int team>
__device__ inline int64_t window_of_team() {
  return block_of_grid() * (block_threads / team) + thread_of_block() / team;
}

// Threads for a window; 1: a thread each, which also suits windows of many cells that neighbours share.
inline int pool_team(const Window& window) {
  const auto cells = [](const WindowAxis& a) { return std::min(a.kernel, a.size); };
  const auto shared = [=](const WindowAxis& a) { return a.stride > 0 && 2 * a.stride < cells(a); };
  const double all = static_cast<double>(cells(window.h)) * static_cast<double>(cells(window.w));
  if (all < warp_lanes || shared(window.h) || shared(window.w)) return 1;
  return all <= 8192 ? warp_lanes : block_threads;
}

// How the windows of a plane may be read. PoolTaps suit kernels of 2 and 3.
template <class Kernel>
struct PoolKernels {
  Kernel two, three, by_thread, by_warp, by_block;
};

template <class Kernel, class... Arguments>
void launch_pool(const char* name, const Pool2dSize& size, const PoolKernels<Kernel>& kernels,
                 const Arguments&... arguments) {
  const Window& window = size.window;
  const auto is = [&](int64_t kernel) {
    const auto fits = [=](const WindowAxis& a) { return a.kernel == kernel && a.stride > 0 && a.dilation == 1; };
    return fits(window.h) && fits(window.w);
  };
  const int team = is(2) || is(3) ? 1 : pool_team(window);
  const Kernel large = team == 1 ? kernels.by_thread : team == warp_lanes ? kernels.by_warp : kernels.by_block;
  launch(name, is(2) ? kernels.two : is(3) ? kernels.three : large, grid_for(pool_outputs(size) * team), arguments...);
}

}  // namespace fastnn::cuda
