// Blocks fresh from the system and back to it.
//
// A header before the data names the block's size class: found by subtraction, where a table of addresses
// would be searched. It takes block_alignment bytes, so the data stay aligned.
//
// From 2 MiB on a block is a mapping of its own with its data on a huge-page boundary and the header on
// the small page before. A header on the boundary itself would push the end of 2 MiB of data onto a second
// huge page.
//
// Under AddressSanitizer a block is one plain allocation of exactly the bytes asked for, without header and never
// reused, so that the first byte beyond it and every use after release are reported.
#pragma once

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "cpu/aligned_buffer.h"
#include "cpu/size_class.h"

#if defined(__SANITIZE_ADDRESS__)
#define FASTNN_EXACT_BLOCKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FASTNN_EXACT_BLOCKS 1
#endif
#endif

namespace fastnn::cpu {

#ifdef FASTNN_EXACT_BLOCKS
inline constexpr bool exact_blocks = true;
#else
inline constexpr bool exact_blocks = false;
#endif

struct alignas(block_alignment) BlockHeader {
  BlockHeader* next;  // in the cache's list
  int size_class;
};

inline BlockHeader* header_of(void* block) { return static_cast<BlockHeader*>(block) - 1; }

inline constexpr size_t huge_page = size_t{1} << 21;

inline size_t page_size() {
  static const auto size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

// Null where the system has no memory, as below.
inline void* map_huge(size_t bytes) noexcept {
  const size_t page = page_size(), mapped = huge_page + bytes;
  void* const raw = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  const auto begin = reinterpret_cast<uintptr_t>(raw);
  const size_t lead = huge_page - begin % huge_page;  // >= page: mappings begin on pages
  char* const data = static_cast<char*>(raw) + lead;
  if (lead > page) munmap(raw, lead - page);
  if (lead < huge_page) munmap(data + bytes, huge_page - lead);
  madvise(data - page, page + bytes, MADV_HUGEPAGE);  // a wish: small pages serve as well
  return data;
}

inline void* allocate_plain(size_t bytes) noexcept {
  void* memory = nullptr;
  return posix_memalign(&memory, block_alignment, bytes) == 0 ? memory : nullptr;
}

// The bytes of class `size_class`, or exactly `bytes` where blocks are exact.
inline void* allocate_block(size_t bytes, int size_class) noexcept {
  if (exact_blocks) return allocate_plain(bytes > 0 ? bytes : 1);
  const size_t size = size_of_class(size_class);
  const bool huge = size >= huge_page;
  void* const memory = huge ? map_huge(size) : allocate_plain(sizeof(BlockHeader) + size);
  if (memory == nullptr) return nullptr;
  BlockHeader* const header = huge ? header_of(memory) : static_cast<BlockHeader*>(memory);
  return new (header) BlockHeader{nullptr, size_class} + 1;
}

inline size_t block_size(void* block) noexcept {
  return exact_blocks ? malloc_usable_size(block) : size_of_class(header_of(block)->size_class);
}

inline void free_block(void* block) noexcept {
  if (exact_blocks) return std::free(block);
  const size_t size = block_size(block);
  if (size < huge_page) return std::free(header_of(block));
  munmap(static_cast<char*>(block) - page_size(), page_size() + size);
}

}  // namespace fastnn::cpu
