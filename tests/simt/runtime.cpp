// Never compiled with a sanitizer: it speaks to them itself, and its own accesses are not the kernel's.
#include "simt/runtime.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <string>

#include "simt/arena.h"
#include "simt/fiber.h"
#include "simt/sanitizers.h"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace simt {
namespace {

constexpr int most_threads = 1024, lanes = 32;
constexpr size_t dynamic_limit = 227 << 10;  // of sm_90

enum class State { ready, at_barrier, in_warp, finished };

struct Thread {
  State state = State::finished;
  uint3 index{};
  Place place{};
  bool predicate = false;
  uint64_t result = 0;
};

// Lanes of a warp on the way to meet.
struct Meeting {
  unsigned mask = 0, arrived = 0;  // mask 0: free
  Collective kind{};
  uint64_t value[lanes]{};
  int source[lanes]{};
  unsigned round = 0;
};

struct Warp {
  unsigned alive = 0, rounds = 0;
  Meeting meetings[lanes];
  char ordering[64];  // what TSan orders at __syncwarp, a place for each of the last rounds
};

struct Fault {
  int thread;
  std::string text;
};

struct Machine {
  std::mutex mutex;
  std::deque<Fiber> fibers;
  Arena arena;
  Thread threads[most_threads];
  Warp warps[most_threads / lanes];
  int count = 0, at_barrier = 0, current = 0, first_fiber = 0;
  unsigned barriers = 0, barrier_line = 0;
  char begin, end, barrier_order[2];  // addresses for TSan
  void (*body)(const void*) = nullptr;
  const void* arguments = nullptr;
  const char* fault = nullptr;  // of the current thread
};

Machine& machine() {
  static Machine one;
  return one;
}

Thread& self() { return machine().threads[machine().current]; }

void wait(State state, Place place) {
  self().state = state;
  self().place = place;
  Fiber::leave();
}

[[noreturn]] void fail(const char* fault, Place place) {
  machine().fault = fault;
  self().place = place;
  for (;;) Fiber::leave();
}

std::string text(const uint3& index) {
  return "(" + std::to_string(index.x) + ", " + std::to_string(index.y) + ", " + std::to_string(index.z) + ")";
}

std::string text(Place place) { return std::string(place.file_name()) + ":" + std::to_string(place.line()); }

std::string name_of(int thread) {
  return "thread " + text(machine().threads[thread].index) + " of block " + text(blockIdx);
}

std::string story(int thread) {
  const Thread& t = machine().threads[thread];
  if (t.state == State::finished) return name_of(thread) + " has finished";
  return name_of(thread) + (t.state == State::at_barrier ? " waits at the barrier " : " waits for its warp at ") +
         text(t.place);
}

// Nobody can go on: one thread that waits, and one that does not wait with it.
std::string deadlock() {
  const Machine& m = machine();
  int waiting = 0;
  while (m.threads[waiting].state == State::finished) ++waiting;
  std::string message = "divergence: " + story(waiting);
  for (int i = 0; i < m.count; ++i) {
    const Thread &a = m.threads[waiting], &b = m.threads[i];
    if (a.state == b.state && a.place.line() == b.place.line()) continue;
    return message + ", " + story(i);
  }
  return message;
}

void run_thread() {
  Machine& m = machine();
  acquire(&m.begin);
  m.body(m.arguments);
  release(&m.end);
  m.warps[m.current / lanes].alive &= ~(1U << (m.current % lanes));
  self().state = State::finished;
}

void enter(int thread) {
  Machine& m = machine();
  m.current = thread;
  threadIdx = m.threads[thread].index;
  // Thread 0 of the next block runs on another fiber, so that TSan sees blocks race.
  m.fibers[static_cast<size_t>((thread + m.first_fiber) % m.count)].enter();
  if (m.fault) throw Fault{thread, m.fault};
}

bool run_warp(int warp) {
  Machine& m = machine();
  const int first = warp * lanes, last = std::min(first + lanes, m.count);
  bool any = false;
  for (bool more = true; more;) {
    more = false;
    for (int i = first; i < last; ++i) {
      if (m.threads[i].state != State::ready) continue;
      enter(i);
      more = any = true;
    }
  }
  return any;
}

void start_block(size_t dynamic_bytes) {
  Machine& m = machine();
  m.arena.next_block(dynamic_bytes);
  m.at_barrier = 0;
  m.first_fiber = (m.first_fiber + 1) % m.count;
  for (Warp& warp : m.warps) {
    warp.alive = 0;
    for (Meeting& meeting : warp.meetings) meeting.mask = 0;
  }
  for (int i = 0; i < m.count; ++i) {
    const auto at = static_cast<unsigned>(i);
    m.threads[i].index = {at % blockDim.x, at / blockDim.x % blockDim.y, at / blockDim.x / blockDim.y};
    m.threads[i].state = State::ready;
    m.warps[i / lanes].alive |= 1U << (i % lanes);
  }
}

void run_block(size_t dynamic_bytes) {
  Machine& m = machine();
  start_block(dynamic_bytes);
  const int warps = (m.count + lanes - 1) / lanes;
  for (bool more = true; more;) {
    more = false;
    for (int w = 0; w < warps; ++w) more |= run_warp(w);
  }
  for (int i = 0; i < m.count; ++i) {
    if (m.threads[i].state != State::finished) throw Fault{i, deadlock()};
  }
}

void check_limits(dim3 grid, dim3 block, size_t dynamic_bytes) {
  const auto threads = uint64_t{block.x} * block.y * block.z;
  if (threads == 0 || threads > most_threads || block.z > 64)
    throw Fault{-1, "a block of more than 1024 threads or none"};
  if (uint64_t{grid.x} * grid.y * grid.z == 0) throw Fault{-1, "an empty grid"};
  if (grid.x > 0x7FFFFFFF || grid.y > 65535 || grid.z > 65535) throw Fault{-1, "a grid beyond its limits"};
  if (dynamic_bytes > dynamic_limit) throw Fault{-1, "more dynamic shared memory than there is"};
}

void run_grid(dim3 grid, dim3 block, size_t dynamic_bytes) {
  Machine& m = machine();
  check_limits(grid, block, dynamic_bytes);
  gridDim = grid;
  blockDim = block;
  m.count = static_cast<int>(block.x * block.y * block.z);
  while (m.fibers.size() < static_cast<size_t>(m.count)) m.fibers.emplace_back(&run_thread);
  release(&m.begin);
  for (blockIdx.z = 0; blockIdx.z < grid.z; ++blockIdx.z) {
    for (blockIdx.y = 0; blockIdx.y < grid.y; ++blockIdx.y) {
      for (blockIdx.x = 0; blockIdx.x < grid.x; ++blockIdx.x) run_block(dynamic_bytes);
    }
  }
  acquire(&m.end);
}

// The meeting that this lane is expected at, or a free one.
Meeting& meeting_of(Warp& warp, unsigned bit, unsigned mask, Place place) {
  Meeting* free = nullptr;
  for (Meeting& meeting : warp.meetings) {
    if (meeting.mask == 0) free = free ? free : &meeting;
    if (meeting.mask == mask && (meeting.arrived & bit) == 0) return meeting;
    if ((meeting.mask & mask) != 0) fail("a mask other than that of the lanes it names", place);
  }
  free->mask = mask;
  free->arrived = 0;
  free->round = warp.rounds++ % sizeof(warp.ordering);
  return *free;
}

void finish_meeting(Machine& m, Meeting& meeting) {
  unsigned votes = 0;
  const int first = m.current / lanes * lanes;
  for (int i = 0; i < lanes; ++i) {
    if ((meeting.mask >> i & 1U) != 0 && meeting.value[i] != 0) votes |= 1U << i;
  }
  for (int i = 0; i < lanes; ++i) {
    if ((meeting.mask >> i & 1U) == 0) continue;
    Thread& thread = m.threads[first + i];
    thread.result = meeting.kind == Collective::vote ? votes : meeting.value[meeting.source[i]];
    thread.state = State::ready;
  }
  meeting.mask = 0;
}

}  // namespace

