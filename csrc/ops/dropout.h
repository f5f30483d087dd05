// dropout: y = x * mask / (1 - p), each element dropped with probability p (Hinton et al., 2012; inverted scale).
// The mask is Philox4x32-10 under the key `seed`, counted by element and `call`; the map is linear in x, so
// its backward is the same map of grad_output.
#pragma once

#include "ops/tensor.h"

namespace fastnn {

struct DropoutKey {
  uint64_t seed, call;
};

inline void validate_dropout(double p) {
  if (!(p >= 0.0 && p <= 1.0)) fail_value("dropout", "expected p in [0, 1], got ", p);
}

namespace cpu {

template <class T>
void dropout(int64_t n, double p, DropoutKey key, const T* x, T* y);

}  // namespace cpu
}  // namespace fastnn
