// Losses of positions to one number, and what it is divided by: a double known to the caller, or a sum that a kernel
// before has left in device memory, so that nobody waits for it.
#pragma once

#include "cuda/labels.cuh"
#include "ops/reduction.h"

namespace fastnn::cuda {

struct Divisor {
  double known = 1.0;
  const double* computed = nullptr;  // in its place

  __device__ double value() const { return computed ? *computed : known; }
  // What gradients are multiplied with. Divided in T: for float the double's division would take longer than a short
  // row does where a device has few units for it.
  template <class T>
  __device__ T reciprocal() const {
    return T(1) / static_cast<T>(value());
  }
};

struct DivideBy {
  Divisor divisor;
  __device__ double operator()(double sum) const { return sum / divisor.value(); }
};

// A wrong label has no weight: its loss, NaN, is enough.
template <class T>
struct LabelWeight {
  const int64_t* labels;
  const T* weight;  // null: ones
  __device__ double operator()(int64_t i) const {
    if (labels[i] < 0) return 0.0;
    return weight ? static_cast<double>(weight[labels[i]]) : 1.0;
  }
};

// For "mean": the sum of the weights of the labels used.
template <class T>
Divisor label_divisor(Reduction reduction, const int64_t* labels, int64_t count, const T* weight) {
  if (reduction != Reduction::mean) return {};
  auto* sum = scratch<double>(1);
  reduce_terms("label_weights", count, 0.0, LabelWeight<T>{labels, weight}, Sum{}, Unchanged{}, sum);
  return {1.0, sum};
}

// *reduced = sum of the losses / divisor; nothing where it is null.
template <class T>
void reduce_losses(const char* name, int64_t count, const T* losses, const Divisor& divisor, double* reduced) {
  if (reduced) reduce_terms(name, count, 0.0, Element<T>{losses}, Sum{}, DivideBy{divisor}, reduced);
}

}  // namespace fastnn::cuda
