// The cache of aligned blocks: sizes, alignment, reuse, limit, failure.
#include <stdlib.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "cpu/aligned_buffer.h"
#include "cpu/size_class.h"
#include "cpu/system_block.h"

namespace cpu = fastnn::cpu;

// AddressSanitizer asks for it: a refused size is an error of the caller's, not the end of the program.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }

namespace {

constexpr size_t mib = size_t{1} << 20;

template <class Exception, class Call>
bool throws(const Call& call) {
  try {
    call();
    return false;
  } catch (const Exception&) {
    return true;
  }
}

bool out_of_memory(size_t bytes) {
  return throws<std::bad_alloc>([&] { cpu::release_block(cpu::acquire_block(bytes)); });
}

// First, because the variable is read at the first use only.
void test_environment() {
  const auto refused = [](const char* value) {
    setenv("FASTNN_CACHE_MB", value, 1);
    return throws<std::invalid_argument>([] { cpu::acquire_block(1); }) &&
           throws<std::invalid_argument>([] { cpu::cache_stats(); });
  };
  if (!cpu::exact_blocks) CHECK(refused("many") && refused("-1") && refused("") && refused("1.5"));
  setenv("FASTNN_CACHE_MB", "16", 1);
  CHECK(cpu::cache_stats().bytes_limit == (cpu::exact_blocks ? 0 : 16 << 20));
  CHECK(cpu::cache_stats().bytes_in_use == 0 && cpu::cache_stats().misses == 0);
}

void test_size_classes() {
  bool fits = true, tight = true, ordered = true;
  for (size_t bytes = 0; bytes < 70'000; ++bytes) {
    const size_t size = cpu::size_of_class(cpu::size_class_of(bytes));
    fits = fits && size >= bytes;
    tight = tight && (size <= bytes + 64 || size - bytes < bytes / 4 + 1);
  }
  for (int size_class = 0; size_class < cpu::size_classes; ++size_class) {
    const size_t size = cpu::size_of_class(size_class);
    ordered = ordered && cpu::size_class_of(size) == size_class && cpu::size_class_of(size - 63) == size_class;
    if (size < cpu::largest_block) ordered = ordered && cpu::size_class_of(size + 1) == size_class + 1;
  }
  CHECK(fits);
  CHECK(tight);
  CHECK(ordered);
}

// Every byte is written and survives what is written to the block beside it.
void test_blocks() {
  for (const size_t bytes : {size_t{0}, size_t{1}, size_t{63}, size_t{64}, size_t{65}, size_t{1000}, 2 * mib - 1,
                             2 * mib, 2 * mib + 1, 5 * mib / 2, 7 * mib / 2}) {
    auto* first = static_cast<unsigned char*>(cpu::acquire_block(bytes));
    auto* second = static_cast<unsigned char*>(cpu::acquire_block(bytes));
    const size_t boundary = !cpu::exact_blocks && bytes >= 2 * mib ? 2 * mib : 64;
    CHECK(reinterpret_cast<uintptr_t>(first) % boundary == 0 && reinterpret_cast<uintptr_t>(second) % boundary == 0);
    std::memset(first, 1, bytes);
    std::memset(second, 2, bytes);
    bool kept = true;
    for (size_t i = 0; i < bytes; ++i) kept = kept && first[i] == 1 && second[i] == 2;
    CHECK(kept);
    cpu::release_block(first);
    cpu::release_block(second);
  }
  cpu::release_block(nullptr);
  cpu::empty_cache();
  CHECK(cpu::cache_stats().bytes_in_use == 0 && cpu::cache_stats().bytes_cached == 0);
}

void test_reuse() {
  for (const size_t bytes : {size_t{100}, 3 * mib}) {
    cpu::empty_cache();
    void* const block = cpu::acquire_block(bytes);
    const cpu::CacheStats used = cpu::cache_stats();
    CHECK(used.bytes_in_use >= static_cast<int64_t>(bytes) && used.bytes_cached == 0);
    cpu::release_block(block);
    const cpu::CacheStats released = cpu::cache_stats();
    CHECK(released.bytes_in_use == 0 && released.bytes_cached == (cpu::exact_blocks ? 0 : used.bytes_in_use));
    void* const again = cpu::acquire_block(bytes - 5);
    const cpu::CacheStats reused = cpu::cache_stats();
    if (cpu::exact_blocks) {
      CHECK(reused.hits == 0 && reused.misses == used.misses + 1);
    } else {
      CHECK(again == block && reused.hits == used.hits + 1 && reused.misses == used.misses);
      CHECK(reused.bytes_in_use == used.bytes_in_use && reused.bytes_cached == 0);
    }
    cpu::release_block(again);
  }
}

void test_limit() {
  cpu::empty_cache();
  std::vector<void*> blocks;
  for (int i = 0; i < 30; ++i) blocks.push_back(cpu::acquire_block(mib));
  for (void* block : blocks) cpu::release_block(block);
  CHECK(cpu::cache_stats().bytes_cached == cpu::cache_stats().bytes_limit);  // 16 of the 30
  CHECK(cpu::cache_stats().bytes_in_use == 0);
  cpu::release_block(cpu::acquire_block(20 * mib));
  CHECK(cpu::cache_stats().bytes_cached <= cpu::cache_stats().bytes_limit);
  cpu::empty_cache();
  CHECK(cpu::cache_stats().bytes_cached == 0);
}

void test_impossible_sizes() {
  constexpr int64_t most = std::numeric_limits<int64_t>::max();
  const int64_t in_use = cpu::cache_stats().bytes_in_use;
  CHECK(out_of_memory(std::numeric_limits<size_t>::max()));
  CHECK(out_of_memory(cpu::largest_block + 1));
  CHECK(out_of_memory(cpu::largest_block));
  CHECK(throws<std::bad_alloc>([] { cpu::AlignedBuffer<double> buffer(most); }));
  CHECK(throws<std::bad_alloc>([] { cpu::AlignedBuffer<double> buffer(most / 8 + 2); }));
  CHECK(throws<std::bad_alloc>([] { cpu::AlignedBuffer<double> buffer(-1); }));
  CHECK(cpu::cache_stats().bytes_in_use == in_use);
}

void test_ordered_failure() {
  cpu::release_block(cpu::acquire_block(100));
  for (int n = 0; n < 4; ++n) {
    cpu::fail_acquisition_after(n);
    for (int i = 0; i < n; ++i) CHECK(!out_of_memory(100));
    CHECK(out_of_memory(100));
    CHECK(!out_of_memory(100));
  }
  CHECK(cpu::cache_stats().bytes_cached == (cpu::exact_blocks ? 0 : 128));  // caching again
  cpu::fail_acquisition_after(0);
  cpu::fail_acquisition_after(-1);
  CHECK(!out_of_memory(100));
  CHECK(cpu::cache_stats().bytes_in_use == 0);
}

// Every thread marks its blocks and finds its own mark.
void test_many_threads() {
  std::vector<int> wrong(8, 0);
  std::vector<std::thread> threads;
  for (size_t mark = 0; mark < wrong.size(); ++mark) {
    threads.emplace_back([&wrong, mark] {
      for (int64_t i = 1; i < 2000; ++i) {
        cpu::AlignedBuffer<size_t> buffer(i % 700 + 1);
        buffer.data()[0] = buffer.data()[i % 700] = mark;
        std::this_thread::yield();
        wrong[mark] += buffer.data()[0] == mark && buffer.data()[i % 700] == mark ? 0 : 1;
        if (i % 500 == 0) cpu::empty_cache();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(8, 0));
  CHECK(cpu::cache_stats().bytes_in_use == 0);
}

}  // namespace

int main() {
  test_environment();
  test_size_classes();
  test_blocks();
  test_reuse();
  test_limit();
  test_impossible_sizes();
  test_ordered_failure();
  test_many_threads();
  return check::finish("test_buffer");
}
