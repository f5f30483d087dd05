// A fiber: a stack of its own that the scheduler enters and that comes back by itself. Under AddressSanitizer and
// ThreadSanitizer the switches are announced; for ThreadSanitizer a switch orders nothing.
#pragma once

#include <cstddef>

namespace simt {

class Fiber {
 public:
  explicit Fiber(void (*run)());  // called again whenever it has returned and the fiber is entered
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  void enter();         // from the scheduler: runs the fiber until it leaves
  static void leave();  // from a fiber: back to the scheduler

 private:
  static void start();

  void (*run_)();
  char* stack_;
  void* stack_pointer_;
  void* sanitizer_fiber_ = nullptr;  // TSan's
  void* fake_stack_ = nullptr;       // ASan's
};

}  // namespace simt
