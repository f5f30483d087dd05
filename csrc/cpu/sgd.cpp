#include "ops/sgd.h"

#include "cpu/dispatch.h"
#include "cpu/tensor_list.h"

namespace fastnn::cpu {

template <class T>
void sgd_step(std::span<const SGDTensor<T>> tensors, const SGDOptions& options) {
  const SGDConstants<T> constants = sgd_constants<T>(options);
  for_each_piece(tensors, [&](const SGDTensor<T>& t, int64_t begin, int64_t end) {
    T* buffer = t.momentum_buffer ? t.momentum_buffer + begin : nullptr;
    kernels<T>().optimizer.sgd(t.param + begin, t.grad + begin, buffer, end - begin, constants);
  });
}

template void sgd_step(std::span<const SGDTensor<float>>, const SGDOptions&);
template void sgd_step(std::span<const SGDTensor<double>>, const SGDOptions&);

}  // namespace fastnn::cpu
