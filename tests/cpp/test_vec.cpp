// Every Vec operation of one ISA, lane by lane against plain scalar code, on random bit patterns
// and special values; partial loads and stores next to unmapped pages.
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <random>
#include <type_traits>

#include "check.h"
#include "isa_under_test.h"
// After the vectors it is made for.
#include "cpu/kernels/lanes.h"

namespace {

using simd::Vec;

template <class T>
using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;

template <class T>
constexpr int size = Vec<T>::size;

template <class T>
Bits<T> bits(T value) {
  return __builtin_bit_cast(Bits<T>, value);
}

// The same bits, or NaN both: which NaN comes out of an operation is the machine's choice.
template <class T>
bool same(T a, T b) {
  return bits(a) == bits(b) || (std::isnan(a) && std::isnan(b));
}

template <class T>
struct Lanes {
  T value[size<T>];

  Vec<T> vec() const { return Vec<T>::load(value); }
};

// A result equals expected(lane) in every lane; the whole vector is one check.
template <class T, class Expected>
bool lanes_are(Vec<T> result, Expected expected) {
  Lanes<T> got;
  result.store(got.value);
  for (int i = 0; i < size<T>; ++i) {
    if (!same(got.value[i], expected(i))) return false;
  }
  return true;
}

template <class T>
class Source {
 public:
  // One third special values, one third any bit pattern, one third of common magnitude.
  T any() {
    using Limits = std::numeric_limits<T>;
    const T tiny = Limits::min(), tiniest = Limits::denorm_min(), huge = Limits::max();
    const T infinity = Limits::infinity(), nan = Limits::quiet_NaN(), odd = T(0.5) / Limits::epsilon() + T(0.5);
    const T specials[] = {0, 0.5, 1, 1.5, 2.5, odd, tiniest, tiny / 2, tiny, huge, infinity, nan};
    const T sign = engine_() % 2 == 0 ? T(1) : T(-1);
    switch (engine_() % 3) {
      case 0:
        return sign * specials[engine_() % std::size(specials)];
      case 1:
        return __builtin_bit_cast(T, static_cast<Bits<T>>(engine_()));
      default:
        return between(T(-100), T(100));
    }
  }
  T between(T low, T high) { return std::uniform_real_distribution<T>(low, high)(engine_); }

  template <class Draw>
  Lanes<T> lanes(Draw draw) {
    Lanes<T> result;
    for (T& value : result.value) value = draw();
    return result;
  }
  Lanes<T> lanes() {
    return lanes([this] { return any(); });
  }

