#include "cuda/channels.cuh"
#include "cuda/gradient_sums.cuh"
#include "cuda/normalised_rows.cuh"
#include "ops/layer_norm.h"

namespace fastnn::cuda {
namespace {

// --- weight and bias: columns of a matrix --------------------------------------------------------

// Of a column: sum of g, and sum of g (x - mean) rstd with the statistics of the row.
template <class T, class I>
struct ColumnSums {
  using Value = T;
  using Sums = GradientSums;
  using Join = AddSums;
  static __host__ __device__ Sums none() { return {0, 0}; }

  const T *grad_y, *x;  // x is null where only the first sum is wanted
  const T *mean, *rstd;
  Divider<I> by_length;

  __device__ ColumnSums of_channel(int64_t) const { return *this; }

  template <size_t size, size_t count>
  __device__ void take(Sums& sums, const int64_t (&at)[count]) const {
    T g[count], normal[count];
    FASTNN_UNROLL
    for (int i = 0; i < static_cast<int>(count); ++i) {
      const I row = by_length.quotient(static_cast<I>(at[i]));
      g[i] = grad_y[at[i]];
      normal[i] = x ? (x[at[i]] - mean[row]) * rstd[row] : T(0);
    }
    sums.add(g, normal);
  }
};

template <class T>
struct PutSums {
  ParameterGradients<T> gradients;
  __device__ void operator()(int64_t column, const GradientSums& sums) const {
    gradients.put(column, sums.product, sums.g);
  }
};

template <class T>
void parameter_gradients(const char* op, const LayerNormBackwardInputs<T>& in, const LayerNormGradients<T>& grads) {
  const PutSums<T> put{{grads.weight, grads.bias, grads.accumulate}};
  const AxisView columns{in.rows, in.length, 1};
  by_width(fits_32_bits(in.rows * in.length), [&](auto index) {
    using Source = ColumnSums<T, decltype(index)>;
    if (columns.empty()) return join_parts<Source>(op, {in.length, 1, 0, 0, 0}, nullptr, put);
    const Source source{in.grad_output, grads.weight ? in.x : nullptr, in.mean, in.rstd,
                        Divider<decltype(index)>(in.length)};
    sums_by_channel(op, columns, source, put);
  });
}

// --- x: rows -------------------------------------------------------------------------------------

// Of a row, with u = g weight and d = x - mean: sum of u, and sum of u d.
template <class T>
struct RowSums {
  using Sums = GradientSums;

  const T *grad_y, *x, *weight;  // the row; weight may be null: ones
  T mean;
  bool aligned;

  // u and d of a pack.
  template <size_t size>
  __device__ void load(int64_t at, T* u, T* d) const {
    const auto g = load_numbers<T, size>(grad_y + at, aligned), value = load_numbers<T, size>(x + at, aligned);
    const auto w = load_or<T, size>(weight, at, T(1), aligned);
    FASTNN_UNROLL
    for (int i = 0; i < g.size; ++i) {
      u[i] = g.lane[i] * w.lane[i];
      d[i] = value.lane[i] - mean;
    }
  }
  template <size_t size, size_t packs>
  __device__ void take(Sums& sums, const int64_t (&at)[packs]) const {
    T u[packs * size], d[packs * size];
    FASTNN_UNROLL
    for (int p = 0; p < static_cast<int>(packs); ++p) {
      load<size>(at[p], u + p * static_cast<int>(size), d + p * static_cast<int>(size));
    }
    sums.add(u, d);
  }
};

// grad_x = rstd (u - offset - slope d)
template <class T>
struct RowGradient {
  T rstd, offset, slope;

  __device__ RowGradient(T scale, const GradientSums& sums, int64_t length)
      : rstd(scale), offset(static_cast<T>(sums.g / static_cast<double>(length))) {
    const auto r = static_cast<double>(scale);
    slope = static_cast<T>(r * r * sums.product / static_cast<double>(length));
  }
  template <size_t size>
  __device__ void store(T* grad_x, const T* u, const T* d, bool aligned) const {
    Pack<T, size> result;
    FASTNN_UNROLL
    for (int i = 0; i < result.size; ++i) result.lane[i] = rstd * fma_of(-slope, d[i], u[i] - offset);
    store_numbers(grad_x, result, aligned);
  }
};

template <class T>
__device__ inline RowSums<T> row_sums(const LayerNormBackwardInputs<T>& in, int64_t row, bool aligned) {
  return {in.grad_output + row * in.length, in.x + row * in.length, in.weight, in.mean[row], aligned};
}

template <class T, size_t size, size_t packs>
__global__ void layer_norm_backward_kernel(LayerNormBackwardInputs<T> in, bool aligned, T* grad_x) {
  const int64_t at = row_of_warp();
  if (at >= in.rows) return;
  const WarpRow<size, packs> row{static_cast<int>(in.length)};
  const RowSums<T> source = row_sums(in, at, aligned);
  T u[packs * size] = {}, d[packs * size] = {};
  row.for_each_pack([&](int p, int j) { source.template load<size>(j, u + p * row.step, d + p * row.step); });
  GradientSums sums{0, 0};
  sums.add(u, d);
  const RowGradient<T> gradient(in.rstd[at], warp_reduce(sums, AddSums{}), in.length);
  row.for_each_pack([&](int p, int j) {
    gradient.template store<size>(grad_x + at * in.length + j, u + p * row.step, d + p * row.step, aligned);
  });
}

template <class T, size_t size>
__global__ void layer_norm_backward_long_kernel(LayerNormBackwardInputs<T> in, bool aligned, T* grad_x) {
  constexpr auto step = static_cast<int64_t>(size);
  const int64_t at = block_of_grid(), packs = in.length / step;
  const RowSums<T> source = row_sums(in, at, aligned);
  GradientSums sums{0, 0};
  for_each_batch<values_at_once / size>(int64_t{thread_of_block()}, packs, int64_t{threads_of_block()},
                                        [&](const auto& pack) { take_packs<size>(source, sums, pack); });
  const RowGradient<T> gradient(in.rstd[at], block_reduce(sums, GradientSums{0, 0}, AddSums{}), in.length);
  for (int64_t p = thread_of_block(); p < packs; p += threads_of_block()) {
    T u[size], d[size];
    source.template load<size>(p * step, u, d);
    gradient.template store<size>(grad_x + at * in.length + p * step, u, d, aligned);
  }
}

}  // namespace

// grad_x comes last: it may lie where g or x does.
template <class T>
void layer_norm_backward(const LayerNormBackwardInputs<T>& in, const LayerNormGradients<T>& grads) {
  const char* op = "layer_norm_backward";
  if (grads.weight || grads.bias) parameter_gradients(op, in, grads);
  if (!grads.x) return;
  const bool aligned = aligned_to_packs(in.grad_output, in.x, in.weight, grads.x);
  choose_row<T>(in.length, [&]<class Size, class Packs>(Size, Packs) {
    if constexpr (Packs::value == 0) {
      launch(op, &layer_norm_backward_long_kernel<T, Size::value>, grid_of_blocks(in.rows), in, aligned, grads.x);
    } else {
      launch(op, &layer_norm_backward_kernel<T, Size::value, Packs::value>, grid_of_warps(in.rows), in, aligned,
             grads.x);
    }
  });
}

template void layer_norm_backward(const LayerNormBackwardInputs<float>&, const LayerNormGradients<float>&);
template void layer_norm_backward(const LayerNormBackwardInputs<double>&, const LayerNormGradients<double>&);

}  // namespace fastnn::cuda
