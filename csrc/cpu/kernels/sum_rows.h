// Column sums of a row-major matrix, for the gradient of a bias.
#pragma once

#include "cpu/kernels/lanes.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// Rows are added in blocks of 256 and the blocks one after the other: the error grows with the square root
// of the block, not of the batch, and the order depends on the number of rows only.
template <class T>
void sum_rows(const T* x, int64_t row, int64_t rows, int64_t columns, bool accumulate, T* out) {
  constexpr int64_t block = 256;
  for_each_vector<T>(columns, [=](int64_t j, auto lanes) {
    Vec<T> total = accumulate ? lanes.load(out + j) : Vec<T>(T(0));
    for (int64_t i = 0; i < rows; i += block) {
      const int64_t end = i + block < rows ? i + block : rows;
      Vec<T> sum(T(0));
      for (int64_t r = i; r < end; ++r) sum = sum + lanes.load(x + r * row + j);
      total = total + sum;
    }
    lanes.store(out + j, total);
  });
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
