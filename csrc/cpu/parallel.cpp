// The pool behind parallel_for: threads that wait for a loop, take seats in it, and help its caller.
//
// One 64-bit word holds all that is negotiated: how many workers are inside the current loop (active), how many
// more may enter (seats), how many sleep, and whether the caller does. Every step is one atomic operation
// on it, so each sees the result of all before it and no wake-up is lost. A worker that is slow to wake
// finds no seat and is not waited for; the caller alone can finish any loop.
//
// One loop at a time: whoever finds the pool busy, nested or on another thread, runs its loop by itself.
#include "cpu/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <utility>

#include "cpu/chunk_shares.h"
#include "cpu/spin.h"
#include "cpu/thread_count.h"
#include "ops/check.h"

namespace fastnn::cpu {
namespace {

// The program's signal handlers run on its own threads, so a worker starts with signals blocked. Faults stay
// open: their handlers report where they happened.
sigset_t worker_signals() {
  sigset_t blocked;
  sigfillset(&blocked);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP}) sigdelset(&blocked, fault);
  return blocked;
}

struct Loop {
  int64_t n, grain;
  detail::ChunkBody body;
  const void* context;

  uint64_t chunks() const { return static_cast<uint64_t>((n - 1) / grain) + 1; }
  void run_chunk(uint64_t chunk) const {
    const int64_t begin = static_cast<int64_t>(chunk) * grain;
    body(context, begin, n - begin > grain ? begin + grain : n);
  }
};

void run_alone(const Loop& loop) {
  const uint64_t chunks = loop.chunks();
  for (uint64_t chunk = 0; chunk < chunks; ++chunk) loop.run_chunk(chunk);
}

class Pool {
 public:
  // On success the caller owns the pool until release().
  bool try_acquire() {
    return !busy_.load(std::memory_order_relaxed) && !busy_.exchange(true, std::memory_order_acquire);
  }
  void release() { busy_.store(false, std::memory_order_release); }

  // Owner only. Returns the exception of a body, null where none threw.
  std::exception_ptr run(const Loop& loop, int threads) {
    const uint64_t chunks = loop.chunks();
    resize(threads, chunks);
    const uint64_t seats = std::min(static_cast<uint64_t>(started_), chunks - 1);
    loop_ = loop;
    shares_.deal(chunks, static_cast<int>(seats) + 1);
    helpers_.store(0, std::memory_order_relaxed);
    failed_.store(false, std::memory_order_relaxed);
    if (seats > 0) offer(seats);
    take_part(0);
    if (seats > 0) wait_for_workers();
    return std::exchange(error_, nullptr);
  }

 private:
  static constexpr uint64_t active_one = 1, seats_one = 1 << 16, sleepers_one = uint64_t{1} << 32;
  static constexpr uint64_t field = 0xffff, seats_mask = field * seats_one;
  static constexpr uint64_t caller_sleeps = uint64_t{1} << 48;
  static uint64_t active(uint64_t state) { return state & field; }
  static uint64_t seats(uint64_t state) { return state / seats_one & field; }
  static uint64_t sleepers(uint64_t state) { return state / sleepers_one & field; }

  // Not std::thread, which keeps a block of memory that only the running thread knows: a leak in a forked child.
  struct Worker {
    Pool* pool;
    int index;
    pthread_t thread;
  };

  void resize(int threads, uint64_t chunks) {
    if (started_ > threads - 1) stop_workers(threads - 1);
    const int needed = static_cast<int>(std::min(static_cast<uint64_t>(threads), chunks)) - 1;
    if (started_ < needed) start_workers(needed);
  }

