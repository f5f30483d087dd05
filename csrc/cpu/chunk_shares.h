// Who runs which chunks of a loop. Each thread has a share of neighbours and takes it from the front; one that is done
// takes the back half of the largest share left (work stealing, Blumofe and Leiserson 1999). That neighbours stay on
// one core matters: a core fetches ahead of itself, and what another one writes there goes back and forth between them.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "cpu/thread_count.h"

namespace fastnn::cpu {

// Two lines of 64 bytes, which some processors fetch as a pair.
inline constexpr size_t line_pair = 128;

struct ChunkRun {
  uint64_t begin = 0, end = 0;
  bool empty() const { return begin == end; }
};

class ChunkShares {
 public:
  // Before any of the threads 0, 1, ... asks for a run.
  void deal(uint64_t chunks, int threads) {
    chunks_ = chunks;
    each_ = chunks / most_units + 1;
    threads_ = threads;
    const uint64_t units = (chunks + each_ - 1) / each_, count = static_cast<uint64_t>(threads);
    for (uint64_t i = 0; i < count; ++i) put(shares_[i], {units * i / count, units * (i + 1) / count});
  }

  // What `thread` runs next; empty where nothing is left to take.
  ChunkRun next(int thread) {
    Share& own = shares_[static_cast<size_t>(thread)];
    while (true) {
      const ChunkRun units = take(own, [](ChunkRun left) {  // little at a time, so that others find something to take
        return ChunkRun{left.begin + (left.end - left.begin + 7) / 8, left.end};
      });
      if (!units.empty()) return {units.begin * each_, std::min(units.end * each_, chunks_)};
      Share& largest = *std::max_element(shares_.begin(), shares_.begin() + threads_,
                                         [](const Share& a, const Share& b) { return left(a) < left(b); });
      if (left(largest) == 0) return {};
      put(own,
          take(largest, [](ChunkRun left) { return ChunkRun{left.begin, left.begin + (left.end - left.begin) / 2}; }));
    }
  }

 private:
  // [begin, end) in the halves of one word. Whoever takes something leaves another word, and none comes back within a
  // loop, since no unit does.
  struct alignas(line_pair) Share {
    std::atomic<uint64_t> units{0};
  };
  static constexpr uint64_t most_units = uint64_t{1} << 31;

  static ChunkRun get(uint64_t word) { return {word >> 32, word & 0xffffffff}; }
  static uint64_t word(ChunkRun units) { return units.begin << 32 | units.end; }
  static void put(Share& share, ChunkRun units) { share.units.store(word(units), std::memory_order_relaxed); }
  static uint64_t left(const Share& share) {
    const ChunkRun units = get(share.units.load(std::memory_order_relaxed));
    return units.end - units.begin;
  }

  // Leaves rest(units) of a share and returns the others, which lie at one of its ends.
  template <class Rest>
  static ChunkRun take(Share& share, const Rest& rest) {
    uint64_t before = share.units.load(std::memory_order_relaxed);
    while (true) {
      const ChunkRun units = get(before), kept = rest(units);
      if (units.empty()) return units;
      if (!share.units.compare_exchange_weak(before, word(kept), std::memory_order_relaxed)) continue;
      return kept.end == units.end ? ChunkRun{units.begin, kept.begin} : ChunkRun{kept.end, units.end};
    }
  }

  std::array<Share, max_threads> shares_;
  uint64_t chunks_ = 0, each_ = 1;  // each_: chunks a unit, more than one only where there are more than 2^31
  int threads_ = 0;
};

}  // namespace fastnn::cpu
