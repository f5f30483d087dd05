// C (m x n) = or += A (m x k) * B (k x n), with what Epilogue asks for in the last store.
//
// An element of C is the sum over blocks of k (whose size depends on k only) of a chain of fused
// multiply-adds in the order of k: its bits depend on its row of A and its column of B, not on m, n, the
// number of threads, or where packing was worth it.
#pragma once

#include <cstdint>

#include "cpu/kernel_table.h"

namespace fastnn::cpu {

// Element (i, j) lies at data + i * row + j * column; one of the two strides is 1.
template <class T>
struct MatrixView {
  const T* data;
  int64_t row, column;
};

// Row-major rows x columns, and its transpose.
template <class T>
MatrixView<T> row_major(const T* data, int64_t columns) {
  return {data, columns, 1};
}
template <class T>
MatrixView<T> transposed(const T* data, int64_t columns) {
  return {data, 1, columns};
}

struct GemmSize {
  int64_t m, n, k;
};

template <class T>
void gemm(GemmSize size, MatrixView<T> a, MatrixView<T> b, T* c, bool accumulate, const Epilogue<T>& epilogue = {});

extern template void gemm(GemmSize, MatrixView<float>, MatrixView<float>, float*, bool, const Epilogue<float>&);
extern template void gemm(GemmSize, MatrixView<double>, MatrixView<double>, double*, bool, const Epilogue<double>&);

}  // namespace fastnn::cpu
