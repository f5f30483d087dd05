// Matrix products for the operations: through cuBLASLt where it is at hand, and by own kernels elsewhere.
#pragma once

#include "ops/tensor.h"

namespace fastnn::cuda {

// An M x K or K x N matrix, row-major with `line` elements from row to row; or its transpose is. A batch of them is
// `step` apart.
template <class T>
struct Factor {
  const T* data;
  int64_t line;
  bool transposed = false;
  int64_t step = 0;
};

// C (M x N) = A (M x K) B (K x N), for each of a batch.
template <class T>
struct Gemm {
  const char* name;
  int64_t M, N, K;
  Factor<T> a, b;
  T* c;  // contiguous, one after another
  const T* row_bias = nullptr;
  const T* column_bias = nullptr;
  bool relu = false;
  bool accumulate = false;
  bool may_split = false;  // the order of the sums may depend on M and N too
  int64_t batch = 1;
};

template <class T>
void gemm(const Gemm<T>& product);

// Without cuBLASLt.
template <class T>
void own_gemm(const Gemm<T>& product);

}  // namespace fastnn::cuda
