// Wrong values of labels and indices. The CPU throws for them at once; a kernel cannot, so it notes the first one in a
// record in device memory, and synchronize() throws what the CPU would have thrown.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>

namespace fastnn::cuda {

// One a device. Of the checks that failed the one with the lowest number is kept, and of it the lowest position, so
// that the order of threads does not matter.
struct Offence {
  int check;  // 0: none
  int lock;
  int64_t position;
  uint64_t value;  // its bytes

  template <class T>
  T value_as() const {
    T typed;
    std::memcpy(&typed, &value, sizeof(T));
    return typed;
  }
};

// Of the current device. Allocates it when it is asked for the first time there, so a graph is captured after a call
// that was not.
Offence* offence_record();

// Throws what the CPU throws for this position and value; runs at synchronize().
using Refuse = std::function<void(const Offence&)>;

// The number of a check, from 1, for note_offence. Checks with the same key share their number, so that a training
// loop has few; the key has to hold all that refuse captures.
int register_check(const std::string& key, const Refuse& refuse);

}  // namespace fastnn::cuda
