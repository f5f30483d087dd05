#include "ops/layer_norm.h"

#include <algorithm>

#include "cpu/aligned_buffer.h"
#include "cpu/dispatch.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t elements_per_task = 1 << 14;

int64_t rows_per_task(int64_t length) { return std::max<int64_t>(1, elements_per_task / std::max<int64_t>(length, 1)); }

// `values`, or where there are none the same number everywhere.
template <class T>
class ValuesOr {
 public:
  ValuesOr(const T* values, int64_t length, T otherwise) : filled_(values ? 0 : length), values_(values) {
    if (values_) return;
    std::fill_n(filled_.data(), length, otherwise);
    values_ = filled_.data();
  }
  const T* data() const { return values_; }

 private:
  AlignedBuffer<T> filled_;
  const T* values_;
};

// Adds up the sums over the rows of each chunk, 2 * length a chunk, in the order of the chunks.
template <class T>
void take_sums(double* partial, int64_t chunks, int64_t length, const LayerNormGradients<T>& grads) {
  constexpr int64_t columns_per_task = 1 << 10;
  const int64_t columns = 2 * length;
  parallel_for(columns, columns_per_task, [&](int64_t begin, int64_t end) {
    double* total = partial + begin;
    kernels<double>().gemm.sum_rows(total + columns, columns, chunks - 1, end - begin, true, total);
    for (int64_t j = begin; j < end; ++j) {
      T* grad = j < length ? grads.weight : grads.bias;
      if (!grad) continue;
      T& value = grad[j < length ? j : j - length];
      value = static_cast<T>(partial[j] + (grads.accumulate ? static_cast<double>(value) : 0));
    }
  });
}

}  // namespace

template <class T>
void layer_norm_forward(const LayerNormInputs<T>& in, T* y, T* mean, T* rstd) {
  const int64_t n = in.length;
  const ValuesOr<T> weight(in.weight, n, T(1)), bias(in.bias, n, T(0));
  parallel_for(in.rows, rows_per_task(n), [&](int64_t begin, int64_t end) {
    const LayerNormRows<T> rows{end - begin, n, in.x + begin * n, weight.data(), bias.data()};
    kernels<T>().layer_norm.forward(rows, in.eps, y + begin * n, mean + begin, rstd + begin);
  });
}

template <class T>
void layer_norm_backward(const LayerNormBackwardInputs<T>& in, const LayerNormGradients<T>& grads) {
  constexpr int64_t most_chunks = 32, fewest_rows = 4;  // the sums of a chunk cost about as much as three rows
  const int64_t n = in.length;
  const ValuesOr<T> weight(in.weight, n, T(1));
  const bool wants_sums = grads.weight || grads.bias;
  const int64_t grain = std::max({2 * rows_per_task(n), (in.rows + most_chunks - 1) / most_chunks, fewest_rows});
  const int64_t chunks = std::max<int64_t>(1, (in.rows + grain - 1) / grain);
  AlignedBuffer<double> partial(wants_sums ? chunks * 2 * n : 0);
  if (wants_sums && in.rows == 0) std::fill_n(partial.data(), 2 * n, 0.0);
  parallel_for(in.rows, grain, [&](int64_t begin, int64_t end) {
    AlignedBuffer<T> scratch(wants_sums ? 2 * n : 0);
    kernels<T>().layer_norm.backward({.rows = end - begin,
                                      .length = n,
                                      .grad_y = in.grad_output + begin * n,
                                      .x = in.x + begin * n,
                                      .mean = in.mean + begin,
                                      .rstd = in.rstd + begin,
                                      .weight = weight.data(),
                                      .grad_x = grads.x ? grads.x + begin * n : nullptr,
                                      .scratch = scratch.data(),
                                      .sums = wants_sums ? partial.data() + begin / grain * 2 * n : nullptr});
  });
  if (wants_sums) take_sums(partial.data(), chunks, n, grads);
}

#define INSTANTIATE(T)                                                     \
  template void layer_norm_forward(const LayerNormInputs<T>&, T*, T*, T*); \
  template void layer_norm_backward(const LayerNormBackwardInputs<T>&, const LayerNormGradients<T>&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cpu
