// planted_bugs NAME runs a kernel with one bug and prints what the shim throws; CMakeLists.txt says what is expected
// of it under which sanitizer.
#include <cmath>
#include <cstdio>
#include <cstring>

#include "cuda/elementwise.cuh"
#include "simt/call.h"

namespace {

using namespace fastnn::cuda;

__global__ void missing_syncthreads_kernel(float* x) {
  FASTNN_SHARED(float, row, [64]);
  row[threadIdx.x] = x[threadIdx.x];
  x[threadIdx.x] = row[63 - threadIdx.x];
}

// A shuffle makes the lanes meet, but orders no memory.
__global__ void missing_syncwarp_kernel(float* x) {
  FASTNN_SHARED(float, row, [64]);
  row[threadIdx.x] = x[threadIdx.x];
  const float next = __shfl_down_sync(all_lanes, x[threadIdx.x], 1);
  x[threadIdx.x] = row[threadIdx.x ^ 1] + next;
}

__global__ void plain_addition_kernel(float* x) { x[0] += 1.0f; }

__global__ void racing_blocks_kernel(float* x) {
  if (threadIdx.x == 0) x[0] = static_cast<float>(blockIdx.x);
}

__global__ void shared_overrun_kernel(float* x) {
  FASTNN_SHARED(float, row, [64]);
  row[threadIdx.x + 1] = x[threadIdx.x];
}

__global__ void dynamic_overrun_kernel(float* x) {
  FASTNN_DYNAMIC_SHARED(float, row);
  row[threadIdx.x + 1] = x[threadIdx.x];
}

__global__ void global_overrun_kernel(float* x) { x[threadIdx.x + 1] = 0.0f; }

__global__ void misaligned_pack_kernel(float* x) { store_pack(x + 1, 0, load_pack(x, 0)); }

__global__ void uninitialised_shared_kernel(float* x) {
  FASTNN_SHARED(float, sum, [1]);
  sum[0] += x[threadIdx.x];
  x[threadIdx.x] = sum[0];
}

__global__ void divergent_barrier_kernel(float*) {
  if (threadIdx.x == 7) return;
  __syncthreads();
}

__global__ void two_barriers_kernel(float*) {
  if (blockIdx.x == 1 && threadIdx.x >= 16) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

__global__ void mask_without_self_kernel(float* x) { x[0] = __shfl_sync(0x0000FFFF, x[0], 0); }

__global__ void mask_of_others_kernel(float* x) { x[0] = __shfl_sync(all_lanes, x[0], 0); }

__global__ void overlapping_masks_kernel(float*) { __syncwarp(threadIdx.x < 8 ? 0x000001FF : 0x0000FF00); }

__global__ void lane_outside_mask_kernel(float* x) {
  if (threadIdx.x < 4) x[threadIdx.x] = __shfl_sync(0x0000000F, x[threadIdx.x], threadIdx.x == 3 ? 4 : 0);
}

__global__ void no_dynamic_memory_kernel(float* x) {
  FASTNN_DYNAMIC_SHARED(float, row);
  row[0] = x[0];
}

struct Bug {
  const char* name;
  void (*kernel)(float*);
  Grid grid;
};

constexpr Grid one_block{1, 64}, two_blocks{2, 64};

#define BUG(name, ...) {#name, &name##_kernel, __VA_ARGS__}
const Bug bugs[] = {BUG(missing_syncthreads, one_block), BUG(missing_syncwarp, one_block),
                    BUG(plain_addition, one_block),      BUG(racing_blocks, two_blocks),
                    BUG(shared_overrun, one_block),      BUG(dynamic_overrun, {1, 64, 64 * sizeof(float)}),
                    BUG(global_overrun, one_block),      BUG(misaligned_pack, {1, 1}),
                    BUG(uninitialised_shared, {1, 1}),   BUG(divergent_barrier, one_block),
                    BUG(two_barriers, two_blocks),       BUG(mask_without_self, {1, {16, 2}}),
                    BUG(mask_of_others, {1, 20}),        BUG(overlapping_masks, {1, 16}),
                    BUG(lane_outside_mask, {1, 8}),      BUG(no_dynamic_memory, one_block)};
#undef BUG

void run(const Bug& bug) {
  simt::Array<float> x(64, simt::noise);
  try {
    launch(bug.name, bug.kernel, bug.grid, x.data());
    std::printf("%s: %s\n", bug.name, std::isnan(x[0]) ? "nan" : "nothing found");
  } catch (const std::runtime_error& error) {
    std::printf("%s\n", error.what());
  }
}

}  // namespace

int main(int count, char** arguments) {
  const simt::Call call;
  for (const Bug& bug : bugs) {
    if (count == 2 && std::strcmp(bug.name, arguments[1]) == 0) run(bug);
  }
}