  void start_workers(int count) {
    kept_.store(count, std::memory_order_relaxed);
    const sigset_t blocked = worker_signals();
    sigset_t before;
    pthread_sigmask(SIG_SETMASK, &blocked, &before);  // threads inherit it
    for (; started_ < count; ++started_) {
      Worker& worker = workers_[static_cast<size_t>(started_)];
      worker.pool = this;
      worker.index = started_;
      // Where the system grants no more threads, those that run do the work, or the caller alone.
      if (pthread_create(&worker.thread, nullptr, &Pool::work, &worker) != 0) break;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    keep_off_caller();
  }

  void stop_workers(int kept) {
    {
      const std::lock_guard lock(mutex_);
      kept_.store(kept, std::memory_order_relaxed);
    }
    work_offered_.notify_all();
    moved_ = 0;
    while (started_ > kept) pthread_join(workers_[static_cast<size_t>(--started_)].thread, nullptr);
  }

  // Publishes loop_ to the workers.
  void offer(uint64_t count) {
    keep_off_caller();
    const uint64_t before = state_.fetch_add(count * seats_one, std::memory_order_acq_rel);
    if (sleepers(before) == 0) return;
    // A worker that counted itself holds the mutex until it really sleeps.
    {
      const std::lock_guard lock(mutex_);
    }
    if (count >= sleepers(before)) return work_offered_.notify_all();
    for (uint64_t i = 0; i < count; ++i) work_offered_.notify_one();
  }

  // Linux likes to wake a thread on the processor of its waker. There it would wait until the caller has done
  // the whole loop, call after call (measured: 512^3 products on two threads at the speed of one).
  void keep_off_caller() {
    const int caller = sched_getcpu();
    if (caller == avoided_ && moved_ == started_) return;
    cpu_set_t others;
    if (caller < 0 || caller >= CPU_SETSIZE || sched_getaffinity(0, sizeof others, &others) != 0) return;
    CPU_CLR(static_cast<size_t>(caller), &others);
    if (CPU_COUNT(&others) == 0) return;
    for (int i = 0; i < started_; ++i) {
      pthread_setaffinity_np(workers_[static_cast<size_t>(i)].thread, sizeof others, &others);
    }
    avoided_ = caller;
    moved_ = started_;
  }

  static void* work(void* argument) {
    const Worker& worker = *static_cast<const Worker*>(argument);
    while (worker.pool->wait_for_seat(worker.index)) {
      worker.pool->help();
      worker.pool->leave();
    }
    return nullptr;
  }

  // False: this worker retires.
  bool wait_for_seat(int index) {
    bool seated = false;
    const auto decided = [&] { return (seated = take_seat()) || index >= kept_.load(std::memory_order_relaxed); };
    if (spin(decided)) return seated;
    std::unique_lock lock(mutex_);
    state_.fetch_add(sleepers_one, std::memory_order_acq_rel);
    work_offered_.wait(lock, decided);
    state_.fetch_sub(sleepers_one, std::memory_order_acq_rel);
    return seated;
  }

  bool take_seat() {
    uint64_t state = state_.load(std::memory_order_relaxed);
    while (seats(state) > 0) {
      if (state_.compare_exchange_weak(state, state - seats_one + active_one, std::memory_order_acq_rel,
                                       std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  void help() noexcept { take_part(helpers_.fetch_add(1, std::memory_order_relaxed) + 1); }

  // Runs chunks until none is left or one has failed; the caller is thread 0.
  void take_part(int thread) noexcept {
    try {
      for (ChunkRun run = shares_.next(thread); !run.empty(); run = shares_.next(thread)) {
        for (uint64_t chunk = run.begin; chunk < run.end; ++chunk) {
          if (failed_.load(std::memory_order_relaxed)) return;
          loop_.run_chunk(chunk);
        }
      }
    } catch (...) {
      if (!failed_.exchange(true, std::memory_order_relaxed)) error_ = std::current_exception();
    }
  }

  // No chunk is left, so the seats go, too.
  void leave() {
    uint64_t state = state_.load(std::memory_order_relaxed);
    while (!state_.compare_exchange_weak(state, (state & ~seats_mask) - active_one, std::memory_order_acq_rel,
                                         std::memory_order_relaxed)) {
    }
    if (active(state) == 1 && (state & caller_sleeps) != 0) {
      const std::lock_guard lock(mutex_);
      workers_left_.notify_one();
    }
  }

  void wait_for_workers() {
    const auto all_left = [&] { return active(state_.load(std::memory_order_acquire)) == 0; };
    if (active(state_.fetch_and(~seats_mask, std::memory_order_acq_rel)) == 0) return;
    if (spin(all_left)) return;
    std::unique_lock lock(mutex_);
    state_.fetch_or(caller_sleeps, std::memory_order_acq_rel);
    workers_left_.wait(lock, all_left);
    state_.fetch_and(~caller_sleeps, std::memory_order_acq_rel);
  }

  alignas(line_pair) std::atomic<uint64_t> state_{0};
  alignas(line_pair) std::atomic<int> helpers_{0};  // workers that took a seat in this loop
  ChunkShares shares_;
  // Written by the owner before the offer, read-only until all workers have left; error_ is written by the
  // one thread that turned failed_.
  alignas(line_pair) Loop loop_{};
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
  std::atomic<int> kept_{0};  // workers from this index on retire
  alignas(line_pair) std::atomic<bool> busy_{false};
  int started_ = 0;               // owner only, as workers_ and the next two
  int avoided_ = -1, moved_ = 0;  // the processor that the first moved_ workers keep off
  std::mutex mutex_;
  std::condition_variable work_offered_, workers_left_;
  std::array<Worker, max_threads - 1> workers_{};
};

// Never destroyed: at exit its threads may still be waiting on it. A forked child has none of the threads, and
// the locks as they happened to be, so it gets a new pool in the same place.
alignas(Pool) unsigned char pool_storage[sizeof(Pool)];
Pool* const pool = [] {
  pthread_atfork(nullptr, nullptr, [] { new (pool_storage) Pool; });
  return new (pool_storage) Pool;
}();

std::atomic<int> configured_threads{0};  // 0: nobody has asked yet

}  // namespace

int num_threads() {
  const int configured = configured_threads.load(std::memory_order_relaxed);
  if (configured != 0) return configured;
  int unset = 0;
  const int threads = default_num_threads();
  // Another thread may have set the number meanwhile: then that one counts.
  return configured_threads.compare_exchange_strong(unset, threads, std::memory_order_relaxed) ? threads : unset;
}

void set_num_threads(int n) {
  if (n < 1 || n > max_threads) {
    fail_value("set_num_threads", "expected n from 1 to ", max_threads, ", got ", n);
  }
  configured_threads.store(n, std::memory_order_relaxed);
}

void detail::run_chunks(int64_t n, int64_t grain, ChunkBody body, const void* context) {
  const Loop loop{n, std::max<int64_t>(grain, 1), body, context};
  const int threads = num_threads();
  if (!pool->try_acquire()) return run_alone(loop);
  const std::exception_ptr error = pool->run(loop, threads);
  pool->release();
  if (error) std::rethrow_exception(error);
}

}  // namespace fastnn::cpu
