#include "ops/adagrad.h"

#include "cpu/dispatch.h"
#include "cpu/tensor_list.h"

namespace fastnn::cpu {

template <class T>
void adagrad_step(std::span<const AdagradTensor<T>> tensors, const AdagradOptions& options) {
  const AdagradConstants<T> constants = adagrad_constants<T>(options);
  for_each_piece(tensors, [&](const AdagradTensor<T>& t, int64_t begin, int64_t end) {
    kernels<T>().optimizer.adagrad(t.param + begin, t.grad + begin, t.sum + begin, end - begin, constants);
  });
}

template void adagrad_step(std::span<const AdagradTensor<float>>, const AdagradOptions&);
template void adagrad_step(std::span<const AdagradTensor<double>>, const AdagradOptions&);

}  // namespace fastnn::cpu
