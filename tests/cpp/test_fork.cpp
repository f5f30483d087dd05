// Forked children run loops and take blocks, also when the fork falls into other threads' loops.
//
// A program of its own because ThreadSanitizer refuses new threads after a fork of a process that has some.
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>
#include <vector>

#include "check.h"
#include "cpu/aligned_buffer.h"
#include "cpu/parallel.h"
#include "cpu/system_block.h"

namespace cpu = fastnn::cpu;

namespace {

bool loops_work() {
  cpu::AlignedBuffer<int64_t> squares(300);
  cpu::parallel_for(300, 7, [&](int64_t begin, int64_t end) {
    cpu::AlignedBuffer<int64_t> scratch(end - begin);
    for (int64_t i = begin; i < end; ++i) scratch.data()[i - begin] = i * i;
    for (int64_t i = begin; i < end; ++i) squares.data()[i] = scratch.data()[i - begin];
  });
  int64_t sum = 0;
  for (int64_t i = 0; i < 300; ++i) sum += squares.data()[i];
  return sum == 299 * 300 * 599 / 6;
}

// Every thread of the child has to take part, or this hangs until the alarm.
void rendezvous(int threads) {
  std::atomic<int> arrived = 0;
  cpu::parallel_for(threads, 1, [&](int64_t, int64_t) {
    ++arrived;
    while (arrived < threads) std::this_thread::yield();
  });
}

template <class Body>
bool child_succeeds(const Body& body) {
  std::fflush(stdout);  // a child that exits would print it, too
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    body();
    _exit(1);
  }
  int status = -1;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int children_that_succeed(int count) {
  int good = 0;
  for (int i = 0; i < count; ++i) {
    good += child_succeeds([] {
      rendezvous(3);
      _exit(loops_work() ? 0 : 1);
    });
  }
  return good;
}

void test_fork_between_loops() {
  rendezvous(3);
  CHECK(loops_work());
  CHECK(children_that_succeed(500) == 500);
  CHECK(loops_work());
}

// AddressSanitizer's allocator can stay locked in a child when other threads of the parent allocate, so
// there the parent's loops take no memory.
bool loops_of_parent_work(std::vector<int>& visits) {
  if (!cpu::exact_blocks) return loops_work();
  cpu::parallel_for(static_cast<int64_t>(visits.size()), 7, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
  });
  return visits.front() == visits.back();
}

void test_fork_during_loops() {
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0, begun = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 2; ++i) {
    callers.emplace_back([&] {
      std::vector<int> visits(300, 0);
      ++begun;
      while (!stop) wrong += loops_of_parent_work(visits) ? 0 : 1;
    });
  }
  while (begun < 2) std::this_thread::yield();
  CHECK(children_that_succeed(500) == 500);
  stop = true;
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

void test_grandchildren() {
  CHECK(child_succeeds([] {
    const bool here = loops_work();
    const bool below = child_succeeds([] { _exit(loops_work() ? 0 : 1); });
    _exit(here && below && loops_work() ? 0 : 1);
  }));
}

// exit runs static destructors while the workers wait; _exit does not.
void test_exit_with_live_workers() {
  int good = 0;
  for (int i = 0; i < 20; ++i) {
    good += child_succeeds([] {
      if (loops_work()) exit(0);
    });
  }
  CHECK(good == 20);
}

}  // namespace

int main() {
  cpu::set_num_threads(3);
  test_fork_between_loops();
  test_fork_during_loops();
  test_grandchildren();
  test_exit_with_live_workers();
  return check::finish("test_fork");
}
