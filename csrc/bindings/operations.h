// All operations; each bind_<op>.h adds its functions.
#pragma once

#include "bindings/bind_activation.h"
#include "bindings/bind_adagrad.h"
#include "bindings/bind_adam.h"
#include "bindings/bind_batch_norm.h"
#include "bindings/bind_batch_norm_max_pool2d.h"
#include "bindings/bind_clip_grad.h"
#include "bindings/bind_conv2d.h"
#include "bindings/bind_cross_entropy.h"
#include "bindings/bind_dropout.h"
#include "bindings/bind_gather.h"
#include "bindings/bind_grid_sample.h"
#include "bindings/bind_im2col.h"
#include "bindings/bind_layer_norm.h"
#include "bindings/bind_linear.h"
#include "bindings/bind_loss.h"
#include "bindings/bind_pad.h"
#include "bindings/bind_pool2d.h"
#include "bindings/bind_rmsprop.h"
#include "bindings/bind_sgd.h"
#include "bindings/bind_softmax.h"

namespace fastnn::bindings {

inline void bind_operations(py::module_& m) {
  bind_linear(m);
  bind_conv2d(m);
  bind_pad(m);
  bind_im2col(m);
  bind_activation(m);
  bind_softmax(m);
  bind_cross_entropy(m);
  bind_loss(m);
  bind_dropout(m);
  bind_batch_norm(m);
  bind_layer_norm(m);
  bind_sgd(m);
  bind_adam(m);
  bind_rmsprop(m);
  bind_adagrad(m);
  bind_clip_grad(m);
  bind_gather(m);
  bind_grid_sample(m);
  bind_pool2d(m);
  bind_batch_norm_max_pool2d(m);
}

}  // namespace fastnn::bindings
