// Drivers for calls in a graph: what differs from replay to replay is read from device memory.
#pragma once

#include "ops/adagrad.h"
#include "ops/adam.h"
#include "ops/dropout.h"
#include "ops/rmsprop.h"
#include "ops/sgd.h"

namespace fastnn::cuda {

template <class T>
void sgd_step(std::span<const SGDTensor<T>> tensors, const SGDConstants<T>* constants);
template <class T>
void rmsprop_step(std::span<const RMSpropTensor<T>> tensors, const RMSpropConstants<T>* constants);
template <class T>
void adagrad_step(std::span<const AdagradTensor<T>> tensors, const AdagradConstants<T>* constants);
template <class T>
void adam_step(std::span<const AdamTensor<T>> tensors, const AdamConstants<T>* constants);

template <class T>
void dropout(int64_t n, double p, const DropoutKey* key, const T* x, T* y);
template <class T>
void dropout2d(const Planes& planes, double p, const DropoutKey* key, const T* x, T* y);

}  // namespace fastnn::cuda
