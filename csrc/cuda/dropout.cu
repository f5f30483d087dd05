#include "ops/dropout.h"

#include "cuda/captured.h"
#include "cuda/elementwise.cuh"
#include "cuda/host_value.cuh"

namespace fastnn::cuda {
namespace {

struct Words {
  uint32_t word[4];
};

// Philox4x32-10 of one counter; see csrc/cpu/kernels/dropout.h.
__device__ inline Words philox(uint64_t block, DropoutKey key) {
  auto key0 = static_cast<uint32_t>(key.seed), key1 = static_cast<uint32_t>(key.seed >> 32);
  Words w{static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), static_cast<uint32_t>(key.call),
          static_cast<uint32_t>(key.call >> 32)};
  FASTNN_UNROLL
  for (int round = 0; round < 10; ++round, key0 += 0x9E3779B9, key1 += 0xBB67AE85) {
    const uint64_t a = uint64_t{0xD2511F53} * w.word[0], b = uint64_t{0xCD9E8D57} * w.word[2];
    w = {static_cast<uint32_t>(b >> 32) ^ w.word[1] ^ key0, static_cast<uint32_t>(b),
         static_cast<uint32_t>(a >> 32) ^ w.word[3] ^ key1, static_cast<uint32_t>(a)};
  }
  return w;
}

// The factors of four elements: scale or 0.
template <class T>
struct Mask {
  HostValue<DropoutKey> key;
  uint64_t threshold;
  T scale;

  Mask(double p, HostValue<DropoutKey> k)
      : key(k),
        threshold(static_cast<uint64_t>(std::llround(std::ldexp(p, 32)))),
        scale(p < 1.0 ? static_cast<T>(1.0 / (1.0 - p)) : T(0)) {}

  __device__ T factor(uint32_t word) const { return word >= threshold ? scale : T(0); }
};

template <class T>
__global__ void dropout_kernel(int64_t n, bool packed, Mask<T> mask, const T* x, T* y) {
  constexpr int size = Pack<T>::size, packs = 4 / size;
  const DropoutKey key = mask.key.get();
  for (int64_t block = thread_of_grid(); 4 * block < n; block += threads_of_grid()) {
    const Words w = philox(static_cast<uint64_t>(block), key);
    if (packed && 4 * block + 4 <= n) {
      FASTNN_UNROLL
      for (int part = 0; part < packs; ++part) {
        Pack<T> values = load_pack(x, packs * block + part);
        FASTNN_UNROLL
        for (int i = 0; i < size; ++i) values.lane[i] *= mask.factor(w.word[part * size + i]);
        store_pack(y, packs * block + part, values);
      }
    } else {
      FASTNN_UNROLL
      for (int i = 0; i < 4; ++i) {
        if (4 * block + i < n) y[4 * block + i] = x[4 * block + i] * mask.factor(w.word[i]);
      }
    }
  }
}

// A block of threads takes a plane, whose factor each of them works out.
template <class T>
__global__ void dropout2d_kernel(Planes planes, Mask<T> mask, const T* x, T* y) {
  const DropoutKey key = mask.key.get();
  for (int64_t plane = block_of_grid(); plane < planes.count; plane += blocks_of_grid()) {
    const Words w = philox(static_cast<uint64_t>(plane / 4), key);
    const int64_t k = plane % 4;
    const T factor = mask.factor(k == 0 ? w.word[0] : k == 1 ? w.word[1] : k == 2 ? w.word[2] : w.word[3]);
    const T* from = x + plane * planes.cells;
    T* to = y + plane * planes.cells;
    for (int64_t i = thread_of_block(); i < planes.cells; i += threads_of_block()) to[i] = from[i] * factor;
  }
}

template <class T>
void drop(int64_t n, const Mask<T>& mask, const T* x, T* y) {
  launch("dropout", &dropout_kernel<T>, grid_for(ceil_div(n, 4)), n, aligned_to_packs(x, y), mask, x, y);
}

template <class T>
void drop(const Planes& planes, const Mask<T>& mask, const T* x, T* y) {
  if (planes.cells == 0) return;
  const unsigned threads = planes.cells < block_threads ? 64 : block_threads;
  const unsigned blocks = striding_blocks(planes.count);
  launch("dropout2d", &dropout2d_kernel<T>, {blocks, threads}, planes, mask, x, y);
}

}  // namespace

template <class T>
void dropout(int64_t n, double p, DropoutKey key, const T* x, T* y) {
  drop(n, Mask<T>(p, {key}), x, y);
}

template <class T>
void dropout(int64_t n, double p, const DropoutKey* key, const T* x, T* y) {
  drop(n, Mask<T>(p, {{}, key}), x, y);
}

template <class T>
void dropout2d(const Planes& planes, double p, DropoutKey key, const T* x, T* y) {
  drop(planes, Mask<T>(p, {key}), x, y);
}

template <class T>
void dropout2d(const Planes& planes, double p, const DropoutKey* key, const T* x, T* y) {
  drop(planes, Mask<T>(p, {{}, key}), x, y);
}

#define INSTANTIATE(T)                                                      \
  template void dropout(int64_t, double, DropoutKey, const T*, T*);         \
  template void dropout(int64_t, double, const DropoutKey*, const T*, T*);  \
  template void dropout2d(const Planes&, double, DropoutKey, const T*, T*); \
  template void dropout2d(const Planes&, double, const DropoutKey*, const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cuda
