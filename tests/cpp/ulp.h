// The error of an elementary function of one ISA in units in the last place (ULP), against the wider type's libm.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "check.h"
#include "isa_under_test.h"

template <class T>
using Wide = std::conditional_t<sizeof(T) == 4, double, long double>;
template <class T>
using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;

// |got - exact| in ULPs of exact. Infinity counts as the power of two after the largest number,
// so a result one step over the brink is one ULP off, not infinitely many.
template <class T>
double ulp_error(T got, Wide<T> exact) {
  using Limits = std::numeric_limits<T>;
  if (std::isnan(exact) || std::isnan(got)) return std::isnan(exact) && std::isnan(got) ? 0.0 : HUGE_VAL;
  const Wide<T> brink = std::ldexp(Wide<T>(1), Limits::max_exponent);
  const auto bounded = [&](Wide<T> value) { return std::fmin(std::fmax(value, -brink), brink); };
  const int exponent = exact == 0 ? Limits::min_exponent - 1 : std::ilogb(bounded(exact));
  const int ulp_exponent = std::max(exponent, Limits::min_exponent - 1) - (Limits::digits - 1);
  return static_cast<double>(std::ldexp(std::fabs(bounded(got) - bounded(exact)), -ulp_exponent));
}

template <class T>
struct Function {
  const char* name;
  double limit;  // ULP
  void (*of_block)(T* values, int count);
  Wide<T> (*exact)(Wide<T>);
};

// Takes points one by one, evaluates them in blocks and keeps the largest error.
template <class T>
class Measure {
 public:
  explicit Measure(const Function<T>& function) : function_(function) {}

  // The bit patterns of numbers that are not within the domain are passed over.
  Measure& within(T low, T high) {
    low_ = low, high_ = high;
    return *this;
  }

  void point(T x) {
    if (x < low_ || x > high_) return;
    input_[filled_++] = x;
    if (filled_ == block) flush();
  }
  void neighbours(T x, int64_t reach) {
    T above = x, below = x;
    for (int64_t i = 0; i < reach; ++i) {
      point(above);
      point(below);
      above = std::nextafter(above, std::numeric_limits<T>::infinity());
      below = std::nextafter(below, -std::numeric_limits<T>::infinity());
    }
  }
  void evenly_spaced(T low, T high, int64_t count) {
    for (int64_t i = 0; i < count; ++i) point(low + (high - low) * (static_cast<T>(i) / static_cast<T>(count)));
  }
  void bit_patterns(int64_t count) {
    // An odd stride, so that the low bits vary too.
    const Bits<T> stride = (std::numeric_limits<Bits<T>>::max() / static_cast<Bits<T>>(count)) | 1;
    Bits<T> pattern = 0;
    for (int64_t i = 0; i < count; ++i, pattern += stride) point(__builtin_bit_cast(T, pattern));
  }
  void report() {
    flush();
    std::printf("%s %s(%s): %.3f ULP at most, at %a, %lld points\n", isa_name, function_.name,
                sizeof(T) == 4 ? "float" : "double", worst_, static_cast<double>(worst_at_),
                static_cast<long long>(points_));
    CHECK(worst_ <= function_.limit);
  }

 private:
  static constexpr int block = 1024;

  void flush() {
    for (int i = filled_; i < block; ++i) input_[i] = T(1);
    for (int i = 0; i < block; ++i) output_[i] = input_[i];
    function_.of_block(output_, block);
    for (int i = 0; i < filled_; ++i) {
      const double error = ulp_error(output_[i], function_.exact(static_cast<Wide<T>>(input_[i])));
      if (error > worst_) worst_ = error, worst_at_ = input_[i];
    }
    points_ += filled_;
    filled_ = 0;
  }

  const Function<T>& function_;
  T input_[block], output_[block];
  int filled_ = 0;
  int64_t points_ = 0;
  double worst_ = 0;
  T worst_at_ = 0;
  T low_ = -std::numeric_limits<T>::infinity(), high_ = std::numeric_limits<T>::infinity();
};

template <class T>
T one_lane(const Function<T>& function, T x) {
  T lanes[simd::Vec<T>::size];
  for (T& lane : lanes) lane = x;
  function.of_block(lanes, simd::Vec<T>::size);
  return lanes[0];
}
