// parallel_for: coverage, nesting, exceptions, many callers, and threads that come and go.
#include "cpu/parallel.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cfloat>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "check.h"

namespace cpu = fastnn::cpu;

namespace {

std::ptrdiff_t tasks() { return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}); }

// The kernel lists a thread for a moment after it was joined: hence the least count of half a second here, and
// the wait below.
std::ptrdiff_t settled_tasks() {
  std::ptrdiff_t least = tasks();
  for (int i = 0; i < 500; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    least = std::min(least, tasks());
  }
  return least;
}

bool tasks_become(std::ptrdiff_t count) {
  for (int i = 0; i < 5000 && tasks() != count; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return tasks() == count;
}

template <class Call>
bool refuses(const Call& call) {
  try {
    call();
    return false;
  } catch (const std::invalid_argument&) {
    return true;
  }
}

bool covers_once(int64_t n, int64_t grain) {
  std::vector<int> visits(static_cast<size_t>(n), 0);
  std::atomic<bool> chunks_right = true;
  cpu::parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    if (begin % grain != 0 || end != std::min(begin + grain, n)) chunks_right = false;
    for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
  });
  return chunks_right && std::all_of(visits.begin(), visits.end(), [](int count) { return count == 1; });
}

void test_coverage() {
  for (const int threads : {1, 2, 3, 8}) {
    cpu::set_num_threads(threads);
    for (const int64_t n : {1, 2, 3, 7, 64, 257, 4097}) {
      for (const int64_t grain : {1, 2, 3, 64, 5000}) CHECK(covers_once(n, grain));
    }
  }
  int calls = 0;
  const auto count = [&](int64_t, int64_t) { ++calls; };
  cpu::parallel_for(0, 1, count);
  cpu::parallel_for(-5, 1, count);
  CHECK(calls == 0);
  std::atomic<int> sum = 0;
  for (const int64_t grain : {0, -3}) {
    cpu::parallel_for(5, grain, [&](int64_t begin, int64_t end) { sum += static_cast<int>(end - begin); });
  }
  CHECK(sum == 10);
}

// Each of `threads` chunks waits until all have begun: it ends only if every thread takes part.
void rendezvous(int threads) {
  std::atomic<int> arrived = 0;
  cpu::parallel_for(threads, 1, [&](int64_t begin, int64_t end) {
    arrived += static_cast<int>(end - begin);
    while (arrived < threads) std::this_thread::yield();
  });
}

void test_threads_come_and_go(std::ptrdiff_t tasks_at_start) {
  cpu::set_num_threads(4);
  cpu::parallel_for(100, 100, [](int64_t, int64_t) {});
  CHECK(tasks() == tasks_at_start);  // one chunk needs no thread
  for (const int threads : {2, 8, 3, 1, 4}) {
    cpu::set_num_threads(threads);
    rendezvous(threads);
    cpu::parallel_for(2, 1, [](int64_t, int64_t) {});  // a rendezvous of one does not ask the pool
    CHECK(cpu::num_threads() == threads);
    CHECK(tasks_become(tasks_at_start + threads - 1));
  }
  CHECK(refuses([] { cpu::set_num_threads(0); }));
  CHECK(refuses([] { cpu::set_num_threads(-1); }));
  CHECK(refuses([] { cpu::set_num_threads(1025); }));
  CHECK(cpu::num_threads() == 4);
}

