// Device memory moved as it is: between layouts, and to and from the host. Plain C++, for bindings.
#pragma once

#include "ops/tensor.h"

namespace fastnn::cuda {

// Element (i, j, ...) lies at data + i * strides[0] + j * strides[1] + ... bytes; strides may be 0 or negative.
struct StridedArray {
  const void* data;
  Shape shape, strides;
};

// to[...] = from[...], both of one shape, with elements of 1, 2, 4, 8 or 16 bytes, aligned or not. Both lie on the
// device and do not overlap; any number of axes.
void copy(const StridedArray& to, const StridedArray& from, size_t itemsize);

// Every one of `count` elements becomes value.
template <class T>
void fill(T* to, int64_t count, T value);

// Contiguous bytes; copy_to_host waits until they are there.
void copy_from_host(void* to, const void* from, size_t bytes);
void copy_to_host(void* to, const void* from, size_t bytes);

}  // namespace fastnn::cuda
