// dropout: y = x * mask / (1 - p), each element dropped with probability p (Hinton et al., 2012; inverted scale).
// The mask is Philox4x32-10 under the key `seed`, counted by element and `call`; the map is linear in x, so
// its backward is the same map of grad_output. dropout2d decides once for each channel of x (N, C, ...): all its
// cells share the mask that element n C + c has (Tompson et al., 2015).
#pragma once

#include "ops/tensor.h"

namespace fastnn {

struct DropoutKey {
  uint64_t seed, call;
};

inline void validate_dropout(const char* op, double p) {
  if (!(p >= 0.0 && p <= 1.0)) fail_value(op, "expected p in [0, 1], got ", p);
}

struct Planes {
  int64_t count, cells;
};

inline Planes validate_dropout2d(Shape x) {
  if (x.size() < 3) fail_value("dropout2d", "expected x of shape (N, C, L), (N, C, H, W) or more, got ", to_string(x));
  return {element_count("dropout2d", x.first(2)), element_count("dropout2d", x.subspan(2))};
}

namespace FASTNN_BACKEND {

template <class T>
void dropout(int64_t n, double p, DropoutKey key, const T* x, T* y);
template <class T>
void dropout2d(const Planes& planes, double p, DropoutKey key, const T* x, T* y);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
