#include "ops/dropout.h"

#include <cmath>

#include "cpu/dispatch.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {

template <class T>
void dropout(int64_t n, double p, DropoutKey key, const T* x, T* y) {
  constexpr int64_t elements_per_task = 1 << 14;  // a multiple of the 4 elements of a Philox block
  const auto threshold = static_cast<uint64_t>(std::llround(std::ldexp(p, 32)));
  const T scale = p < 1.0 ? static_cast<T>(1.0 / (1.0 - p)) : T(0);
  parallel_for(n, elements_per_task, [=](int64_t begin, int64_t end) {
    kernels<T>().dropout.apply(x + begin, y + begin, begin, end - begin, key.seed, key.call, threshold, scale);
  });
}

template void dropout(int64_t, double, DropoutKey, const float*, float*);
template void dropout(int64_t, double, DropoutKey, const double*, double*);

}  // namespace fastnn::cpu
