#include "simt/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#include "simt/sanitizers.h"

#ifndef __x86_64__
#error "the host shim switches stacks on x86-64 only"
#endif

namespace simt {
namespace {

constexpr size_t stack_bytes = size_t{1} << 18, guard_bytes = 4096;
constexpr unsigned no_synchronisation = 1;

// Of the scheduler, while a fiber runs.
Fiber* running = nullptr;
void* scheduler_stack_pointer = nullptr;
void* scheduler_fiber = nullptr;
void* scheduler_fake_stack = nullptr;
const void* scheduler_stack = nullptr;
size_t scheduler_stack_bytes = 0;

// Keeps the registers that a call keeps. Naked and opaque: top-level asm would break under link-time optimization.
[[gnu::naked, gnu::noipa]] void switch_stack([[maybe_unused]] void** from, [[maybe_unused]] void* to) {
  __asm__(
      "pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15\n"
      "movq %rsp, (%rdi); movq %rsi, %rsp\n"
      "popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp\n"
      "ret");
}

char* new_stack() {
  void* stack = mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stack == MAP_FAILED || mprotect(stack, guard_bytes, PROT_NONE) != 0) throw std::bad_alloc();
  return static_cast<char*>(stack);
}

}  // namespace

Fiber::Fiber(void (*run)()) : run_(run), stack_(new_stack()) {
  // What switch_stack finds: six registers, the address to return to, and a place that aligns the stack as a call.
  auto* top = reinterpret_cast<void**>(stack_ + stack_bytes) - 8;
  top[6] = reinterpret_cast<void*>(&Fiber::start);
  stack_pointer_ = top;
  if (__tsan_create_fiber) sanitizer_fiber_ = __tsan_create_fiber(0);
}

// The stack goes with its fiber: another one's accesses to it would look like races.
Fiber::~Fiber() {
  if (sanitizer_fiber_) __tsan_destroy_fiber(sanitizer_fiber_);
  unpoison(stack_, stack_bytes);
  munmap(stack_, stack_bytes);
}

void Fiber::enter() {
  running = this;
  if (__tsan_get_current_fiber) {
    scheduler_fiber = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(sanitizer_fiber_, no_synchronisation);
  }
  if (__sanitizer_start_switch_fiber) __sanitizer_start_switch_fiber(&scheduler_fake_stack, stack_, stack_bytes);
  switch_stack(&scheduler_stack_pointer, stack_pointer_);
  if (__sanitizer_finish_switch_fiber) __sanitizer_finish_switch_fiber(scheduler_fake_stack, nullptr, nullptr);
}

void Fiber::leave() {
  Fiber& self = *running;
  if (scheduler_fiber) __tsan_switch_to_fiber(scheduler_fiber, no_synchronisation);
  if (__sanitizer_start_switch_fiber) {
    __sanitizer_start_switch_fiber(&self.fake_stack_, scheduler_stack, scheduler_stack_bytes);
  }
  switch_stack(&self.stack_pointer_, scheduler_stack_pointer);
  if (__sanitizer_finish_switch_fiber) {
    __sanitizer_finish_switch_fiber(self.fake_stack_, &scheduler_stack, &scheduler_stack_bytes);
  }
}

void Fiber::start() {
  if (__sanitizer_finish_switch_fiber) {
    __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack, &scheduler_stack_bytes);
  }
  for (;;) {
    running->run_();
    leave();
  }
}

}  // namespace simt
