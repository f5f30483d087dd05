// Results of kernels against those of plain loops.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "simt/call.h"

namespace simt {

using Exact = long double;

template <class T>
inline constexpr double eps = std::numeric_limits<T>::epsilon();
template <class T>
inline constexpr T nan = std::numeric_limits<T>::quiet_NaN();
template <class T>
inline constexpr T infinity = std::numeric_limits<T>::infinity();

// Off by at most `ulps` half units of the larger of `exact` and `scale`; NaN and infinities have to be the same.
template <class T>
bool close(T value, Exact exact, double ulps, Exact scale = 0) {
  if (std::isnan(exact)) return std::isnan(value);
  if (std::isinf(exact)) return static_cast<Exact>(value) == exact;
  const Exact size = std::fmax(std::fabs(exact), std::fabs(scale));
  return std::fabs(static_cast<Exact>(value) - exact) <=
         static_cast<Exact>(ulps * eps<T> / 2) * size + static_cast<Exact>(std::numeric_limits<T>::min());
}

template <class T>
bool same_bits(T a, T b) {
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  return std::bit_cast<Bits>(a) == std::bit_cast<Bits>(b);
}
template <class T>
bool same_bits(Array<T>& a, Array<T>& b) {
  bool same = a.size() == b.size();
  for (int64_t i = 0; same && i < a.size(); ++i) same = same_bits(a[i], b[i]);
  return same;
}

}  // namespace simt
