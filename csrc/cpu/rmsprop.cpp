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
void rmsprop_step(std::span<const RMSpropTensor<T>> tensors, const RMSpropOptions& o) {
  const RMSpropConstants<T> constants{.lr = static_cast<T>(o.lr),
                                      .alpha = static_cast<T>(o.alpha),
                                      .one_minus_alpha = static_cast<T>(1.0 - o.alpha),
                                      .eps = static_cast<T>(o.eps),
                                      .weight_decay = static_cast<T>(o.weight_decay),
                                      .momentum = static_cast<T>(o.momentum),
                                      .sign = o.maximize ? T(-1) : T(1)};
  for_each_piece(tensors, [&](const RMSpropTensor<T>& t, int64_t begin, int64_t end) {
    kernels<T>().optimizer.rmsprop(piece_of(t, begin, end), constants);
  });
}

template void rmsprop_step(std::span<const RMSpropTensor<float>>, const RMSpropOptions&);
template void rmsprop_step(std::span<const RMSpropTensor<double>>, const RMSpropOptions&);

}  // namespace fastnn::cpu
