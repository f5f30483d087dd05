// One pool of threads for all kernels: parallel_for cuts [0, n) into chunks and runs them on it.
//
// The chunks depend on n and grain only, never on the number of threads, so a kernel that keeps one
// partial result a chunk gives the same bits for any thread count.
#pragma once

#include <cstdint>

namespace fastnn::cpu {

int num_threads();
// n >= 1; takes effect at the next parallel_for.
void set_num_threads(int n);

namespace detail {
using ChunkBody = void (*)(const void* context, int64_t begin, int64_t end);
void run_chunks(int64_t n, int64_t grain, ChunkBody body, const void* context);
}  // namespace detail

// Calls body(begin, end) once for each chunk [i * grain, min((i + 1) * grain, n)), in any order, on any
// thread, and returns when all are done. Nested calls and calls while the pool serves another caller run
// on the calling thread. The first exception of a body is rethrown here, after all threads have left.
template <class Body>
void parallel_for(int64_t n, int64_t grain, const Body& body) {
  if (n <= 0) return;
  if (n <= grain) return body(int64_t{0}, n);
  detail::run_chunks(
      n, grain,
      [](const void* context, int64_t begin, int64_t end) { (*static_cast<const Body*>(context))(begin, end); }, &body);
}

}  // namespace fastnn::cpu
