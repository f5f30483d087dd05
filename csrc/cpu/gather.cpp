#include "ops/gather.h"

#include <algorithm>
#include <cstring>

#include "cpu/parallel.h"

namespace fastnn::cpu {

void check_indices(const int64_t* indices, int64_t count, int64_t rows) {
  for (int64_t i = 0; i < count; ++i) {
    if (indices[i] < 0 || indices[i] >= rows) refuse_index(rows, indices[i], i);
  }
}

void gather(const void* x, int64_t /*rows*/, int64_t row_bytes, const int64_t* indices, int64_t count, void* y) {
  constexpr int64_t bytes_per_task = 1 << 18;
  if (row_bytes == 0) return;
  const auto* source = static_cast<const char*>(x);
  auto* target = static_cast<char*>(y);
  parallel_for(count, std::max<int64_t>(1, bytes_per_task / row_bytes), [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      std::memcpy(target + i * row_bytes, source + indices[i] * row_bytes, static_cast<size_t>(row_bytes));
    }
  });
}

}  // namespace fastnn::cpu