 private:
  std::mt19937_64 engine_{20240229};
};

template <class T>
void test_arithmetic(const Lanes<T>& a, const Lanes<T>& b, const Lanes<T>& c) {
  const Vec<T> x = a.vec(), y = b.vec(), z = c.vec();
  // The one-lane Vec rounds twice.
  const auto fused = [&](T p, T q, T r) { return size<T> > 1 ? std::fma(p, q, r) : p * q + r; };
  CHECK(lanes_are(x + y, [&](int i) { return a.value[i] + b.value[i]; }));
  CHECK(lanes_are(x - y, [&](int i) { return a.value[i] - b.value[i]; }));
  CHECK(lanes_are(x * y, [&](int i) { return a.value[i] * b.value[i]; }));
  CHECK(lanes_are(x / y, [&](int i) { return a.value[i] / b.value[i]; }));
  CHECK(lanes_are(fma(x, y, z), [&](int i) { return fused(a.value[i], b.value[i], c.value[i]); }));
  CHECK(lanes_are(fnma(x, y, z), [&](int i) { return fused(-a.value[i], b.value[i], c.value[i]); }));
  CHECK(lanes_are(sqrt(x), [&](int i) { return std::sqrt(a.value[i]); }));
  CHECK(lanes_are(round(x), [&](int i) { return std::nearbyint(a.value[i]); }));
  CHECK(lanes_are(floor(x), [&](int i) { return std::floor(a.value[i]); }));
  CHECK(lanes_are(max(x, y), [&](int i) { return a.value[i] > b.value[i] ? a.value[i] : b.value[i]; }));
  CHECK(lanes_are(min(x, y), [&](int i) { return a.value[i] < b.value[i] ? a.value[i] : b.value[i]; }));
}

// On the bits themselves, NaN included.
template <class T>
void test_sign(const Lanes<T>& a, const Lanes<T>& b) {
  const Bits<T> sign = Bits<T>(1) << (8 * sizeof(T) - 1);
  Lanes<T> negated, absolute, copied;
  (-a.vec()).store(negated.value);
  abs(a.vec()).store(absolute.value);
  copysign(a.vec(), b.vec()).store(copied.value);
  for (int i = 0; i < size<T>; ++i) {
    CHECK(bits(copied.value[i]) == ((bits(a.value[i]) & ~sign) | (bits(b.value[i]) & sign)));
    CHECK(bits(negated.value[i]) == (bits(a.value[i]) ^ sign));
    CHECK(bits(absolute.value[i]) == (bits(a.value[i]) & ~sign));
  }
}

template <class T>
void test_comparisons(const Lanes<T>& a, const Lanes<T>& b) {
  const Vec<T> x = a.vec(), y = b.vec();
  const auto pick = [&](bool first, int i) { return first ? a.value[i] : b.value[i]; };
  CHECK(lanes_are(select(x < y, x, y), [&](int i) { return pick(a.value[i] < b.value[i], i); }));
  CHECK(lanes_are(select(x <= y, x, y), [&](int i) { return pick(a.value[i] <= b.value[i], i); }));
  CHECK(lanes_are(select(is_nan(x), x, y), [&](int i) { return pick(std::isnan(a.value[i]), i); }));
  const auto one_if = [](bool holds) { return holds ? T(1) : T(0); };
  const Vec<T> one(T(1)), zero(T(0));
  CHECK(lanes_are(select(x == y, one, zero), [&](int i) { return one_if(a.value[i] == b.value[i]); }));
  bool first_is_less = false;
  for (int i = 0; i < size<T>; ++i) first_is_less = first_is_less || a.value[i] < b.value[i];
  CHECK(any(x < y) == first_is_less);
  CHECK(lanes_are(select((x < y) | is_nan(x), one, zero),
                  [&](int i) { return one_if(a.value[i] < b.value[i] || std::isnan(a.value[i])); }));
  CHECK(lanes_are(select(x <= x, one, zero), [&](int i) { return one_if(!std::isnan(a.value[i])); }));
  CHECK(lanes_are(select(x == x, one, zero), [&](int i) { return one_if(!std::isnan(a.value[i])); }));
}

// Where neither the product nor its error leaves the normal numbers.
template <class T>
void test_product_error(Source<T>& source) {
  const auto a = source.lanes([&] { return source.between(T(-100), T(100)); });
  const auto b = source.lanes([&] { return source.between(T(1), T(100)); });
  CHECK(lanes_are(product_error(a.vec(), b.vec(), a.vec() * b.vec()),
                  [&](int i) { return std::fma(a.value[i], b.value[i], -(a.value[i] * b.value[i])); }));
}

template <class T>
void test_exponents(Source<T>& source) {
  using Limits = std::numeric_limits<T>;
  const T bound = sizeof(T) == 4 ? 252 : 2044;
  const auto normal = source.lanes([&] {
    const T value = std::fabs(source.any());
    return value >= Limits::min() && value <= Limits::max() ? value : T(3);
  });
  const auto in_one_two = [&](int i) { return std::scalbn(normal.value[i], -std::ilogb(normal.value[i])); };
  CHECK(lanes_are(significand(normal.vec()), in_one_two));
  CHECK(lanes_are(exponent(normal.vec()), [&](int i) { return std::logb(normal.value[i]); }));
  const auto a = source.lanes([&] { return source.between(T(0.25), T(4)); });
  const auto n = source.lanes([&] { return std::nearbyint(source.between(-bound, bound)); });
  const auto scaled = [&](int i) { return std::scalbn(a.value[i], static_cast<int>(n.value[i])); };
  CHECK(lanes_are(ldexp(a.vec(), n.vec()), scaled));
}

template <class T>
T tree_sum(Lanes<T> lanes) {
  for (int width = size<T> / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) lanes.value[i] += lanes.value[i + width];
  }
  return lanes.value[0];
}

template <class T>
void test_reductions(Source<T>& source) {
  CHECK(same(sum(source.lanes([] { return T(0.5); }).vec()), T(0.5) * static_cast<T>(size<T>)));
  const auto a = source.lanes([&] { return source.between(T(-1), T(1)) / source.between(T(1e-6), T(1)); });
  CHECK(same(sum(a.vec()), tree_sum(a)));
  T largest = a.value[0];
  for (const T value : a.value) largest = std::fmax(largest, value);
  CHECK(same(reduce_max(a.vec()), largest));
}

template <class T>
void test_transpose() {
  Vec<T> rows[size<T>];
  const auto element = [](int row, int column) { return static_cast<T>(row * size<T> + column); };
  for (int row = 0; row < size<T>; ++row) {
    Lanes<T> lanes;
    for (int i = 0; i < size<T>; ++i) lanes.value[i] = element(row, i);
    rows[row] = lanes.vec();
  }
  transpose(rows);
  for (int row = 0; row < size<T>; ++row) CHECK(lanes_are(rows[row], [&](int i) { return element(i, row); }));
}

