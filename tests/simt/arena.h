// The shared memory of a block: every array a fresh piece between red zones, full of NaN.
#pragma once

#include <cstddef>

namespace simt {

class Arena {
 public:
  Arena();
  void* array(const void* name, size_t bytes);  // null beyond the limits
  void* dynamic();
  void next_block(size_t dynamic_bytes);

 private:
  static constexpr size_t arena_bytes = size_t{1} << 26, red_zone = 256, largest_block = size_t{1} << 20;
  static constexpr size_t static_limit = 48 << 10;
  static constexpr int most_arrays = 32;
  struct Piece {
    const void* name;
    char* data;
  };

  void map();
  char* allocate(size_t bytes);

  char* memory_ = nullptr;
  size_t used_ = 0, static_bytes_ = 0, dynamic_bytes_ = 0;
  char* dynamic_ = nullptr;
  Piece pieces_[most_arrays];
  int count_ = 0;
};

}  // namespace simt
