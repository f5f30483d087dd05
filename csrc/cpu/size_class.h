// The sizes in which blocks are kept: 64, 128, 192, 256, then four to each power of two (320, 384, 448, 512,
// 640, ...), so that a block is less than 64 bytes or a quarter larger than asked.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>

namespace fastnn::cpu {

// More than any machine addresses, and far from overflow in every sum below.
inline constexpr size_t largest_block = size_t{1} << 47;

// bytes <= largest_block.
constexpr int size_class_of(size_t bytes) {
  const size_t last = std::max<size_t>(bytes, 1) - 1;
  if (last < 256) return static_cast<int>(last / 64);
  const int power = static_cast<int>(std::bit_width(last));  // 2^(power-1) <= last < 2^power
  const int quarter = static_cast<int>(last >> (power - 3)) - 4;
  return 4 * (power - 8) + quarter;
}

constexpr size_t size_of_class(int size_class) {
  if (size_class < 4) return 64 * static_cast<size_t>(size_class + 1);
  return static_cast<size_t>(size_class % 4 + 5) << (size_class / 4 + 5);
}

inline constexpr int size_classes = size_class_of(largest_block) + 1;

}  // namespace fastnn::cpu
