#include "ops/activation.h"

#include "cpu/dispatch.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t elements_per_task = 1 << 15;

}  // namespace

template <class T>
void relu_forward(int64_t n, const T* x, T* y) {
  parallel_for(n, elements_per_task,
               [=](int64_t begin, int64_t end) { kernels<T>().elementwise.relu(x + begin, y + begin, end - begin); });
}

template <class T>
void relu_backward(int64_t n, const T* grad_output, const T* y, T* grad_x) {
  parallel_for(n, elements_per_task, [=](int64_t begin, int64_t end) {
    kernels<T>().elementwise.relu_backward(grad_output + begin, y + begin, grad_x + begin, end - begin);
  });
}

template void relu_forward(int64_t, const float*, float*);
template void relu_forward(int64_t, const double*, double*);
template void relu_backward(int64_t, const float*, const float*, float*);
template void relu_backward(int64_t, const double*, const double*, double*);

}  // namespace fastnn::cpu
