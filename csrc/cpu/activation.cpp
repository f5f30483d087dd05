#include "ops/activation.h"

#include "cpu/dispatch.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

// About 20 microseconds of the cheap functions on one thread, and fewer elements of the dear ones.
constexpr int64_t cost_per_task = 1 << 17;

template <class T>
const auto& kernel_of(const ActivationInfo& info) {
  return kernels<T>().activation[static_cast<int>(info.kind)];
}

}  // namespace

template <class T>
void activation_forward(const ActivationInfo& info, const ActivationParameters& parameters, int64_t n, const T* x,
                        T* y) {
  const auto kernel = kernel_of<T>(info).forward;
  parallel_for(n, cost_per_task / info.cost,
               [=](int64_t begin, int64_t end) { kernel(x + begin, y + begin, end - begin, parameters); });
}

template <class T>
void activation_backward(const ActivationInfo& info, const ActivationParameters& parameters, int64_t n,
                         const T* grad_output, const T* kept, T* grad_x) {
  const auto kernel = kernel_of<T>(info).backward;
  parallel_for(n, cost_per_task / info.cost, [=](int64_t begin, int64_t end) {
    kernel(grad_output + begin, kept + begin, grad_x + begin, end - begin, parameters);
  });
}

template void activation_forward(const ActivationInfo&, const ActivationParameters&, int64_t, const float*, float*);
template void activation_forward(const ActivationInfo&, const ActivationParameters&, int64_t, const double*, double*);
template void activation_backward(const ActivationInfo&, const ActivationParameters&, int64_t, const float*,
                                  const float*, float*);
template void activation_backward(const ActivationInfo&, const ActivationParameters&, int64_t, const double*,
                                  const double*, double*);

}  // namespace fastnn::cpu
