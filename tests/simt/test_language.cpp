// The shim itself: indices, barriers, shuffles, votes, atomics, shared memory, limits; and the reductions, the launch
// and the record of wrong values that every kernel builds on.
#include <cmath>
#include <numeric>

#include "../cpp/check.h"
#include "cuda/device.h"
#include "cuda/note_offence.cuh"
#include "cuda/reduce.cuh"
#include "simt/call.h"
#include "simt/message.h"

namespace {

using namespace fastnn::cuda;

__global__ void index_kernel(int* seen) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  atomicAdd(&seen[block * blockDim.x * blockDim.y * blockDim.z + thread], 1);
}

void check_indices() {
  simt::Array<int> seen(2 * 3 * 2 * 5 * 3 * 4, [](int64_t) { return 0; });
  launch("index", &index_kernel, {{2, 3, 2}, {5, 3, 4}}, seen.data());
  for (int64_t i = 0; i < seen.size(); ++i) CHECK(seen[i] == 1);
}

// Reverses a block through shared memory.
__global__ void reverse_kernel(const float* x, float* y) {
  FASTNN_DYNAMIC_SHARED(float, row);
  row[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = row[blockDim.x - 1 - threadIdx.x];
}

void check_shared() {
  simt::Array<float> x(100, simt::noise), y(100);
  launch("reverse", &reverse_kernel, {1, 100, 100 * sizeof(float)}, x.data(), y.data());
  for (int64_t i = 0; i < 100; ++i) CHECK(y[i] == x[99 - i]);
}

__global__ void warp_kernel(int* results) {
  const int lane = lane_of_warp();
  int* mine = results + 8 * threadIdx.x;
  mine[0] = __shfl_sync(all_lanes, lane, 5);
  mine[1] = __shfl_up_sync(all_lanes, lane, 2, 8);
  mine[2] = __shfl_down_sync(all_lanes, lane, 3, 16);
  mine[3] = __shfl_xor_sync(all_lanes, lane, 1);
  mine[4] = static_cast<int>(__ballot_sync(all_lanes, lane % 2));
  mine[5] = __any_sync(all_lanes, lane == 9) + 2 * __all_sync(all_lanes, lane < 31);
  // The halves apart, the upper one twice.
  const unsigned half = lane < 16 ? 0x0000FFFF : 0xFFFF0000;
  mine[6] = 0;
  for (int i = 0; i <= lane / 16; ++i) mine[6] += __shfl_xor_sync(half, lane, 8);
  mine[7] = __syncthreads_count(lane == 3) + 100 * __syncthreads_or(lane > 31) + 200 * __syncthreads_and(lane < 32);
}

void check_warp() {
  simt::Array<int> results(8 * 64);
  launch("warp", &warp_kernel, {1, 64}, results.data());
  for (int thread = 0; thread < 64; ++thread) {
    const int lane = thread % 32, *mine = &results[8 * thread];
    CHECK(mine[0] == 5);
    CHECK(mine[1] == (lane % 8 < 2 ? lane : lane - 2));
    CHECK(mine[2] == (lane % 16 < 13 ? lane + 3 : lane));
    CHECK(mine[3] == (lane ^ 1));
    CHECK(static_cast<unsigned>(mine[4]) == 0xAAAAAAAA);
    CHECK(mine[5] == 1);
    CHECK(mine[6] == (lane / 16 + 1) * (lane ^ 8));
    CHECK(mine[7] == 202);
  }
}

__global__ void atomic_kernel(int* sum, float* total, int64_t* least, unsigned* most, int* owner) {
  atomicAdd(sum, 1);
  atomicAdd(total, 0.5f);
  atomicMin(least, static_cast<int64_t>(threadIdx.x) - 7);
  atomicMax(most, threadIdx.x);
  atomicCAS(owner, -1, static_cast<int>(threadIdx.x));
}

void check_atomics() {
  const auto zero = [](int64_t) { return 0; };
  simt::Array<int> sum(1, zero), owner(1, [](int64_t) { return -1; });
  simt::Array<float> total(1, zero);
  simt::Array<int64_t> least(1, zero);
  simt::Array<unsigned> most(1, zero);
  launch("atomic", &atomic_kernel, {3, 50}, sum.data(), total.data(), least.data(), most.data(), owner.data());
  CHECK(sum[0] == 150);
  CHECK(total[0] == 75.0f);
  CHECK(least[0] == -7);
  CHECK(most[0] == 49);
  CHECK(owner[0] == 0);
}

__global__ void reduce_kernel(const float* x, float* results, int64_t* where) {
  const float mine = x[threadIdx.x];
  const float sum = block_sum(mine), top = block_max(mine);
  const Indexed<float> first =
      block_reduce(Indexed<float>{mine, static_cast<int64_t>(threadIdx.x)}, Indexed<float>{-INFINITY, 1000}, ArgMax{});
  results[3 * threadIdx.x] = sum;
  results[3 * threadIdx.x + 1] = top;
  results[3 * threadIdx.x + 2] = warp_reduce(mine, Sum{}, 8);
  where[threadIdx.x] = first.index;
}

void check_block_reductions() {
  constexpr int n = 96;
  simt::Array<float> x(n, [](int64_t i) { return i == 40 || i == 70 ? 50.0 : static_cast<double>(i % 13); }), y(3 * n);
  simt::Array<int64_t> where(n);
  launch("reduce", &reduce_kernel, {1, n}, x.data(), y.data(), where.data());
  for (int i = 0; i < n; ++i) {
    CHECK(y[3 * i] == std::accumulate(&x[0], &x[0] + n, 0.0f));
    CHECK(y[3 * i + 1] == 50.0f);
    CHECK(y[3 * i + 2] == std::accumulate(&x[i / 8 * 8], &x[i / 8 * 8] + 8, 0.0f));
    CHECK(where[i] == 40);
  }
}

struct Square {
  const double* x;
  __device__ double operator()(int64_t i) const { return x[i] * x[i]; }
};
struct Root {
  __device__ double operator()(double sum) const { return sqrt(sum); }
};

void check_long_reduction(int64_t n) {
  simt::Array<double> x(n, [](int64_t i) { return static_cast<double>(i % 5); }), norm(1);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += x[i] * x[i];
  reduce_terms("norm", n, 0.0, Square{x.data()}, Sum{}, Root{}, norm.data());
  CHECK(norm[0] == std::sqrt(sum));
}

__global__ void negative_kernel(int64_t n, const int64_t* x, Offence* record, int number) {
  int64_t first = no_offence;
  for (int64_t i = thread_of_grid(); i < n; i += threads_of_grid()) {
    if (x[i] < 0 && i < first) first = i;
  }
  note_first_offence(record, number, first, [=](int64_t i) { return x[i]; });
}

void check_offences() {
  const int64_t n = 5000;
  simt::Array<int64_t> x(n, [](int64_t i) { return i == 777 || i == 3000 || i == 4999 ? -i : i; });
  const int number = register_check("negative", [](const Offence& offence) {
    fastnn::fail_index("test", "got ", offence.value_as<int64_t>(), " at position ", offence.position);
  });
  CHECK(register_check("negative", nullptr) == number);
  launch("negative", &negative_kernel, grid_for(n / 4), n, x.data(), offence_record(), number);
  CHECK(simt::message_of_synchronize() == "[test] got -777 at position 777");
  synchronize();  // says it once
}

void check_limits() {
  const auto launched = [](Grid grid) {
    return simt::message_of<std::runtime_error>(
        [&] { launch("index", &index_kernel, grid, static_cast<int*>(nullptr)); });
  };
  CHECK(launched({0, 64}) == "");
  CHECK(launched({1, 1025}).starts_with("index: "));
  CHECK(launched({{1, 70000}, 1}).starts_with("index: "));
  CHECK(launched({1, 1, 228 << 10}).starts_with("index: "));
}

}  // namespace

int main() {
  const simt::Call call;
  check_indices();
  check_shared();
  check_warp();
  check_atomics();
  check_block_reductions();
  for (const int64_t n : {0, 1, 100, 5000, 70000}) check_long_reduction(n);
  check_offences();
  check_limits();
  return check::finish("test_simt_language");
}
