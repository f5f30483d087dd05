// Scratch memory of a kernel and the memory of its outputs, from one cache of aligned blocks.
//
// A fresh 4 KiB page costs about a microsecond, often more than the kernel that fills it, so released
// blocks are kept by size class and handed out again, up to a limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>

namespace fastnn::cpu {

inline constexpr size_t block_alignment = 64;

struct CacheStats {
  int64_t bytes_in_use, bytes_cached, bytes_limit, hits, misses;
};

// A block of at least `bytes` bytes (0 gives a valid block, too), aligned to block_alignment.
// Throws std::bad_alloc, and at the first call std::invalid_argument where FASTNN_CACHE_MB, the limit of the
// cache in MiB, is not a number.
void* acquire_block(size_t bytes);
// Null is allowed.
void release_block(void* block) noexcept;
// Gives every cached block back to the system.
void empty_cache() noexcept;
// Throws as the first acquire_block does.
CacheStats cache_stats();
// For tests: `n` acquisitions from now succeed, the next throws std::bad_alloc, and those after it succeed
// again. Nothing is cached meanwhile. Negative n takes the order back.
void fail_acquisition_after(int64_t n);

// Uninitialised scratch of `count` values, released at the end of the scope.
template <class T>
class AlignedBuffer {
 public:
  explicit AlignedBuffer(int64_t count) : data_(static_cast<T*>(acquire_block(byte_size(count)))) {}
  ~AlignedBuffer() { release_block(data_); }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;

  T* data() { return data_; }
  const T* data() const { return data_; }

 private:
  static size_t byte_size(int64_t count) {
    if (count < 0 || static_cast<size_t>(count) > std::numeric_limits<size_t>::max() / 2 / sizeof(T)) {
      throw std::bad_alloc();
    }
    return static_cast<size_t>(count) * sizeof(T);
  }

  T* data_;
};

}  // namespace fastnn::cpu
