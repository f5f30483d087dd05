// Copies of few bytes, in fewer steps than bytes.
#pragma once

#include <cstdint>

namespace fastnn::cpu::FASTNN_NAMESPACE {

// The ends of `from` and `to` in common: two words that may overlap.
template <class Word>
inline void copy_as_two(const uint8_t* from, int64_t n, uint8_t* to) {
  const int64_t last = n - static_cast<int64_t>(sizeof(Word));
  Word head, tail;
  __builtin_memcpy(&head, from, sizeof(Word));
  __builtin_memcpy(&tail, from + last, sizeof(Word));
  __builtin_memcpy(to, &head, sizeof(Word));
  __builtin_memcpy(to + last, &tail, sizeof(Word));
}

// n in [0, most], which is 16 at most.
template <int most>
inline void copy_few_bytes(const uint8_t* from, int64_t n, uint8_t* to) {
  if constexpr (most >= 8) {
    if (n >= 8) return copy_as_two<uint64_t>(from, n, to);
  }
  if constexpr (most >= 4) {
    if (n >= 4) return copy_as_two<uint32_t>(from, n, to);
  }
  for (int64_t i = 0; i < n; ++i) to[i] = from[i];
}

// Any n, for rows so short that a call of memcpy takes longer than the copy.
inline void copy_bytes(const uint8_t* from, int64_t n, uint8_t* to) {
  constexpr int size = 16;
  if (n <= size) return copy_few_bytes<size>(from, n, to);
  for (int64_t i = 0; i < n; i += size) {
    const int64_t at = i + size <= n ? i : n - size;
    __builtin_memcpy(to + at, from + at, size);
  }
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
