// exp and log of one ISA against the wider type's libm, in units in the last place (ULP): bit
// patterns over all exponents and both signs, evenly spaced values where the functions are
// neither saturated nor linear, and the neighbours of every threshold. At most 2 ULP anywhere.
// An argument n divides the number of points by n, for runs under an emulator.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <limits>
#include <type_traits>

#include "check.h"
#include "isa_under_test.h"

#include "cpu/simd/math.h"

namespace {

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
  void (*of_block)(T* values, int count);
  Wide<T> (*exact)(Wide<T>);
};

// Takes points one by one, evaluates them in blocks and keeps the largest error.
template <class T>
class Measure {
 public:
  explicit Measure(const Function<T>& function) : function_(function) {}

  void point(T x) {
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
    CHECK(worst_ <= 2.0);
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
};

template <class T>
void exp_block(T* values, int count) {
  for (int i = 0; i < count; i += simd::Vec<T>::size) exp(simd::Vec<T>::load(values + i)).store(values + i);
}
template <class T>
void log_block(T* values, int count) {
  for (int i = 0; i < count; i += simd::Vec<T>::size) log(simd::Vec<T>::load(values + i)).store(values + i);
}

template <class T>
constexpr Function<T> exp_function{"exp", exp_block<T>, [](Wide<T> x) { return std::exp(x); }};
template <class T>
constexpr Function<T> log_function{"log", log_block<T>, [](Wide<T> x) { return std::log(x); }};

template <class T>
void test_exp(int64_t count) {
  using Limits = std::numeric_limits<T>;
  const T ln2 = T(0.693147180559945309417L);
  const T overflow = ln2 * T(Limits::max_exponent), subnormal = ln2 * T(Limits::min_exponent - 1);
  const T zero = subnormal - ln2 * T(Limits::digits);
  Measure<T> measure(exp_function<T>);
  measure.bit_patterns(count);
  measure.evenly_spaced(zero - T(1), overflow + T(1), count / 2);
  measure.evenly_spaced(T(-1), T(1), count / 4);
  for (const T x : {T(0), overflow, subnormal, zero, T(89), T(-104), T(710), T(-746)}) measure.neighbours(x, 1000);
  // Where the multiple of ln 2 that is taken off changes.
  for (int n = Limits::min_exponent - 2 * Limits::digits; n <= Limits::max_exponent; ++n) {
    measure.neighbours(ln2 * (T(n) + T(0.5)), 20);
  }
  measure.report();
}

template <class T>
void test_log(int64_t count) {
  using Limits = std::numeric_limits<T>;
  Measure<T> measure(log_function<T>);
  measure.bit_patterns(count);
  measure.evenly_spaced(T(0.25), T(4), count / 2);
  for (const T x : {T(0), T(1), Limits::min(), Limits::max(), T(2.71828182845904523536L)}) measure.neighbours(x, 1000);
  // Where the power of two that is taken off changes.
  for (int e = Limits::min_exponent - Limits::digits; e < Limits::max_exponent; ++e) {
    measure.neighbours(std::ldexp(T(1.41421356237309504880L), e), 20);
    measure.neighbours(std::ldexp(T(1), e), 20);
  }
  measure.report();
}

template <class T>
T one_lane(const Function<T>& function, T x) {
  T lanes[simd::Vec<T>::size];
  for (T& lane : lanes) lane = x;
  function.of_block(lanes, simd::Vec<T>::size);
  return lanes[0];
}

template <class T>
void test_special_values() {
  const T infinity = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const auto exp_of = [](T x) { return one_lane(exp_function<T>, x); };
  const auto log_of = [](T x) { return one_lane(log_function<T>, x); };
  CHECK(exp_of(infinity) == infinity);
  CHECK(exp_of(-infinity) == T(0));
  CHECK(exp_of(T(0)) == T(1));
  CHECK(exp_of(-T(0)) == T(1));
  CHECK(log_of(infinity) == infinity);
  CHECK(log_of(T(0)) == -infinity);
  CHECK(log_of(-T(0)) == -infinity);
  CHECK(log_of(T(1)) == T(0) && !std::signbit(log_of(T(1))));
  CHECK(std::isnan(log_of(T(-1))));
  CHECK(std::isnan(log_of(-infinity)));
  // NaN of every payload bit and both signs: the functions take numbers apart by their bits.
  for (int bit = 0; bit < std::numeric_limits<T>::digits - 1; ++bit) {
    const T payload = __builtin_bit_cast(T, __builtin_bit_cast(Bits<T>, nan) | Bits<T>(1) << bit);
    CHECK(std::isnan(exp_of(payload)) && std::isnan(exp_of(-payload)));
    CHECK(std::isnan(log_of(payload)) && std::isnan(log_of(-payload)));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (!machine_runs_isa()) return not_tested;
  const int64_t fewer = argc > 1 ? std::atoll(argv[1]) : 1;
  test_special_values<float>();
  test_special_values<double>();
  test_exp<float>(10'000'000 / fewer);
  test_log<float>(10'000'000 / fewer);
  test_exp<double>(2'000'000 / fewer);
  test_log<double>(2'000'000 / fewer);
  return check::finish("test_math");
}
