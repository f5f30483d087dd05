// What a test of a driver needs: the context of a call, and arrays as device memory, each a heap block of its own, so
// that AddressSanitizer sees every step beyond it.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "cuda/context.h"

namespace simt {

// A call's scratch memory, until the end of the scope.
class Call {
 public:
  Call() { fastnn::cuda::context() = {.stream = nullptr, .allocate = &Call::allocate, .owner = this}; }
  ~Call() {
    fastnn::cuda::context() = {};
    for (void* block : blocks_) std::free(block);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

 private:
  static void* allocate(void* owner, size_t bytes) {
    return static_cast<Call*>(owner)->blocks_.emplace_back(std::malloc(bytes));
  }
  std::vector<void*> blocks_;
};

template <class T>
class Array {
 public:
  // Full of NaN, for what nobody writes; `offset` elements from an aligned address.
  explicit Array(int64_t size, int64_t offset = 0)
      : size_(size), offset_(offset), memory_(static_cast<size_t>(size + offset)) {
    if (!memory_.empty()) std::memset(memory_.data(), 0xFF, memory_.size() * sizeof(T));
  }
  template <std::invocable<int64_t> Fill>
  Array(int64_t size, const Fill& fill, int64_t offset = 0) : Array(size, offset) {
    for (int64_t i = 0; i < size; ++i) data()[i] = static_cast<T>(fill(i));
  }

  T* data() { return memory_.data() + offset_; }
  int64_t size() const { return size_; }
  T& operator[](int64_t i) { return data()[i]; }

 private:
  int64_t size_, offset_;
  std::vector<T> memory_;
};

// Numbers in [-4, 4) that look random and are the same everywhere.
inline double noise(int64_t i) {
  const auto mixed = (static_cast<uint64_t>(i) + 1) * 0x9E3779B97F4A7C15U;
  return static_cast<double>((mixed ^ (mixed >> 29)) >> 20 & 0xFFFFFF) / (1 << 21) - 4.0;
}

}  // namespace simt
