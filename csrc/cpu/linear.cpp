#include "ops/linear.h"

#include <algorithm>

#include "cpu/dispatch.h"
#include "cpu/gemm.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t elements_per_task = 1 << 15;
constexpr int64_t column_step = 64;  // whole cache lines and vectors a task

template <class T>
void sum_rows(int64_t rows, int64_t columns, const T* x, bool accumulate, T* out) {
  const int64_t wanted = elements_per_task / std::max<int64_t>(rows, 1);
  const int64_t grain = std::max<int64_t>(1, wanted / column_step) * column_step;
  parallel_for(columns, grain, [&](int64_t begin, int64_t end) {
    kernels<T>().gemm.sum_rows(x + begin, columns, rows, end - begin, accumulate, out + begin);
  });
}

}  // namespace

template <class T>
void linear_forward(const LinearSize& s, const T* x, const T* weight, const T* bias, bool relu, T* y) {
  gemm<T>({s.batch, s.out_features, s.in_features}, row_major(x, s.in_features), transposed(weight, s.in_features), y,
          false, {bias, relu});
}

template <class T>
void linear_backward(const LinearSize& s, const T* grad_output, const T* x, const T* weight,
                     const LinearGradients<T>& grads) {
  const auto grad = row_major(grad_output, s.out_features);
  if (grads.x) {
    gemm<T>({s.batch, s.in_features, s.out_features}, grad, row_major(weight, s.in_features), grads.x, false);
  }
  if (grads.weight) {
    gemm<T>({s.out_features, s.in_features, s.batch}, transposed(grad_output, s.out_features),
            row_major(x, s.in_features), grads.weight, grads.accumulate);
  }
  if (grads.bias) sum_rows(s.batch, s.out_features, grad_output, grads.accumulate, grads.bias);
}

#define INSTANTIATE(T)                                                                     \
  template void linear_forward(const LinearSize&, const T*, const T*, const T*, bool, T*); \
  template void linear_backward(const LinearSize&, const T*, const T*, const T*, const LinearGradients<T>&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cpu
