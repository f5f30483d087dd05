// Gathers the kernels of one instruction set and dtype. A unit of isa/ defines FASTNN_NAMESPACE, includes its vectors,
// states the register tile as tile_rows x tile_vectors, and includes this file; the build compiles it for each dtype,
// with its names in FASTNN_DTYPE (f32, f64) and FASTNN_TYPE (float, double).
#pragma once

#include "cpu/kernel_table.h"
#include "cpu/kernels/activation.h"
#include "cpu/kernels/activation_smooth.h"
#include "cpu/kernels/adagrad.h"
#include "cpu/kernels/adam.h"
#include "cpu/kernels/avg_pool2d.h"
#include "cpu/kernels/batch_norm.h"
#include "cpu/kernels/batch_norm_columns.h"
#include "cpu/kernels/clip_grad.h"
#include "cpu/kernels/conv2d_bank.h"
#include "cpu/kernels/conv2d_cells.h"
#include "cpu/kernels/conv2d_direct.h"
#include "cpu/kernels/conv2d_gather.h"
#include "cpu/kernels/conv2d_pairs.h"
#include "cpu/kernels/conv2d_products.h"
#include "cpu/kernels/conv2d_stage.h"
#include "cpu/kernels/conv2d_windows.h"
#include "cpu/kernels/conv2d_winograd.h"
#include "cpu/kernels/cross_entropy.h"
#include "cpu/kernels/dropout.h"
#include "cpu/kernels/gemm_micro.h"
#include "cpu/kernels/gemm_thin.h"
#include "cpu/kernels/grid_sample.h"
#include "cpu/kernels/layer_norm.h"
#include "cpu/kernels/loss.h"
#include "cpu/kernels/machine.h"
#include "cpu/kernels/max_pool2d.h"
#include "cpu/kernels/max_pool2d_backward.h"
#include "cpu/kernels/multi_margin.h"
#include "cpu/kernels/pack.h"
#include "cpu/kernels/rmsprop.h"
#include "cpu/kernels/sgd.h"
#include "cpu/kernels/softmax.h"
#include "cpu/kernels/sum_rows.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

template <class T>
constexpr Kernels<T> make_kernels() {
  constexpr int columns = tile_vectors * Vec<T>::size;
  return {
      .gemm = {.tile_rows = tile_rows,
               .tile_columns = columns,
               .multiply_panel = multiply_panel<T>,
               .thin_rows = thin_rows,
               .multiply_thin = multiply_thin<T>,
               .shallow_depth = shallow_depth,
               .multiply_shallow = multiply_shallow<T>,
               .pack_a = pack<T, tile_rows>,
               .pack_b = pack<T, columns>,
               .sum_rows = sum_rows<T>},
      .activation =
          {
#define FASTNN_ROW(name, Function, ...) {activation_forward<T, Function<T>>, activation_backward<T, Function<T>>},
              FASTNN_FOR_EACH_ACTIVATION(FASTNN_ROW)
#undef FASTNN_ROW
          },
      .softmax = {.rows = softmax_rows<T>,
                  .lanes = softmax_lanes<T>,
                  .rows_backward = softmax_rows_backward<T>,
                  .lanes_backward = softmax_lanes_backward<T>},
      .cross_entropy = {.rows = cross_entropy_rows<T>, .lanes = cross_entropy_lanes<T>},
      .loss = {.mse = pointwise_loss<SquaredError, T>,
               .l1 = pointwise_loss<AbsoluteError, T>,
               .huber = pointwise_loss<Huber, T>,
               .smooth_l1 = pointwise_loss<SmoothL1, T>,
               .bce_with_logits = pointwise_loss<BinaryCrossEntropy, T>,
               .hinge = pointwise_loss<Hinge, T>,
               .multi_margin = multi_margin_rows<T>},
      .dropout = {.apply = dropout<T>},
      .batch_norm = {.moments = moments<T>,
                     .normalize = normalize<T>,
                     .gradient_sums = gradient_sums<T>,
                     .gradient = norm_gradient<T>,
                     .column_moments = column_moments<T>,
                     .normalize_columns = normalize_columns<T>,
                     .column_gradient_sums = column_gradient_sums<T>,
                     .column_gradient = column_gradient<T>},
      .layer_norm = {.forward = layer_norm<T>, .backward = layer_norm_backward<T>},
      .grid_sample = {.taps = sample_taps<T>,
                      .forward = sample_plane<T>,
                      .grad_grid = sample_grid_gradient<T>,
                      .grad_input = sample_input_gradient<T>},
      .optimizer = {.sgd = sgd<T>, .adam = adam<T>, .rmsprop = rmsprop<T>, .adagrad = adagrad<T>},
      .conv2d = {.stage_plane = stage_plane<T>,
                 .stage_channels_last = stage_channels_last<T>,
                 .gather = gather<T>,
                 .scatter = scatter<T>,
                 .multiply_cells = multiply_cells<T>,
                 .store_cells = store_cells<T>,
                 .winograd_input = winograd_input<T>,
                 .winograd_filters = winograd_filters<T>,
                 .winograd_output = winograd_output<T>,
                 .winograd_grad_output = winograd_grad_output<T>,
                 .winograd_grad_weight = winograd_grad_weight<T>,
                 .filter_plane = filter_plane<T>,
                 .filter_bank = filter_bank<T>,
                 .filter_windows = filter_windows<T>,
                 .spread_pairs = spread_pairs<T>,
                 .tap_products = tap_products<T>,
                 .window_products = window_products<T>,
                 .filter_products = filter_products<T>,
                 .fold_lanes = fold_lanes<T>,
                 .sum = sum_values<T>},
      .pool = {.max = max_pool<T>,
               .max_backward = max_pool_backward<T>,
               .avg = avg_pool<T>,
               .avg_backward = avg_pool_backward<T>},
      .clip_grad = {.norm_sum = norm_sum<T>, .scale = scale_grad<T>, .clamp = clamp_grad<T>},
      .burn_fma = burn_fma<T>,
  };
}

extern const Kernels<FASTNN_TYPE> FASTNN_DTYPE;
constinit const Kernels<FASTNN_TYPE> FASTNN_DTYPE = make_kernels<FASTNN_TYPE>();

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
