// What the host decides for a kernel. A graph freezes the parameters of its launches, so a captured kernel reads such
// a value from device memory, where the host writes it before each replay.
#pragma once

#include "cuda/device.cuh"

namespace fastnn::cuda {

template <class Value>
struct HostValue {
  Value value;
  const Value* in_memory = nullptr;  // read in place of value where there is one

  __device__ Value get() const { return in_memory ? *in_memory : value; }
};

}  // namespace fastnn::cuda
