#include "ops/adagrad.h"

#include <cmath>

#include "cpu/dispatch.h"
#include "cpu/tensor_list.h"

namespace fastnn::cpu {
namespace {

template <class T>
AdagradConstants<T> fold_constants(const AdagradOptions& o) {
  const auto step = static_cast<double>(o.step);
  const double root = o.average ? std::sqrt(step) : 1.0;
  return {.step_size = static_cast<T>(o.lr * root / (1.0 + (step - 1.0) * o.lr_decay)),
          .eps = static_cast<T>(o.eps * root),
          .weight_decay = static_cast<T>(o.weight_decay),
          .sign = o.maximize ? T(-1) : T(1)};
}

}  // namespace

template <class T>
void adagrad_step(std::span<const AdagradTensor<T>> tensors, const AdagradOptions& options) {
  const AdagradConstants<T> constants = fold_constants<T>(options);
  for_each_piece(tensors, [&](const AdagradTensor<T>& t, int64_t begin, int64_t end) {
    kernels<T>().optimizer.adagrad(t.param + begin, t.grad + begin, t.sum + begin, end - begin, constants);
  });
}

template void adagrad_step(std::span<const AdagradTensor<float>>, const AdagradOptions&);
template void adagrad_step(std::span<const AdagradTensor<double>>, const AdagradOptions&);

}  // namespace fastnn::cpu