void launch(const char* kernel, dim3 grid, dim3 block, size_t dynamic_bytes, void (*body)(const void*),
            const void* arguments) {
  Machine& m = machine();
  const std::lock_guard lock(m.mutex);
  m.body = body;
  m.arguments = arguments;
  m.fault = nullptr;
  try {
    run_grid(grid, block, dynamic_bytes);
  } catch (const Fault& fault) {
    std::string message = std::string(kernel) + ": " + fault.text;
    if (m.fault) message += ", in " + name_of(fault.thread) + " at " + text(m.threads[fault.thread].place);
    m.fibers.clear();  // they hang in the middle of the kernel
    throw std::runtime_error(message);
  }
}

int lane() { return machine().current % lanes; }

int barrier(bool predicate, Place place) {
  Machine& m = machine();
  if (m.at_barrier == 0) m.barrier_line = place.line();
  if (m.barrier_line != place.line()) fail("divergence: another barrier than that of the others", place);
  char* order = &m.barrier_order[m.barriers % 2];
  release(order);
  self().predicate = predicate;
  if (++m.at_barrier < m.count) {
    wait(State::at_barrier, place);
  } else {
    uint64_t votes = 0;
    for (int i = 0; i < m.count; ++i) votes += m.threads[i].predicate;
    for (int i = 0; i < m.count; ++i) {
      m.threads[i].state = State::ready;
      m.threads[i].result = votes;
    }
    m.at_barrier = 0;
    ++m.barriers;
  }
  acquire(order);
  return static_cast<int>(self().result);
}

uint64_t collective(Collective kind, unsigned mask, uint64_t value, int source, Place place) {
  Machine& m = machine();
  Warp& warp = m.warps[m.current / lanes];
  const unsigned bit = 1U << lane();
  if ((mask & bit) == 0) fail("a mask without the lane itself", place);
  if ((mask & ~warp.alive) != 0) fail("a mask with a lane that is not there", place);
  if (kind == Collective::shuffle && (mask >> source & 1U) == 0) fail("a shuffle from a lane outside the mask", place);
  Meeting& meeting = meeting_of(warp, bit, mask, place);
  if (meeting.arrived == 0) meeting.kind = kind;
  if (meeting.kind != kind) fail("divergence: the others of the mask do something else", place);
  meeting.arrived |= bit;
  meeting.value[lane()] = value;
  meeting.source[lane()] = source;
  char* order = &warp.ordering[meeting.round];
  if (kind == Collective::sync) release(order);
  if (meeting.arrived == mask) {
    finish_meeting(m, meeting);
  } else {
    wait(State::in_warp, place);
  }
  if (kind == Collective::sync) acquire(order);
  return self().result;
}

void* shared_array(const void* name, size_t bytes) {
  void* data = machine().arena.array(name, bytes);
  if (!data) fail("more static shared memory than 48 KB or than 32 arrays", Place::current());
  return data;
}

void* dynamic_shared() {
  void* data = machine().arena.dynamic();
  if (!data) fail("dynamic shared memory that the launch did not ask for", Place::current());
  return data;
}

}  // namespace simt
