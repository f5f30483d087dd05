#include "ops/adam.h"

#include <cmath>

#include "cpu/dispatch.h"
#include "cpu/tensor_list.h"

namespace fastnn::cpu {
namespace {

// The bias corrections are worked out in double, where 1 - 0.999 still has its digits.
template <class T>
AdamConstants<T> fold_constants(const AdamOptions& o) {
  const auto step = static_cast<double>(o.step);
  const double correction1 = 1.0 - std::pow(o.beta1, step);
  const double root2 = std::sqrt(1.0 - std::pow(o.beta2, step));
  return {.beta1 = static_cast<T>(o.beta1),
          .one_minus_beta1 = static_cast<T>(1.0 - o.beta1),
          .beta2 = static_cast<T>(o.beta2),
          .one_minus_beta2 = static_cast<T>(1.0 - o.beta2),
          .step_size = static_cast<T>(o.lr * root2 / correction1),
          .eps = static_cast<T>(o.eps * root2),
          .weight_decay = o.decoupled ? T(0) : static_cast<T>(o.weight_decay),
          .keep = o.decoupled ? static_cast<T>(1.0 - o.lr * o.weight_decay) : T(1),
          .sign = o.maximize ? T(-1) : T(1)};
}

}  // namespace

template <class T>
void adam_step(std::span<const AdamTensor<T>> tensors, const AdamOptions& options) {
  const AdamConstants<T> constants = fold_constants<T>(options);
  for_each_piece(tensors, [&](const AdamTensor<T>& t, int64_t begin, int64_t end) {
    T* max_exp_avg_sq = t.max_exp_avg_sq ? t.max_exp_avg_sq + begin : nullptr;
    kernels<T>().optimizer.adam(t.param + begin, t.grad + begin, t.exp_avg + begin, t.exp_avg_sq + begin,
                                max_exp_avg_sq, end - begin, constants);
  });
}

template void adam_step(std::span<const AdamTensor<float>>, const AdamOptions&);
template void adam_step(std::span<const AdamTensor<double>>, const AdamOptions&);

}  // namespace fastnn::cpu
