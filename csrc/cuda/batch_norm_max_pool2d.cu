#include "ops/batch_norm_max_pool2d.h"

namespace fastnn::cuda {

int64_t batch_norm_max_pool2d_room(const AxisView& view, const Pool2dSize& /*size*/) {
  return view.outer * view.axis_size * view.inner;
}

template <class T>
void batch_norm_max_pool2d_forward(const BatchNormInputs<T>& in, const BatchNormOptions& options,
                                   const BatchNormOutputs<T>& out, const Pool2dSize& size, const MaxPlaces& places,
                                   T* room) {
  normalize_then_pool(in, options, out, size, places, room);
}

template <class T>
void batch_norm_max_pool2d_backward(const BatchNormBackwardInputs<T>& in, const BatchNormGradients<T>& grads,
                                    const Pool2dSize& size, const MaxPlaces& places, T* room) {
  send_then_normalize(in, grads, size, places, room);
}

template void batch_norm_max_pool2d_forward(const BatchNormInputs<float>&, const BatchNormOptions&,
                                            const BatchNormOutputs<float>&, const Pool2dSize&, const MaxPlaces&,
                                            float*);
template void batch_norm_max_pool2d_forward(const BatchNormInputs<double>&, const BatchNormOptions&,
                                            const BatchNormOutputs<double>&, const Pool2dSize&, const MaxPlaces&,
                                            double*);
template void batch_norm_max_pool2d_backward(const BatchNormBackwardInputs<float>&, const BatchNormGradients<float>&,
                                             const Pool2dSize&, const MaxPlaces&, float*);
template void batch_norm_max_pool2d_backward(const BatchNormBackwardInputs<double>&, const BatchNormGradients<double>&,
                                             const Pool2dSize&, const MaxPlaces&, double*);

}  // namespace fastnn::cuda
