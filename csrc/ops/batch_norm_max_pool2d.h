// max_pool2d of the planes that batch_norm gives, which are not kept: the same values as one after the other.
#pragma once

#include "ops/batch_norm.h"
#include "ops/pool2d.h"

namespace fastnn {

inline Pool2dSize validate_batch_norm_max_pool2d(const char* op, Shape x, const Pool2dOptions& windows) {
  if (x.size() != 4) fail_value(op, "expected x of shape (N, C, H, W), got ", to_string(x));
  return validate_pool2d(op, "x", x, windows);
}

namespace FASTNN_BACKEND {

// Elements of room that either direction needs: for all that batch norm gives, or for its gradient. 0 where planes are
// pooled as soon as they have been normalised.
int64_t batch_norm_max_pool2d_room(const AxisView& view, const Pool2dSize& size);

// out.y takes the maxima.
template <class T>
void batch_norm_max_pool2d_forward(const BatchNormInputs<T>& in, const BatchNormOptions& options,
                                   const BatchNormOutputs<T>& out, const Pool2dSize& size, const MaxPlaces& places,
                                   T* room);

// in.grad_output is that of the maxima.
template <class T>
void batch_norm_max_pool2d_backward(const BatchNormBackwardInputs<T>& in, const BatchNormGradients<T>& grads,
                                    const Pool2dSize& size, const MaxPlaces& places, T* room);

// One after the other.
template <class T>
void normalize_then_pool(const BatchNormInputs<T>& in, const BatchNormOptions& options, const BatchNormOutputs<T>& out,
                         const Pool2dSize& size, const MaxPlaces& places, T* room) {
  BatchNormOutputs<T> normalized = out;
  normalized.y = room;
  batch_norm_forward(in, options, normalized);
  max_pool2d_forward(size, room, out.y, places);
}

template <class T>
void send_then_normalize(const BatchNormBackwardInputs<T>& in, const BatchNormGradients<T>& grads,
                         const Pool2dSize& size, const MaxPlaces& places, T* room) {
  max_pool2d_backward(size, in.grad_output, places, room);
  BatchNormBackwardInputs<T> of_norm = in;
  of_norm.grad_output = room;
  batch_norm_backward(of_norm, grads);
}

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
