// Everything the pool and the cache do, at once, for ThreadSanitizer to watch.
//
// The bodies write plain memory that the caller reads after the loop, and blocks change hands between
// threads: only the library's own synchronisation orders these, so a gap in it is a reported race.
#include <atomic>
#include <chrono>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "cpu/aligned_buffer.h"
#include "cpu/parallel.h"

namespace cpu = fastnn::cpu;

namespace {

// sum of i^2 for i < n: the first loop writes every value, the second reads those of other threads.
int64_t sum_of_squares(int64_t n, int64_t grain) {
  cpu::AlignedBuffer<int64_t> squares(n), partial((n - 1) / grain + 1);
  cpu::parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) squares.data()[i] = i * i;
  });
  cpu::parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    int64_t sum = 0;
    for (int64_t i = begin; i < end; ++i) sum += squares.data()[n - 1 - i];
    partial.data()[begin / grain] = sum;
  });
  int64_t sum = 0;
  for (int64_t chunk = 0; chunk <= (n - 1) / grain; ++chunk) sum += partial.data()[chunk];
  return sum;
}

bool right_sum(int64_t n, int64_t grain) { return sum_of_squares(n, grain) == (n - 1) * n * (2 * n - 1) / 6; }

bool right_nested_sums(int64_t n) {
  std::vector<char> right(static_cast<size_t>(n), 0);
  cpu::parallel_for(n, 1, [&](int64_t begin, int64_t) { right[static_cast<size_t>(begin)] = right_sum(begin + 1, 2); });
  int64_t count = 0;
  for (const char value : right) count += value;
  return count == n;
}

// Each chunk leaves its mark in plain memory; those of the chunks that ran have to be seen.
bool right_exception(int64_t failing) {
  std::vector<int64_t> marks(30, -1);
  try {
    cpu::parallel_for(30, 1, [&](int64_t begin, int64_t) {
      marks[static_cast<size_t>(begin)] = begin;
      if (begin == failing) throw std::out_of_range("chunk " + std::to_string(begin));
    });
  } catch (const std::out_of_range& error) {
    for (int64_t i = 0; i < 30; ++i) {
      const int64_t mark = marks[static_cast<size_t>(i)];
      if (mark != -1 && mark != i) return false;
    }
    return error.what() == "chunk " + std::to_string(failing) && marks[static_cast<size_t>(failing)] == failing;
  }
  return false;
}

int failures_of_caller(unsigned seed, int rounds) {
  std::mt19937 generator(seed);
  const auto random = [&](int64_t below) { return static_cast<int64_t>(generator()) % below; };
  int failures = 0;
  for (int round = 0; round < rounds; ++round) {
    const int64_t n = 1 + random(600), grain = 1 + random(40);
    failures += right_sum(n, grain) ? 0 : 1;
    if (round % 8 == 0) failures += right_nested_sums(1 + n % 20) ? 0 : 1;
    if (round % 5 == 0) failures += right_exception(n % 30) ? 0 : 1;
    if (round % 50 == 0) cpu::empty_cache();
    if (round % 7 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random(120)));
  }
  return failures;
}

void stress(unsigned callers, int rounds) {
  std::atomic<bool> stop = false;
  std::thread setter([&] {
    for (int i = 0; !stop; ++i) {
      cpu::set_num_threads(i % 4 + 1);
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
  });
  std::vector<int> failures(callers, -1);
  std::vector<std::thread> threads;
  for (unsigned caller = 0; caller < callers; ++caller) {
    threads.emplace_back([&failures, caller, rounds] { failures[caller] = failures_of_caller(caller, rounds); });
  }
  for (std::thread& thread : threads) thread.join();
  stop = true;
  setter.join();
  for (const int count : failures) CHECK(count == 0);
}

}  // namespace

int main() {
  stress(1, 1500);  // the pool is always free: all loops run on its threads
  stress(8, 300);   // it mostly is not
  CHECK(cpu::cache_stats().bytes_in_use == 0);
  return check::finish("stress_parallel");
}