// Offers around the moment, some 50 us after a loop, at which the waiting workers fall asleep.
void test_no_wake_up_is_lost() {
  cpu::set_num_threads(3);
  for (int round = 0; round < 4000; ++round) {
    const auto pause = std::chrono::nanoseconds(40'000 + round % 400 * 100);
    const auto end = std::chrono::steady_clock::now() + pause;
    while (std::chrono::steady_clock::now() < end) {
    }
    rendezvous(3);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  rendezvous(3);
  CHECK(cpu::num_threads() == 3);  // reached: a lost wake-up hangs
}

void test_nested_calls_stay_on_their_thread() {
  cpu::set_num_threads(4);
  std::atomic<int> inner = 0, elsewhere = 0;
  cpu::parallel_for(16, 1, [&](int64_t, int64_t) {
    const auto outer = std::this_thread::get_id();
    cpu::parallel_for(10, 3, [&](int64_t begin, int64_t end) {
      inner += static_cast<int>(end - begin);
      if (std::this_thread::get_id() != outer) ++elsewhere;
    });
  });
  CHECK(inner == 160);
  CHECK(elsewhere == 0);
}

void test_a_busy_pool_is_not_waited_for() {
  cpu::set_num_threads(2);
  std::atomic<bool> begun = false, other_done = false;
  std::thread holder([&] {
    cpu::parallel_for(2, 1, [&](int64_t, int64_t) {
      begun = true;
      while (!other_done) std::this_thread::yield();
    });
  });
  while (!begun) std::this_thread::yield();
  int chunks = 0;
  const auto here = std::this_thread::get_id();
  cpu::parallel_for(50, 1, [&](int64_t, int64_t) { chunks += std::this_thread::get_id() == here ? 1 : 0; });
  other_done = true;
  holder.join();
  CHECK(chunks == 50);
}

void test_exceptions() {
  cpu::set_num_threads(4);
  int caught = 0, usable = 0;
  std::atomic<int> inside = 0, at_most_inside = 0;
  for (int round = 0; round < 1000; ++round) {
    try {
      cpu::parallel_for(40, 1, [&](int64_t begin, int64_t) {
        ++inside;
        const bool fails = begin == round % 40 || round % 3 == 0;
        --inside;
        if (fails) throw std::runtime_error("round " + std::to_string(round));
      });
    } catch (const std::runtime_error& error) {
      at_most_inside = std::max<int>(at_most_inside, inside);
      caught += error.what() == "round " + std::to_string(round) ? 1 : 0;
    }
    std::atomic<int> sum = 0;
    cpu::parallel_for(40, 3, [&](int64_t begin, int64_t end) { sum += static_cast<int>(end - begin); });
    usable += sum == 40 ? 1 : 0;
  }
  CHECK(caught == 1000);
  CHECK(usable == 1000);
  CHECK(at_most_inside == 0);
}

void test_a_failure_skips_what_is_left() {
  for (const int threads : {1, 3}) {
    cpu::set_num_threads(threads);
    std::atomic<int> calls = 0;
    bool caught = false;
    try {
      cpu::parallel_for(3000, 1, [&](int64_t begin, int64_t) {
        ++calls;
        if (begin == 0) {
          while (calls < threads) std::this_thread::yield();
          throw std::runtime_error("first");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      });
    } catch (const std::runtime_error&) {
      caught = true;
    }
    CHECK(caught && calls < 1000);
  }
}

// Longer than it spins, so the caller sleeps and has to be woken.
void test_the_caller_waits_for_a_slow_worker() {
  cpu::set_num_threads(2);
  const auto caller = std::this_thread::get_id();
  int done = 0;
  for (int round = 0; round < 20; ++round) {
    bool worker_done = false;
    std::atomic<int> arrived = 0;
    cpu::parallel_for(2, 1, [&](int64_t, int64_t) {
      ++arrived;
      while (arrived < 2) std::this_thread::yield();
      if (std::this_thread::get_id() == caller) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      worker_done = true;
    });
    done += worker_done ? 1 : 0;
  }
  CHECK(done == 20);
}

int64_t sum_by_chunks(int64_t n) {
  std::vector<int64_t> partial(static_cast<size_t>((n + 63) / 64));
  cpu::parallel_for(n, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) partial[static_cast<size_t>(begin / 64)] += i;
  });
  int64_t sum = 0;
  for (const int64_t value : partial) sum += value;
  return sum;
}

void test_many_callers() {
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  std::thread setter([&] {
    for (int i = 0; !stop; ++i) {
      cpu::set_num_threads(i % 5 + 1);
      std::this_thread::yield();
    }
  });
  std::vector<std::thread> callers;
  for (int64_t caller = 0; caller < 8; ++caller) {
    callers.emplace_back([&wrong, caller] {
      for (int64_t n = 1; n < 400; ++n)
        wrong += sum_by_chunks(n * 8 + caller) != (n * 8 + caller) * (n * 8 + caller - 1) / 2;
    });
  }
  for (std::thread& caller : callers) caller.join();
  stop = true;
  setter.join();
  CHECK(wrong == 0);
}

void test_workers_leave_the_program_alone() {
  cpu::set_num_threads(2);
  rendezvous(2);
  const auto here = std::this_thread::get_id();
  std::atomic<int> arrived = 0, workers = 0, right = 0, subnormal = 0;
  cpu::parallel_for(2, 1, [&](int64_t, int64_t) {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
    volatile double smallest_normal = DBL_MIN;
    if (smallest_normal / 2 > 0) ++subnormal;
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    const bool worker = std::this_thread::get_id() != here;
    if (worker) ++workers;
    if (sigismember(&blocked, SIGINT) == (worker ? 1 : 0) && sigismember(&blocked, SIGSEGV) == 0) ++right;
  });
  CHECK(workers == 1);
  CHECK(right == 2);
  CHECK(subnormal == 2);
}

}  // namespace

int main() {
  alarm(300);                 // a lost wake-up would hang
  std::thread([] {}).join();  // with the first thread, a sanitizer may start one of its own
  const std::ptrdiff_t tasks_at_start = settled_tasks();
  test_threads_come_and_go(tasks_at_start);
  test_no_wake_up_is_lost();
  test_coverage();
  test_nested_calls_stay_on_their_thread();
  test_a_busy_pool_is_not_waited_for();
  test_exceptions();
  test_a_failure_skips_what_is_left();
  test_the_caller_waits_for_a_slow_worker();
  test_many_callers();
  test_workers_leave_the_program_alone();
  return check::finish("test_parallel");
}
