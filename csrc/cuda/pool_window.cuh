// The windows of pooling as kernels see them: worked out where they are needed, with 32 bits where these are enough.
#pragma once

#include "cuda/divider.cuh"
#include "cuda/elementwise.cuh"
#include "ops/pool2d.h"

namespace fastnn::cuda {

template <class I>
struct PoolAxis {
  I size, kernel, stride, dilation, before, after, output;
  Divider<I> by_stride, by_output, by_size;

  explicit PoolAxis(const WindowAxis& a)
      : size(static_cast<I>(a.size)),
        kernel(static_cast<I>(a.kernel)),
        stride(static_cast<I>(a.stride)),
        dilation(static_cast<I>(a.dilation)),
        before(static_cast<I>(a.before)),
        after(static_cast<I>(a.after)),
        output(static_cast<I>(a.output)),
        by_stride(std::max<int64_t>(1, a.stride)),
        by_output(std::max<int64_t>(1, a.output)),
        by_size(std::max<int64_t>(1, a.size)) {}

  // The windows that may hold input cell i.
  __device__ PoolRangeOf<I> cover(I i) const {
    if (stride == 0) return adaptive_cover(i);
    const I reach = i + before, span = dilation * (kernel - 1) + 1;
    return {reach < span ? I{0} : by_stride.quotient(reach - span) + 1,
            smaller(output, by_stride.quotient(reach) + I{1})};
  }

 private:
  // Both ends of windows ascend; a product of i and `output` might overflow, the guess is wrong by one at most.
  __device__ PoolRangeOf<I> adaptive_cover(I i) const {
    I begin = static_cast<I>(static_cast<double>(i) * static_cast<double>(output) / static_cast<double>(size));
    while (begin > 0 && pool_extent(*this, begin - I{1}).end > i) --begin;
    while (pool_extent(*this, begin).end <= i) ++begin;
    I end = begin + 1;
    while (end < output && pool_extent(*this, end).begin <= i) ++end;
    return {begin, end};
  }
};

template <class I>
struct PoolAxes {
  PoolAxis<I> h, w;
  I outputs;      // of all planes
  int64_t cells;  // of a plane

  explicit PoolAxes(const Pool2dSize& size)
      : h(size.window.h),
        w(size.window.w),
        outputs(static_cast<I>(size.planes * size.window.h.output * size.window.w.output)),
        cells(size.window.h.size * size.window.w.size) {}
};

// Output cell number `at` of all planes.
template <class I>
struct PoolOutput {
  I plane, o, q;

  __device__ PoolOutput(const PoolAxes<I>& axes, I at) {
    const I row = axes.w.by_output.quotient(at);
    q = at - row * axes.w.output;
    plane = axes.h.by_output.quotient(row);
    o = row - plane * axes.h.output;
  }
};

// The cells of a square window without dilation, with `padding` beyond the plane; all are asked for at once.
template <class T, class I, size_t kernel>
struct PoolTaps {
  I top, left;
  T value[kernel][kernel];

  __device__ PoolTaps(const PoolAxes<I>& axes, const PoolOutput<I>& out, const T* x, T padding)
      : top(out.o * axes.h.stride - axes.h.before), left(out.q * axes.w.stride - axes.w.before) {
    const T* plane = x + out.plane * axes.cells;
    FASTNN_UNROLL
    for (int r = 0; r < static_cast<int>(kernel); ++r) {
      FASTNN_UNROLL
      for (int c = 0; c < static_cast<int>(kernel); ++c) {
        const I i = top + r, j = left + c;
        const bool inside = i >= 0 && i < axes.h.size && j >= 0 && j < axes.w.size;
        value[r][c] = inside ? plane[i * axes.w.size + j] : padding;
      }
    }
  }
};

inline int64_t pool_outputs(const Pool2dSize& size) {
  return size.planes * size.window.h.output * size.window.w.output;
}
inline int64_t pool_inputs(const Pool2dSize& size) { return size.planes * size.window.h.size * size.window.w.size; }

inline bool pool_fits_32_bits(const Pool2dSize& size) {
  constexpr int64_t most = 1 << 28;
  const auto fits = [](const WindowAxis& a) {
    const bool sums = a.size + a.before + a.after <= most && a.span() <= most && a.stride <= most;
    return sums && (a.stride > 0 || (a.size + 1) * (a.output + 1) <= most);
  };
  return fits(size.window.h) && fits(size.window.w) && fits_32_bits(pool_outputs(size)) &&
         fits_32_bits(pool_inputs(size));
}

// The gradients by x, in gather form: a thread takes `size` neighbours of a row of x and meets every window that may
// hold one of them once, in the order of windows.
template <class I, size_t count>
struct PoolCells {
  static constexpr int size = static_cast<int>(count);
  I plane, i, j;

  __device__ PoolCells(const PoolAxes<I>& axes, const Divider<I>& by_packs, I at) {
    const I row = by_packs.quotient(at);
    j = by_packs.remainder(at) * size;
    plane = axes.h.by_size.quotient(row);
    i = row - plane * axes.h.size;
  }

  // Where the first of them lies among all of x.
  __device__ int64_t first(const PoolAxes<I>& axes) const {
    return (static_cast<int64_t>(plane) * axes.h.size + i) * axes.w.size + j;
  }

  // body(o, q, the number of the window). Where `few` says that 2 x 3 windows are the most, all are asked for at once.
  template <bool few, class Body>
  __device__ void for_each_window(const PoolAxes<I>& axes, const Body& body) const {
    const PoolRangeOf<I> rows = axes.h.cover(i), last = axes.w.cover(j + size - 1);
    const PoolRangeOf<I> columns{size == 1 ? last.begin : axes.w.cover(j).begin, last.end};
    const auto number = [&](I o, I q) { return (static_cast<int64_t>(plane) * axes.h.output + o) * axes.w.output + q; };
    if constexpr (few) {
      FASTNN_UNROLL
      for (int r = 0; r < 2; ++r) {
        FASTNN_UNROLL
        for (int c = 0; c < 3; ++c) {
          const I o = rows.begin + r, q = columns.begin + c;
          if (o < rows.end && q < columns.end) body(o, q, number(o, q));
        }
      }
    } else {
      for (I o = rows.begin; o < rows.end; ++o) {
        for (I q = columns.begin; q < columns.end; ++q) body(o, q, number(o, q));
      }
    }
  }
};

// Whether for_each_window may take 2 x 3 windows as the most.
inline bool few_windows(const Window& window, size_t size) {
  const auto most = [](const WindowAxis& a, int cells) { return (a.span() + cells - 2) / a.stride + 1; };
  return window.h.stride > 0 && window.w.stride > 0 && most(window.h, 1) <= 2 &&
         most(window.w, static_cast<int>(size)) <= 3;
}

// body(I, size, few) with the index type, the neighbours of a thread and whether windows are few as constants.
template <class T, class Body>
void choose_pool_cells(const Pool2dSize& size, const T* grad_x, const Body& body) {
  constexpr size_t pack = 16 / sizeof(T);
  by_width(pool_fits_32_bits(size), [&](auto index) {
    const auto by_few = [&](auto cells) {
      if (few_windows(size.window, cells)) {
        body(index, cells, std::true_type{});
      } else {
        body(index, cells, std::false_type{});
      }
    };
    if (aligned_to_packs(grad_x) && size.window.w.size % Pack<T>::size == 0) {
      by_few(std::integral_constant<size_t, pack>{});
    } else {
      by_few(std::integral_constant<size_t, 1>{});
    }
  });
}

}  // namespace fastnn::cuda
