// The parts of conv2d after its padding mode has been dealt with: all of them pad with zeros.
#pragma once

#include "cuda/conv2d_axis.cuh"
#include "cuda/gemm_tile.cuh"
#include "ops/conv2d.h"

namespace fastnn::cuda {

// So few filters on a plane that a tile of products would stay empty.
inline bool is_depthwise(const Conv2dSize& s) { return s.channels / s.groups * (s.out_channels / s.groups) <= 4; }

// y[n, r, cell] = epilogue(sum over the channels s of r's group and the taps of weight * x[n, s, gathered cell]): the
// forward, and its adjoint by x, which reads grad_output and writes grad_x.
template <class T, class I>
struct Correlation {
  static constexpr int most_phases = 4;  // of an axis in a launch

  const char* name;
  const T *x, *weight;
  T* y;
  Epilogue<T> epilogue;
  I batch, groups, sums, results;                 // the last two are channels of a group
  I group_step, result_step, sum_step, kernel_w;  // of the weights
  I y_height, y_width;
  int h_phases, w_phases;
  GatherAxis<I> h[most_phases], w[most_phases];

  __device__ I x_plane() const { return h[0].size * w[0].size; }
  __device__ I y_plane() const { return y_height * y_width; }
};

// Launches of up to most_phases phases an axis.
template <class T, class I>
void correlate_by_tiles(const Correlation<T, I>& c);
template <class T, class I>
void correlate_directly(const Correlation<T, I>& c);

template <class T>
void conv2d_grad_weight(const Conv2dSize& size, const T* grad_output, const T* x, bool accumulate, T* grad_weight);

}  // namespace fastnn::cuda
