// gather: y[i] = x[indices[i]] along axis 0, for rows of any plain dtype.
#pragma once

#include "ops/tensor.h"

namespace fastnn {

inline void validate_gather(Shape x, Shape indices) {
  if (x.empty()) fail_value("gather", "expected x of shape (N, ...), got ()");
  if (indices.size() != 1) fail_value("gather", "expected indices of shape (M,), got ", to_string(indices));
}

[[noreturn]] inline void refuse_index(int64_t rows, int64_t index, int64_t position) {
  fail_index("gather", "expected indices in [0, ", rows, "), got ", index, " at position ", position);
}

namespace FASTNN_BACKEND {

// Throws std::out_of_range for an index outside [0, rows), before anything is written.
void check_indices(const int64_t* indices, int64_t count, int64_t rows);

// x has `rows` rows; the indices are checked.
void gather(const void* x, int64_t rows, int64_t row_bytes, const int64_t* indices, int64_t count, void* y);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