template <class T>
void test_interleave(const Lanes<T>& a, const Lanes<T>& b) {
  const auto joined = [&](int i) { return i < size<T> ? a.value[i] : b.value[i - size<T>]; };
  const auto [even, odd] = deinterleave(a.vec(), b.vec());
  CHECK(lanes_are(even, [&](int i) { return joined(2 * i); }));
  CHECK(lanes_are(odd, [&](int i) { return joined(2 * i + 1); }));
  const auto [first, second] = interleave(even, odd);
  CHECK(lanes_are(first, [&](int i) { return a.value[i]; }));
  CHECK(lanes_are(second, [&](int i) { return b.value[i]; }));
}

// One page with an unmapped one on either side.
class GuardedPage {
 public:
  GuardedPage() {
    void* all = mmap(nullptr, 3 * bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    begin_ = static_cast<char*>(all) + bytes_;
    CHECK(all != MAP_FAILED && mprotect(begin_, bytes_, PROT_READ | PROT_WRITE) == 0);
  }
  ~GuardedPage() { munmap(begin_ - bytes_, 3 * bytes_); }
  GuardedPage(const GuardedPage&) = delete;
  GuardedPage& operator=(const GuardedPage&) = delete;

  template <class T>
  T* begin() {
    return reinterpret_cast<T*>(begin_);
  }
  template <class T>
  T* end() {
    return reinterpret_cast<T*>(begin_ + bytes_);
  }

 private:
  size_t bytes_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  char* begin_;
};

template <class T>
void test_partial_at(T* p, int64_t n) {
  const auto expected = [&](int i) { return static_cast<T>(i + 1); };
  const auto first_or = [&](T other) { return [=](int i) { return i < n ? expected(i) : other; }; };
  for (int i = 0; i < n; ++i) p[i] = expected(i);
  CHECK(lanes_are(Vec<T>::load(p, n), first_or(T(0))));
  CHECK(lanes_are(Vec<T>::load(p, n, Vec<T>(T(-7))), first_or(T(-7))));
  for (int i = 0; i < n; ++i) p[i] = T(-1);
  Lanes<T> source;
  for (int i = 0; i < size<T>; ++i) source.value[i] = expected(i);
  source.vec().store(p, n);
  for (int i = 0; i < n; ++i) CHECK(p[i] == expected(i));
}

// The places between the lanes, and those behind the last one, keep what they hold.
template <class T>
void test_every_second() {
  GuardedPage page;
  Lanes<T> source;
  for (int i = 0; i < size<T>; ++i) source.value[i] = static_cast<T>(i + 1);
  for (int64_t n = 0; n <= size<T>; ++n) {
    for (T* const p : {page.begin<T>(), page.end<T>() - 2 * n, page.end<T>() - (n > 0 ? 2 * n - 1 : 0)}) {
      const int64_t room = page.end<T>() - p < 2 * size<T> ? page.end<T>() - p : 2 * size<T>;
      for (int64_t i = 0; i < room; ++i) p[i] = T(-1);
      store_every_second(p, source.vec(), n);
      for (int64_t i = 0; i < room; ++i) {
        CHECK(p[i] == (i % 2 == 0 && i < 2 * n ? source.value[i / 2] : T(-1)));
      }
    }
  }
}

template <class T>
void test_partial() {
  GuardedPage page;
  for (int64_t n = 0; n <= size<T>; ++n) {
    test_partial_at(page.end<T>() - n, n);
    test_partial_at(page.begin<T>(), n);
    T buffer[size<T> + 1];
    for (T& value : buffer) value = T(-1);
    Vec<T>(T(5)).store(buffer, n);
    for (int i = 0; i <= size<T>; ++i) CHECK(buffer[i] == (i < n ? T(5) : T(-1)));
  }
}

// Lanes [from, n), which lie in the page, of a vector that may reach over either edge.
template <class T>
void test_lanes_at(T* p, int64_t from, int64_t n) {
  for (int64_t i = from; i < n; ++i) p[i] = static_cast<T>(i + 1);
  const auto expected = [&](int i) { return i >= from && i < n ? static_cast<T>(i + 1) : T(0); };
  CHECK(lanes_are(Vec<T>::load_lanes(p, Vec<T>::lanes_between(from, n)), expected));
}

template <class T>
void test_lanes() {
  GuardedPage page;
  for (int64_t n = 0; n <= size<T>; ++n) {
    for (int64_t from = 0; from <= size<T>; ++from) {
      test_lanes_at(page.end<T>() - n, from, n);
      test_lanes_at(page.begin<T>() - from, from, n);
    }
  }
}

template <class T>
void test_bytes_at(uint8_t* p, int64_t n, int first) {
  const auto byte = [&](int i) { return static_cast<uint8_t>(first + i); };
  for (int i = 0; i < n; ++i) p[i] = byte(i);
  CHECK(lanes_are(Vec<T>::load_bytes(p, n), [&](int i) { return i < n ? static_cast<T>(byte(i)) : T(0); }));
  if (n == size<T>) CHECK(lanes_are(Vec<T>::load_bytes(p), [&](int i) { return static_cast<T>(byte(i)); }));
  Lanes<T> source;
  for (int i = 0; i < size<T>; ++i) source.value[i] = static_cast<T>(byte(i));
  for (int i = 0; i < n; ++i) p[i] = 0;
  source.vec().store_bytes(p, n);
  for (int i = 0; i < n; ++i) CHECK(p[i] == byte(i));
  if (n < size<T>) return;
  const Vec<T> one(T(1)), zero(T(0));
  const auto equal = select(Vec<T>::equal_bytes(p, byte(size<T> - 1)), one, zero);
  CHECK(lanes_are(equal, [&](int i) { return i == size<T> - 1 ? T(1) : T(0); }));
  CHECK(lanes_are(select(Vec<T>::equal_bytes(p, byte(-1)), one, zero), [](int) { return T(0); }));
  for (int i = 0; i < n; ++i) p[i] = 0;
  source.vec().store_bytes(p);
  for (int i = 0; i < n; ++i) CHECK(p[i] == byte(i));
}

// Every byte, at the very edges of a page, and nothing written past the lanes asked for.
template <class T>
void test_bytes() {
  GuardedPage page;
  for (int first = 0; first < 256; ++first) {
    for (int64_t n = 0; n <= size<T>; ++n) test_bytes_at<T>(page.end<uint8_t>() - n, n, first);
    test_bytes_at<T>(page.begin<uint8_t>(), size<T>, first);
  }
  uint8_t buffer[size<T> + 1];
  for (int64_t n = 0; n <= size<T>; ++n) {
    for (uint8_t& value : buffer) value = 9;
    Vec<T>(T(255)).store_bytes(buffer, n);
    for (int i = 0; i <= size<T>; ++i) CHECK(buffer[i] == (i < n ? 255 : 9));
  }
}

template <class T>
void test_whole() {
  GuardedPage page;
  T* const unaligned = page.begin<T>() + 1;
  for (T* const p : {unaligned, page.end<T>() - size<T>}) {
    for (int i = 0; i < size<T>; ++i) p[i] = static_cast<T>(i);
    CHECK(lanes_are(Vec<T>::load(p), [](int i) { return static_cast<T>(i); }));
    Vec<T>(T(3)).store(p);
    for (int i = 0; i < size<T>; ++i) CHECK(p[i] == T(3));
  }
}

// float32 read into lanes of double: all values exactly, and nothing beyond the n that are asked for.
void test_widening() {
  GuardedPage page;
  Source<float> source;
  for (int round = 0; round < 1000; ++round) {
    for (int64_t n = 0; n <= size<double>; ++n) {
      float* const p = round % 2 == 0 ? page.end<float>() - n : page.begin<float>();
      for (int64_t i = 0; i < n; ++i) p[i] = source.any();
      const auto expected = [&](int i) { return i < n ? static_cast<double>(p[i]) : 0.0; };
      CHECK(lanes_are(Vec<double>::load(p, n), expected));
      if (n == size<double>) CHECK(lanes_are(Vec<double>::load(p), expected));
    }
  }
}

template <class T>
void test_all() {
  static_assert(std::is_same_v<typename Vec<T>::Scalar, T>);
  Source<T> source;
  for (int round = 0; round < 20000; ++round) {
    const auto a = source.lanes(), b = source.lanes(), c = source.lanes();
    test_arithmetic(a, b, c);
    test_sign(a, b);
    test_comparisons(a, b);
    test_interleave(a, b);
    test_product_error(source);
    test_exponents(source);
    test_reductions(source);
  }
  test_transpose<T>();
  test_whole<T>();
  test_partial<T>();
  test_every_second<T>();
  test_lanes<T>();
  test_bytes<T>();
}

}  // namespace

int main() {
  if (!machine_runs_isa()) return not_tested;
  test_all<float>();
  test_all<double>();
  test_widening();
  return check::finish("test_vec");
}
