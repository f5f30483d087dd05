// The cache of blocks: one list a size class, one lock.
//
// Everything here is initialised at compile time and never destroyed, so blocks can be released at any
// moment of the process's end.
#include "cpu/aligned_buffer.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <type_traits>
#include <utility>

#include "cpu/environment.h"
#include "cpu/size_class.h"
#include "cpu/system_block.h"

namespace fastnn::cpu {
namespace {

using Lists = std::array<BlockHeader*, size_classes>;

constexpr int64_t unknown_limit = -1;

struct Cache {
  std::mutex mutex;
  Lists lists{};
  CacheStats stats{0, 0, unknown_limit, 0, 0};
  int64_t acquisitions_to_failure = -1;  // < 0: none is to fail
};

constinit Cache cache;
static_assert(std::is_trivially_destructible_v<Cache>);

// A fork must not copy the cache in the middle of a change, nor a mutex that no thread of the child will unlock.
[[maybe_unused]] const int fork_handlers =
    pthread_atfork([] { cache.mutex.lock(); }, [] { cache.mutex.unlock(); }, [] { cache.mutex.unlock(); });

// The smaller of 1 GiB and an eighth of the machine's memory, unless FASTNN_CACHE_MB says otherwise.
int64_t cache_limit() {
  if (exact_blocks) return 0;
  constexpr int64_t mib = int64_t{1} << 20;
  const auto wanted = environment_integer("FASTNN_CACHE_MB", 0, int64_t{largest_block} / mib);
  const int64_t memory = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  return wanted ? *wanted * mib : std::min(1024 * mib, memory / 8);
}

// The functions on `cache` below want its lock held.

void know_limit() {
  if (cache.stats.bytes_limit == unknown_limit) cache.stats.bytes_limit = cache_limit();
}

void* take_cached(int size_class) noexcept {
  BlockHeader*& list = cache.lists[static_cast<size_t>(size_class)];
  if (list == nullptr) return nullptr;
  BlockHeader* const header = list;
  list = header->next;
  const auto size = static_cast<int64_t>(size_of_class(size_class));
  cache.stats.bytes_cached -= size;
  cache.stats.bytes_in_use += size;
  ++cache.stats.hits;
  return header + 1;
}

void keep(void* block, int64_t size) noexcept {
  BlockHeader* const header = header_of(block);
  BlockHeader*& list = cache.lists[static_cast<size_t>(header->size_class)];
  header->next = list;
  list = header;
  cache.stats.bytes_cached += size;
}

// Before the system is asked. The first acquisition comes here, so a hit never asks for the limit, and
// while a failure is ordered nothing is cached, so a hit never asks for that.
void begin_miss() {
  know_limit();
  ++cache.stats.misses;
  if (cache.acquisitions_to_failure < 0) return;
  if (cache.acquisitions_to_failure-- > 0) return;
  cache.stats.bytes_limit = cache_limit();
  throw std::bad_alloc();
}

Lists take_all() noexcept {
  cache.stats.bytes_cached = 0;
  return std::exchange(cache.lists, Lists{});
}

void free_all(const Lists& lists) noexcept {
  for (BlockHeader* header : lists) {
    while (header != nullptr) {
      BlockHeader* const next = header->next;
      free_block(header + 1);
      header = next;
    }
  }
}

void* allocate_or_throw(size_t bytes, int size_class) {
  void* block = allocate_block(bytes, size_class);
  if (block == nullptr) {
    empty_cache();
    block = allocate_block(bytes, size_class);
  }
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace

void* acquire_block(size_t bytes) {
  if (bytes > largest_block) throw std::bad_alloc();
  const int size_class = size_class_of(bytes);
  {
    const std::lock_guard lock(cache.mutex);
    if (void* const block = take_cached(size_class)) return block;
    begin_miss();
  }
  void* const block = allocate_or_throw(bytes, size_class);
  const std::lock_guard lock(cache.mutex);
  cache.stats.bytes_in_use += static_cast<int64_t>(block_size(block));
  return block;
}

void release_block(void* block) noexcept {
  if (block == nullptr) return;
  const auto size = static_cast<int64_t>(block_size(block));
  {
    const std::lock_guard lock(cache.mutex);
    cache.stats.bytes_in_use -= size;
    if (cache.stats.bytes_cached + size <= cache.stats.bytes_limit) return keep(block, size);
  }
  free_block(block);
}

void empty_cache() noexcept {
  Lists lists;
  {
    const std::lock_guard lock(cache.mutex);
    lists = take_all();
  }
  free_all(lists);
}

CacheStats cache_stats() {
  const std::lock_guard lock(cache.mutex);
  know_limit();
  return cache.stats;
}

void fail_acquisition_after(int64_t n) {
  Lists lists;
  {
    const std::lock_guard lock(cache.mutex);
    cache.stats.bytes_limit = n < 0 ? cache_limit() : 0;
    cache.acquisitions_to_failure = n;
    lists = take_all();
  }
  free_all(lists);
}

}  // namespace fastnn::cpu
