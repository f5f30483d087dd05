#include "simt/arena.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#include "simt/sanitizers.h"

namespace simt {

Arena::Arena() { map(); }

// Mapping anew makes ThreadSanitizer forget the accesses of the blocks before.
void Arena::map() {
  const int again = memory_ ? MAP_FIXED : 0;
  void* memory =
      mmap(memory_, arena_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | again, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<char*>(memory);
  poison(memory_, arena_bytes);
  used_ = 0;
}

// By volatile stores: memset would be seen by the sanitizers.
char* Arena::allocate(size_t bytes) {
  char* data = memory_ + used_ + red_zone;
  used_ += red_zone + (bytes + red_zone - 1) / red_zone * red_zone;
  unpoison(data, bytes);
  for (size_t i = 0; i < (bytes + 7) / 8; ++i) reinterpret_cast<volatile uint64_t*>(data)[i] = ~uint64_t{0};
  return data;
}

void Arena::next_block(size_t dynamic_bytes) {
  poison(memory_, used_);
  if (used_ > arena_bytes - largest_block) map();
  count_ = 0;
  static_bytes_ = 0;
  dynamic_bytes_ = dynamic_bytes;
  dynamic_ = nullptr;
}

void* Arena::array(const void* name, size_t bytes) {
  for (int i = 0; i < count_; ++i) {
    if (pieces_[i].name == name) return pieces_[i].data;
  }
  static_bytes_ += bytes;
  if (count_ == most_arrays || static_bytes_ > static_limit) return nullptr;
  pieces_[count_] = {name, allocate(bytes)};
  return pieces_[count_++].data;
}

void* Arena::dynamic() {
  if (!dynamic_ && dynamic_bytes_ > 0) dynamic_ = allocate(dynamic_bytes_);
  return dynamic_;
}

}  // namespace simt
