// How the matrix products cut their sizes.
#pragma once

#include <algorithm>
#include <cstdint>

namespace fastnn::cpu {

inline constexpr int64_t max_k_block = 256;  // a packed panel of B stays in L1

// A matrix of more lies in no cache near by.
template <class T>
inline constexpr int64_t far_elements = (int64_t{4} << 20) / sizeof(T);

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

// Equal blocks of k, so that no short one is left over; depends on k alone.
inline int64_t k_block_size(int64_t k) {
  return std::max<int64_t>(1, ceil_div(k, std::max<int64_t>(1, ceil_div(k, max_k_block))));
}

}  // namespace fastnn::cpu
