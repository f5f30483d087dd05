// What a kernel on the host asks of the shim: blocks run one after another, and the threads of a block are fibers
// that switch where they wait for each other. Misuse throws std::runtime_error from launch, naming the thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

namespace simt {

using Place = std::source_location;

void launch(const char* kernel, dim3 grid, dim3 block, size_t dynamic_bytes, void (*body)(const void*),
            const void* arguments);

// Until all threads of the block have come; the number of those with a predicate.
int barrier(bool predicate, Place place);

enum class Collective { sync, shuffle, vote };
// Until all lanes of the mask have come. A shuffle gives the source lane's value, a vote the bits of the lanes whose
// value is not 0.
uint64_t collective(Collective kind, unsigned mask, uint64_t value, int source, Place place);

int lane();

// Memory of the block, the same for all its threads; `name` tells the arrays apart.
void* shared_array(const void* name, size_t bytes);
void* dynamic_shared();

}  // namespace simt
