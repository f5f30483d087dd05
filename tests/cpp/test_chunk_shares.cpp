// ChunkShares: every chunk is run once, by whichever thread; neighbours by one.
#include "cpu/chunk_shares.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "check.h"

namespace cpu = fastnn::cpu;

namespace {

std::unique_ptr<cpu::ChunkShares> dealt(uint64_t chunks, int threads) {
  auto shares = std::make_unique<cpu::ChunkShares>();
  shares->deal(chunks, threads);
  return shares;
}

// Threads that take turns, the last `absent` of which never come.
bool runs_each_once(uint64_t chunks, int threads, int absent) {
  const auto shares = dealt(chunks, threads);
  std::vector<int> runs(chunks, 0);
  for (bool any = true; any;) {
    any = false;
    for (int thread = 0; thread < threads - absent; ++thread) {
      const cpu::ChunkRun run = shares->next(thread);
      any |= !run.empty();
      for (uint64_t chunk = run.begin; chunk < run.end; ++chunk) ++runs[chunk];
    }
  }
  return std::all_of(runs.begin(), runs.end(), [](int count) { return count == 1; });
}

void test_each_chunk_once() {
  for (const int threads : {1, 2, 3, 8, 33}) {
    for (const uint64_t chunks : {1u, 2u, 3u, 7u, 32u, 33u, 257u, 4097u}) {
      for (const int absent : {0, 1, threads / 2, threads - 1}) {
        CHECK(absent == threads || runs_each_once(chunks, threads, absent));
      }
    }
  }
}

// Of threads of one speed each runs its part of the chunks, in order.
void test_neighbours_stay_together() {
  const auto shares = dealt(64, 2);
  uint64_t ends[2] = {0, 32};
  for (int turn = 0; turn < 8; ++turn) {
    for (const int thread : {0, 1}) {
      const cpu::ChunkRun run = shares->next(thread);
      CHECK(run.begin == ends[thread] && run.end > run.begin);
      ends[thread] = run.end;
    }
  }
  CHECK(ends[0] <= 32 && ends[1] <= 64);
}

// Half of what the slow one has left, from its end.
void test_a_fast_thread_helps_a_slow_one() {
  const auto shares = dealt(64, 2);
  const cpu::ChunkRun first = shares->next(1);
  CHECK(first.begin == 32 && first.end == 36);
  uint64_t end = 0;
  while (end < 32) end = shares->next(0).end;
  const cpu::ChunkRun stolen = shares->next(0);
  CHECK(stolen.begin == 50 && stolen.end == 52);
  CHECK(shares->next(1).begin == 36);
}

void test_more_chunks_than_a_word_counts() {
  const uint64_t chunks = (uint64_t{1} << 40) + 12345;
  const auto shares = dealt(chunks, 3);
  uint64_t sum = 0, last = 0;
  for (cpu::ChunkRun run = shares->next(1); !run.empty(); run = shares->next(1)) {
    sum += run.end - run.begin;
    last = std::max(last, run.end);
  }
  CHECK(sum == chunks && last == chunks);
}

void test_threads_at_once() {
  constexpr uint64_t chunks = 20000;
  for (int round = 0; round < 50; ++round) {
    const auto shares = dealt(chunks, 4);
    std::vector<std::atomic<int>> runs(chunks);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        for (cpu::ChunkRun run = shares->next(thread); !run.empty(); run = shares->next(thread)) {
          for (uint64_t chunk = run.begin; chunk < run.end; ++chunk) ++runs[chunk];
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(std::all_of(runs.begin(), runs.end(), [](const std::atomic<int>& count) { return count == 1; }));
  }
}

}  // namespace

int main() {
  test_each_chunk_once();
  test_neighbours_stay_together();
  test_a_fast_thread_helps_a_slow_one();
  test_more_chunks_than_a_word_counts();
  test_threads_at_once();
  return check::finish("test_chunk_shares");
}
