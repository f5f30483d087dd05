#include "ops/dropout.h"

#include <algorithm>
#include <cmath>

#include "cpu/dispatch.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t elements_per_task = 1 << 14;  // a multiple of the 4 elements of a Philox block

// y[i] = x[i] * mask of element first + i.
template <class T>
void apply(int64_t first, int64_t n, double p, DropoutKey key, const T* x, T* y) {
  const auto threshold = static_cast<uint64_t>(std::llround(std::ldexp(p, 32)));
  const T scale = p < 1.0 ? static_cast<T>(1.0 / (1.0 - p)) : T(0);
  kernels<T>().dropout.apply(x, y, first, n, key.seed, key.call, threshold, scale);
}

}  // namespace

template <class T>
void dropout(int64_t n, double p, DropoutKey key, const T* x, T* y) {
  parallel_for(n, elements_per_task,
               [=](int64_t begin, int64_t end) { apply(begin, end - begin, p, key, x + begin, y + begin); });
}

template <class T>
void dropout2d(const Planes& planes, double p, DropoutKey key, const T* x, T* y) {
  constexpr int64_t block = 64;
  if (planes.cells == 0) return;
  const int64_t cells = planes.cells, grain = std::max(block, elements_per_task / cells / block * block);
  parallel_for(planes.count, grain, [=](int64_t begin, int64_t end) {
    T mask[block];
    for (int64_t first = begin; first < end; first += block) {
      const int64_t count = std::min(block, end - first);
      std::fill_n(mask, count, T(1));
      apply(first, count, p, key, mask, mask);
      for (int64_t i = 0; i < count; ++i) {
        const T *from = x + (first + i) * cells, factor = mask[i];
        std::transform(from, from + cells, y + (first + i) * cells, [=](T value) { return value * factor; });
      }
    }
  });
}

#define INSTANTIATE(T)                                              \
  template void dropout(int64_t, double, DropoutKey, const T*, T*); \
  template void dropout2d(const Planes&, double, DropoutKey, const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cpu
