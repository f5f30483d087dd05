// Memory moved without regard to what it holds, in the widest units that addresses and lengths allow.
#pragma once

#include "cuda/device.cuh"

namespace fastnn::cuda {

// The largest power of two up to 16 that divides all of these.
template <class... Numbers>
size_t common_unit(Numbers... numbers) {
  const uint64_t bits = (static_cast<uint64_t>(numbers) | ... | uint64_t{16});
  return static_cast<size_t>(bits & (~bits + 1));
}

// Calls body with an object of that many bytes.
template <class Body>
void with_unit(size_t bytes, const Body& body) {
  if (bytes == 16) return body(uint4{});
  if (bytes == 8) return body(uint64_t{});
  if (bytes == 4) return body(uint32_t{});
  if (bytes == 2) return body(uint16_t{});
  body(uint8_t{});
}

}  // namespace fastnn::cuda
