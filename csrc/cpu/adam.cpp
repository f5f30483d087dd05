#include "ops/adam.h"

#include "cpu/dispatch.h"
#include "cpu/tensor_list.h"

namespace fastnn::cpu {

template <class T>
void adam_step(std::span<const AdamTensor<T>> tensors, const AdamOptions& options) {
  const AdamConstants<T> constants = adam_constants<T>(options);
  for_each_piece(tensors, [&](const AdamTensor<T>& t, int64_t begin, int64_t end) {
    T* max_exp_avg_sq = t.max_exp_avg_sq ? t.max_exp_avg_sq + begin : nullptr;
    kernels<T>().optimizer.adam(t.param + begin, t.grad + begin, t.exp_avg + begin, t.exp_avg_sq + begin,
                                max_exp_avg_sq, end - begin, constants);
  });
}

template void adam_step(std::span<const AdamTensor<float>>, const AdamOptions&);
template void adam_step(std::span<const AdamTensor<double>>, const AdamOptions&);

}  // namespace fastnn::cpu
