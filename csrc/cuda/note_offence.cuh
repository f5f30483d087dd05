// The device's side of offences.h.
#pragma once

#include "cuda/launch.cuh"
#include "cuda/offences.h"
#include "cuda/reduce.cuh"

namespace fastnn::cuda {

inline constexpr int64_t no_offence = int64_t{0x7FFFFFFFFFFFFFFF};

struct Lowest {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a < b ? a : b;
  }
};

// By one thread. The lock is held for a few instructions, and only where something is wrong.
template <class T>
__device__ void note_offence(Offence* record, int check, int64_t position, T value) {
  static_assert(sizeof(T) <= sizeof(record->value));
  while (atomicCAS(&record->lock, 0, 1) != 0) {
  }
  __threadfence();
  volatile Offence* at = record;
  if (at->check == 0 || check < at->check || (check == at->check && position < at->position)) {
    uint64_t bytes = 0;
    memcpy(&bytes, &value, sizeof(T));
    at->check = check;
    at->position = position;
    at->value = bytes;
  }
  __threadfence();
  atomicExch(&record->lock, 0);
}

// By all threads of a block: `position` is the first one this thread found wrong, or no_offence; value_at(position)
// gives its value.
template <class ValueAt>
__device__ void note_first_offence(Offence* record, int check, int64_t position, ValueAt value_at) {
  if (__syncthreads_or(position != no_offence) == 0) return;
  position = block_reduce(position, no_offence, Lowest{});
  if (thread_of_block() == 0) note_offence(record, check, position, value_at(position));
}

}  // namespace fastnn::cuda
