// The parts of conv2d, after its padding mode has been dealt with: all of them pad with zeros.
#pragma once

#include "cpu/conv2d_correlation.h"
#include "ops/conv2d.h"

namespace fastnn::cpu {

template <class T>
void conv2d_grad_x(const Conv2dSize& size, const T* grad_output, const T* weight, T* grad_x);

// Depthwise, 3 x 3, stride 2.
bool has_grad_x_in_pairs(const Conv2dSize& size);
template <class T>
void conv2d_grad_x_in_pairs(const Conv2dSize& size, const T* grad_output, const T* weight, T* grad_x);

template <class T>
void conv2d_grad_weight(const Conv2dSize& size, const T* grad_output, const T* x, bool accumulate, T* grad_weight);

// Where every filter has its own input plane, or nearly so: no matrix product.
template <class T>
void conv2d_grad_weight_directly(const Conv2dSize& size, const T* grad_output, const T* x, bool accumulate,
                                 T* grad_weight);

// Where a bank of filters shares few input planes.
template <class T>
bool prefers_few_planes(const Correlation<T>& windows);
template <class T>
void conv2d_grad_weight_of_few_planes(const Conv2dSize& size, const T* grad_output, const T* x, bool accumulate,
                                      T* grad_weight);

// Where the filters fill the lanes of vectors.
template <class T>
void conv2d_grad_weight_by_cells(const Conv2dSize& size, const T* grad_output, const T* x, bool accumulate,
                                 T* grad_weight);

template <class T>
void conv2d_grad_weight_by_winograd(const Conv2dSize& size, const T* grad_output, const T* x, bool accumulate,
                                    T* grad_weight);

template <class T>
void conv2d_grad_bias(const Conv2dSize& size, const T* grad_output, bool accumulate, T* grad_bias);

}  // namespace fastnn::cpu
