#include "ops/layer_norm.h"

#include "cuda/normalised_rows.cuh"

namespace fastnn::cuda {
namespace {

// y = (x - mean) rstd weight + bias for one row.
template <class T>
struct NormalizeRow {
  const T *weight, *bias;  // null: ones, zeros
  T mean, rstd;
  bool aligned;

  template <size_t size>
  __device__ Pack<T, size> operator()(const Pack<T, size>& x, int64_t at) const {
    const Pack<T, size> w = load_or<T, size>(weight, at, T(1), aligned);
    const Pack<T, size> b = load_or<T, size>(bias, at, T(0), aligned);
    Pack<T, size> y;
    FASTNN_UNROLL
    for (int i = 0; i < y.size; ++i) y.lane[i] = fma_of((x.lane[i] - mean) * rstd, w.lane[i], b.lane[i]);
    return y;
  }
};

template <class T>
__device__ inline NormalizeRow<T> settle(const LayerNormInputs<T>& in, const Moments& m, bool aligned) {
  return {in.weight, in.bias, static_cast<T>(m.mean), static_cast<T>(1 / sqrt(m.m2 / m.count + in.eps)), aligned};
}

template <class T>
__device__ inline void keep(const NormalizeRow<T>& row, int64_t at, T* mean, T* rstd) {
  mean[at] = row.mean;
  rstd[at] = row.rstd;
}

template <class T, size_t size, size_t packs>
__global__ void layer_norm_kernel(LayerNormInputs<T> in, bool aligned, T* y, T* mean, T* rstd) {
  const int64_t at = row_of_warp();
  if (at >= in.rows) return;
  const WarpRow<size, packs> row{static_cast<int>(in.length)};
  const T* x = in.x + at * in.length;
  Pack<T, size> value[packs];
  T sum(0), s1(0), s2(0);
  row.for_each_pack([&](int p, int j) {
    value[p] = load_numbers<T, size>(x + j, aligned);
    FASTNN_UNROLL
    for (int i = 0; i < row.step; ++i) sum += value[p].lane[i];
  });
  const T first_mean = warp_sum(sum) / static_cast<T>(in.length);
  row.for_each_pack([&](int p, int) {
    FASTNN_UNROLL
    for (int i = 0; i < row.step; ++i) {
      const T d = value[p].lane[i] - first_mean;
      s1 += d;
      s2 = fma_of(d, d, s2);
    }
  });
  const Moments moments = moments_about(static_cast<double>(first_mean), static_cast<double>(in.length),
                                        warp_sum(static_cast<double>(s1)), warp_sum(static_cast<double>(s2)));
  const NormalizeRow<T> normalize = settle(in, moments, aligned);
  if (lane_of_warp() == 0) keep(normalize, at, mean, rstd);
  row.for_each_pack([&](int p, int j) { store_numbers(y + at * in.length + j, normalize(value[p], j), aligned); });
}

// Long rows, which are read twice, the second time from a cache.
template <class T, size_t size>
__global__ void layer_norm_long_kernel(LayerNormInputs<T> in, bool aligned, T* y, T* mean, T* rstd) {
  constexpr auto step = static_cast<int64_t>(size);
  const int64_t at = block_of_grid(), packs = in.length / step;
  const MomentsOf<T> source{in.x + at * in.length, aligned};
  Moments moments = MomentsOf<T>::none();
  for_each_batch<values_at_once / size>(int64_t{thread_of_block()}, packs, int64_t{threads_of_block()},
                                        [&](const auto& pack) { take_packs<size>(source, moments, pack); });
  moments = block_reduce(moments, MomentsOf<T>::none(), JoinMoments{});
  const NormalizeRow<T> normalize = settle(in, moments, aligned);
  if (thread_of_block() == 0) keep(normalize, at, mean, rstd);
  for (int64_t p = thread_of_block(); p < packs; p += threads_of_block()) {
    const int64_t j = p * step;
    store_numbers(y + at * in.length + j, normalize(load_numbers<T, size>(source.x + j, aligned), j), aligned);
  }
}

}  // namespace

template <class T>
void layer_norm_forward(const LayerNormInputs<T>& in, T* y, T* mean, T* rstd) {
  const bool aligned = aligned_to_packs(in.x, y, in.weight, in.bias);
  choose_row<T>(in.length, [&]<class Size, class Packs>(Size, Packs) {
    if constexpr (Packs::value == 0) {
      launch("layer_norm", &layer_norm_long_kernel<T, Size::value>, grid_of_blocks(in.rows), in, aligned, y, mean,
             rstd);
    } else {
      launch("layer_norm", &layer_norm_kernel<T, Size::value, Packs::value>, grid_of_warps(in.rows), in, aligned, y,
             mean, rstd);
    }
  });
}

template void layer_norm_forward(const LayerNormInputs<float>&, float*, float*, float*);
template void layer_norm_forward(const LayerNormInputs<double>&, double*, double*, double*);

}  // namespace fastnn::cuda
