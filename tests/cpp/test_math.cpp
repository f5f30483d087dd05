// The elementary functions of one ISA against the wider type's libm, in units in the last place
// (ULP): bit patterns over all exponents and both signs, evenly spaced values where the functions
// are neither saturated nor linear, and the neighbours of every threshold. An argument n divides the number of points
// by n, for runs under an emulator.
#include <cstdlib>
#include <initializer_list>

#include "ulp.h"

#include "cpu/simd/math_normal.h"
#include "cpu/simd/math_sigmoid.h"

namespace {

template <class T, auto function>
void block_of(T* values, int count) {
  for (int i = 0; i < count; i += simd::Vec<T>::size) {
    function(simd::Vec<T>::load(values + i)).store(values + i);
  }
}

// x Phi(x). The argument of erfc is rounded; its error, which erfc would magnify, is put right by the slope.
template <class T>
Wide<T> exact_gelu(Wide<T> x) {
  if (std::isinf(x)) return x > 0 ? x : Wide<T>(NAN);
  constexpr long double root_half = 0.70710678118654752440L;
  constexpr auto high = static_cast<Wide<T>>(root_half), low = static_cast<Wide<T>>(root_half - high);
  const Wide<T> argument = -x * high, error = std::fma(-x, high, -argument) - x * low;
  const Wide<T> slope = Wide<T>(-1.12837916709551257390L) * std::exp(-argument * argument);
  return x * (std::erfc(argument) + slope * error) / 2;
}

template <class T>
Wide<T> exact_softplus(Wide<T> x) {
  return (x < 0 ? 0 : x) + std::log1p(std::exp(-std::fabs(x)));
}

template <class T>
constexpr Function<T> exp_function{"exp", 2, block_of<T, simd::exp<T>>, [](Wide<T> x) { return std::exp(x); }};
template <class T>
constexpr Function<T> log_function{"log", 2, block_of<T, simd::log<T>>, [](Wide<T> x) { return std::log(x); }};
template <class T>
constexpr Function<T> expm1_function{"expm1", 2, block_of<T, simd::expm1<T>>, [](Wide<T> x) { return std::expm1(x); }};
template <class T>
constexpr Function<T> log1p_function{"log1p", 2, block_of<T, simd::log1p<T>>, [](Wide<T> x) { return std::log1p(x); }};
template <class T>
constexpr Function<T> tanh_function{"tanh", 3, block_of<T, simd::tanh<T>>, [](Wide<T> x) { return std::tanh(x); }};
template <class T>
constexpr Function<T> sigmoid_function{"sigmoid", 3, block_of<T, simd::sigmoid<T>>,
                                       [](Wide<T> x) { return 1 / (1 + std::exp(-x)); }};
template <class T>
constexpr Function<T> softplus_function{"softplus", 4, block_of<T, simd::softplus<T>>, exact_softplus<T>};
template <class T>
constexpr Function<T> gelu_function{"gelu", 4, block_of<T, simd::gelu<T>>, exact_gelu<T>};

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

// On [low, high], outside of which the function is constant, linear or not defined; `spread` bounds where it bends.
template <class T>
void test_bent(const Function<T>& function, T low, T high, T spread, int64_t count) {
  using Limits = std::numeric_limits<T>;
  Measure<T> measure(function);
  measure.within(low, high);
  measure.bit_patterns(count);
  measure.evenly_spaced(-spread, spread, count / 2);
  measure.evenly_spaced(T(-1), T(1), count / 4);
  for (const T x : {T(0), T(1), T(0.41421356237309504880L), Limits::min(), Limits::max(), T(15), T(18), T(38), T(39)}) {
    measure.neighbours(x, 1000);
    measure.neighbours(-x, 1000);
  }
  // Where the multiple of ln 2 that is taken off changes, for tanh at half the argument.
  for (int n = -2 * Limits::digits; n <= 2 * Limits::digits; ++n) {
    measure.neighbours(T(0.693147180559945309417L) * (T(n) + T(0.5)), 20);
    measure.neighbours(T(0.346573590279972654709L) * (T(n) + T(0.5)), 20);
  }
  measure.report();
}

template <class T>
void test_activations(int64_t count) {
  const T infinity = std::numeric_limits<T>::infinity(), bend = sizeof(T) == 4 ? 110 : 760;
  test_bent(expm1_function<T>, -infinity, T(0), T(40), count / 5);
  test_bent(log1p_function<T>, T(0), T(1), T(1), count / 5);
  test_bent(tanh_function<T>, -infinity, infinity, T(20), count);
  test_bent(sigmoid_function<T>, -infinity, infinity, bend, count);
  test_bent(softplus_function<T>, -infinity, infinity, bend, count / 5);
  test_bent(gelu_function<T>, -infinity, infinity, T(40), count);
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
  for (const T zero : {T(0), -T(0)}) {
    CHECK(one_lane(tanh_function<T>, zero) == zero);
    CHECK(std::signbit(one_lane(tanh_function<T>, zero)) == std::signbit(zero));
    CHECK(one_lane(gelu_function<T>, zero) == zero);
    CHECK(one_lane(sigmoid_function<T>, zero) == T(0.5));
  }
  // NaN of every payload bit and both signs: the functions take numbers apart by their bits.
  for (int bit = 0; bit < std::numeric_limits<T>::digits - 1; ++bit) {
    const T payload = __builtin_bit_cast(T, __builtin_bit_cast(Bits<T>, nan) | Bits<T>(1) << bit);
    CHECK(std::isnan(exp_of(payload)) && std::isnan(exp_of(-payload)));
    CHECK(std::isnan(log_of(payload)) && std::isnan(log_of(-payload)));
    for (const auto* function : {&expm1_function<T>, &log1p_function<T>, &tanh_function<T>, &sigmoid_function<T>,
                                 &softplus_function<T>, &gelu_function<T>}) {
      CHECK(std::isnan(one_lane(*function, payload)) && std::isnan(one_lane(*function, -payload)));
    }
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
  test_activations<float>(10'000'000 / fewer);
  test_activations<double>(1'000'000 / fewer);
  return check::finish("test_math");
}
