#include "ops/activation.h"

#include "cuda/activation_functions.cuh"
#include "cuda/elementwise.cuh"

namespace fastnn::cuda {
namespace {

template <class T, class Function>
struct Forward {
  Function function;
  __device__ T operator()(T x) const { return function.forward(x); }
};

template <class T, class Function>
struct Backward {
  Function function;
  __device__ T operator()(T grad_output, T kept) const { return function.backward(grad_output, kept); }
};

}  // namespace

template <class T>
void activation_forward(const ActivationInfo& info, const ActivationParameters& parameters, int64_t n, const T* x,
                        T* y) {
  switch (info.kind) {
#define FASTNN_CASE(activation, Function, ...) \
  case Activation::activation:                 \
    return map(info.name, n, Forward<T, Function<T>>{Function<T>(parameters)}, y, x);
    FASTNN_FOR_EACH_ACTIVATION(FASTNN_CASE)
#undef FASTNN_CASE
  }
}

template <class T>
void activation_backward(const ActivationInfo& info, const ActivationParameters& parameters, int64_t n,
                         const T* grad_output, const T* kept, T* grad_x) {
  switch (info.kind) {
#define FASTNN_CASE(activation, Function, ...) \
  case Activation::activation:                 \
    return map(info.backward_name, n, Backward<T, Function<T>>{Function<T>(parameters)}, grad_x, grad_output, kept);
    FASTNN_FOR_EACH_ACTIVATION(FASTNN_CASE)
#undef FASTNN_CASE
  }
}

template void activation_forward(const ActivationInfo&, const ActivationParameters&, int64_t, const float*, float*);
template void activation_forward(const ActivationInfo&, const ActivationParameters&, int64_t, const double*, double*);
template void activation_backward(const ActivationInfo&, const ActivationParameters&, int64_t, const float*,
                                  const float*, float*);
template void activation_backward(const ActivationInfo&, const ActivationParameters&, int64_t, const double*,
                                  const double*, double*);

}  // namespace fastnn::cuda
