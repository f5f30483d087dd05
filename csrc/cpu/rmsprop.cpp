#include "ops/rmsprop.h"

#include "cpu/dispatch.h"
#include "cpu/tensor_list.h"

namespace fastnn::cpu {
namespace {

template <class T>
RMSpropPiece<T> piece_of(const RMSpropTensor<T>& t, int64_t begin, int64_t end) {
  const auto at = [&](T* state) { return state ? state + begin : nullptr; };
  return {.param = t.param + begin,
          .grad = t.grad + begin,
          .square_avg = t.square_avg + begin,
          .grad_avg = at(t.grad_avg),
          .momentum_buffer = at(t.momentum_buffer),
          .n = end - begin};
}

}  // namespace

template <class T>
void rmsprop_step(std::span<const RMSpropTensor<T>> tensors, const RMSpropOptions& options) {
  const RMSpropConstants<T> constants = rmsprop_constants<T>(options);
  for_each_piece(tensors, [&](const RMSpropTensor<T>& t, int64_t begin, int64_t end) {
    kernels<T>().optimizer.rmsprop(piece_of(t, begin, end), constants);
  });
}

template void rmsprop_step(std::span<const RMSpropTensor<float>>, const RMSpropOptions&);
template void rmsprop_step(std::span<const RMSpropTensor<double>>, const RMSpropOptions&);

}  // namespace fastnn::cpu
