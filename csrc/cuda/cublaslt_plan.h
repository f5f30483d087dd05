// A product as cuBLASLt wants it described, with the algorithm to use: made once for each shape and kept.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "cuda/cublaslt_api.h"
#include "cuda/gemm.cuh"

namespace fastnn::cuda::lt {

// Of a call, what a plan depends on. cuBLASLt's matrices are column-major: it computes the transposed product, with
// B as its first factor and A as its second, so that its bias runs along C's columns.
struct Matrix {
  int64_t rows, columns, line, step;  // column-major
  bool transposed;
  int64_t alignment;  // of its memory, in bytes
  auto operator<=>(const Matrix&) const = default;
};

struct Shape {
  int device, compute, type, epilogue;
  int64_t batch;
  Matrix first, second, result;
  auto operator<=>(const Shape&) const = default;
};

template <class Object>
using Owned = std::unique_ptr<std::remove_pointer_t<Object>, Status (*)(Object)>;

struct Plan {
  Handle handle;
  Owned<Desc> desc;
  Owned<Layout> first, second, result;
  Heuristic choice;
  bool supported;
};

// The lock that is held while plans are looked up and used: a bias belongs to a plan's description.
std::mutex& plan_lock();
Plan& plan(const Functions& lt, const Shape& shape);

}  // namespace fastnn::cuda::lt
