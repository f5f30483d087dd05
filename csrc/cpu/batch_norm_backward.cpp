#include "cpu/batch_norm_backward.h"

namespace fastnn::cpu {
namespace {

template <class T>
struct GivenGradients {
  const T* grad_output;
  AxisView view;

  int64_t scratch_cells() const { return 0; }
  GradientRuns<T> operator()(const Part& part, int64_t c, T* /*scratch*/) const {
    return {grad_output + c * view.inner + part.offset, part.runs.stride};
  }
};

}  // namespace

template <class T>
void batch_norm_backward(const BatchNormBackwardInputs<T>& in, const BatchNormGradients<T>& grads) {
  const BatchNormBackward<T> backward(in, grads);
  if (in.view.empty()) return backward.take_empty();
  if (as_columns(in.view)) return backward.run_columns();
  backward.run_channels(GivenGradients<T>{in.grad_output, in.view});
}

template void batch_norm_backward(const BatchNormBackwardInputs<float>&, const BatchNormGradients<float>&);
template void batch_norm_backward(const BatchNormBackwardInputs<double>&, const BatchNormGradients<double>&);

}  // namespace fastnn::cpu
