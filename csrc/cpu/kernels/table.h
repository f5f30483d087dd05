// Gathers the kernels of one instruction set. A unit of isa/ defines FASTNN_NAMESPACE, includes its vectors,
// states the register tile as tile_rows x tile_vectors, and includes this file.
#pragma once

#include "cpu/kernel_table.h"
#include "cpu/kernels/activation.h"
#include "cpu/kernels/adam.h"
#include "cpu/kernels/avg_pool2d.h"
#include "cpu/kernels/cross_entropy.h"
#include "cpu/kernels/dropout.h"
#include "cpu/kernels/gemm_micro.h"
#include "cpu/kernels/gemm_thin.h"
#include "cpu/kernels/machine.h"
#include "cpu/kernels/max_pool2d.h"
#include "cpu/kernels/max_pool2d_backward.h"
#include "cpu/kernels/pack.h"
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
               .pack_a = pack<T, tile_rows>,
               .pack_b = pack<T, columns>,
               .sum_rows = sum_rows<T>},
      .elementwise = {.relu = relu<T>, .relu_backward = relu_backward<T>},
      .softmax = {.rows = softmax_rows<T>,
                  .lanes = softmax_lanes<T>,
                  .rows_backward = softmax_rows_backward<T>,
                  .lanes_backward = softmax_lanes_backward<T>},
      .cross_entropy = {.rows = cross_entropy_rows<T>, .lanes = cross_entropy_lanes<T>},
      .dropout = {.apply = dropout<T>},
      .optimizer = {.sgd = sgd<T>, .adam = adam<T>},
      .pool = {.max = max_pool<T>,
               .max_backward = max_pool_backward<T>,
               .avg = avg_pool<T>,
               .avg_backward = avg_pool_backward<T>},
      .burn_fma = burn_fma<T>,
  };
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
