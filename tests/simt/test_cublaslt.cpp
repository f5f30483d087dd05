// The way through cuBLASLt, with a library of the same interface that computes on the host: the same results as the
// own products', its errors, the classes of precision.
#include <dlfcn.h>

#include <cmath>
#include <limits>
#include <string>

#include "../cpp/check.h"
#include "cuda/cublaslt.h"
#include "cuda/precision.h"
#include "cuda/tf32.cuh"
#include "ops/conv2d.h"
#include "ops/linear.h"
#include "simt/call.h"

using fastnn::cuda::MatmulPrecision;

namespace {

template <class T>
T& of_fake(const char* name) {
  return *static_cast<T*>(dlsym(dlopen(FAKE_CUBLASLT, RTLD_NOW | RTLD_NOLOAD), name));
}

template <class T>
simt::Array<T> noise(int64_t n, int64_t seed, int64_t offset = 0) {
  return simt::Array<T>(n, [=](int64_t i) { return simt::noise(i + seed); }, offset);
}

template <class T>
double largest_difference(simt::Array<T>& a, simt::Array<T>& b) {
  double largest = 0;
  for (int64_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

// body(result) with the own products and through the library, which has to be called `calls` times.
template <class T, class Body>
double difference_of_ways(simt::Array<T> own, simt::Array<T> theirs, int calls, const Body& body) {
  const int before = of_fake<int>("fake_cublaslt_calls");
  fastnn::cuda::set_cublaslt(false);
  body(own.data());
  CHECK(of_fake<int>("fake_cublaslt_calls") == before);
  fastnn::cuda::set_cublaslt(true);
  body(theirs.data());
  CHECK(of_fake<int>("fake_cublaslt_calls") == before + calls);
  return largest_difference(own, theirs);
}

template <class T>
simt::Array<T> twos(int64_t n, int64_t offset = 0) {
  return simt::Array<T>(n, [](int64_t) { return 2.0; }, offset);
}

template <class T>
double forward_difference(const fastnn::LinearSize& s, bool with_bias, bool relu, int64_t offset, int calls) {
  auto x = noise<T>(s.batch * s.in_features, 1, offset), w = noise<T>(s.out_features * s.in_features, 2, offset),
       b = noise<T>(s.out_features, 3, offset);
  const int64_t n = s.batch * s.out_features;
  return difference_of_ways(twos<T>(n, offset), twos<T>(n, offset), calls, [&](T* y) {
    fastnn::cuda::linear_forward<T>(s, x.data(), w.data(), with_bias ? b.data() : nullptr, relu, y);
  });
}

template <class T>
double tolerance(int64_t terms) {
  return 32 * static_cast<double>(terms) * static_cast<double>(std::numeric_limits<T>::epsilon());
}

template <class T>
void check_linear(const fastnn::LinearSize& s, int64_t offset) {
  auto x = noise<T>(s.batch * s.in_features, 1, offset), w = noise<T>(s.out_features * s.in_features, 2, offset),
       grad = noise<T>(s.batch * s.out_features, 3, offset);
  for (const bool bias : {false, true}) {
    for (const bool relu : {false, true}) {
      const int calls = sizeof(T) == 8 && (bias || relu) ? 0 : 1;  // an epilogue of doubles is not supported
      CHECK(forward_difference<T>(s, bias, relu, offset, calls) <= tolerance<T>(s.in_features));
    }
  }
  CHECK(difference_of_ways(twos<T>(x.size()), twos<T>(x.size()), 1, [&](T* to) {
          fastnn::cuda::linear_backward<T>(s, grad.data(), x.data(), w.data(), {to, nullptr, nullptr, false});
        }) <= tolerance<T>(s.out_features));
  for (const bool accumulate : {false, true}) {
    CHECK(difference_of_ways(twos<T>(w.size()), twos<T>(w.size()), 1, [&](T* to) {
            fastnn::cuda::linear_backward<T>(s, grad.data(), x.data(), w.data(), {nullptr, to, nullptr, accumulate});
          }) <= tolerance<T>(s.batch + 1));
  }
}

template <class T>
void check_convolution() {
  const int64_t x_shape[] = {3, 5, 8, 9}, weight_shape[] = {7, 5, 1, 1};
  const auto s = fastnn::validate_conv2d("conv2d", x_shape, weight_shape, std::nullopt, {});
  auto x = noise<T>(3 * 5 * 72, 1), w = noise<T>(7 * 5, 2), b = noise<T>(7, 3), grad = noise<T>(3 * 7 * 72, 4);
  for (const bool flag : {false, true}) {
    CHECK(difference_of_ways(twos<T>(grad.size()), twos<T>(grad.size()), 1, [&](T* to) {
            fastnn::cuda::conv2d_forward<T>(s, x.data(), w.data(), flag ? b.data() : nullptr, flag, to);
          }) <= tolerance<T>(5));
  }
  CHECK(difference_of_ways(twos<T>(x.size()), twos<T>(x.size()), 1, [&](T* to) {
          fastnn::cuda::conv2d_backward<T>(s, grad.data(), x.data(), w.data(), {to, nullptr, nullptr, false});
        }) <= tolerance<T>(7));
}

void check_empty() {
  for (const fastnn::LinearSize& s : {fastnn::LinearSize{0, 3, 4}, {3, 0, 4}, {3, 4, 0}}) {
    CHECK(forward_difference<float>(s, true, true, 0, 0) == 0.0);
  }
}

// tf32's error is far above float32's, 3xtf32's is not.
void check_precision() {
  const fastnn::LinearSize s{5, 40, 6};
  fastnn::cuda::set_matmul_precision(MatmulPrecision::tf32);
  const double single = forward_difference<float>(s, true, true, 0, 1);
  fastnn::cuda::set_matmul_precision(MatmulPrecision::three_tf32);
  const double three = forward_difference<float>(s, true, true, 0, 3);
  CHECK(single > 1e-3 && single < 40 * 16 * 2e-3);
  CHECK(three <= tolerance<float>(s.in_features));
  check_linear<double>(s, 0);
  fastnn::cuda::set_matmul_precision(MatmulPrecision::fp32);

  for (const char* name : {"fp32", "3xtf32", "tf32"}) {
    CHECK(fastnn::cuda::name_of(fastnn::cuda::parse_matmul_precision(name)) == std::string(name));
  }
  std::string message;
  try {
    fastnn::cuda::parse_matmul_precision("half");
  } catch (const std::invalid_argument& error) {
    message = error.what();
  }
  CHECK(message == "[matmul_precision] expected precision \"fp32\", \"3xtf32\" or \"tf32\", got \"half\"");
}

void check_split() {
  constexpr float infinity = std::numeric_limits<float>::infinity(), largest = std::numeric_limits<float>::max();
  for (const float x : {0.0f, 1.0f, -3.1415927f, 1.9999999f, 1e-30f, largest, -largest}) {
    const auto parts = fastnn::cuda::split_to_tf32(x);
    CHECK((__float_as_uint(parts.big) & 0x1FFF) == 0 && (__float_as_uint(parts.small) & 0x1FFF) == 0);
    CHECK(std::abs(double{parts.big} + double{parts.small} - double{x}) <= std::abs(double{x}) * 0x1p-22);
  }
  CHECK(fastnn::cuda::split_to_tf32(-infinity).big == -infinity && fastnn::cuda::split_to_tf32(-infinity).small == 0);
  CHECK(std::isnan(fastnn::cuda::split_to_tf32(std::nanf("")).big));
}

void check_error() {
  of_fake<int>("fake_cublaslt_status") = 13;
  std::string message;
  try {
    forward_difference<float>({2, 3, 4}, false, false, 0, 1);
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  CHECK(message == "cublasLtMatmul: CUBLAS_STATUS_EXECUTION_FAILED");
  of_fake<int>("fake_cublaslt_status") = 0;
}

void check_finding() {
  CHECK(fastnn::cuda::reason_without_cublaslt().find("pip install nvidia-cublas") != std::string::npos);
  fastnn::cuda::set_cublaslt_path("/nonexistent/libcublasLt.so.13");
  CHECK(fastnn::cuda::reason_without_cublaslt().find("/nonexistent") != std::string::npos);
  fastnn::cuda::set_cublaslt_path(FAKE_CUBLASLT);
  fastnn::cuda::set_cublaslt(false);
  CHECK(fastnn::cuda::reason_without_cublaslt() == "cuBLASLt is switched off");
  fastnn::cuda::set_cublaslt(true);
  CHECK(fastnn::cuda::reason_without_cublaslt().empty());
}

template <class T>
void check_all() {
  for (const fastnn::LinearSize& s : {fastnn::LinearSize{1, 1, 1}, {4, 6, 8}, {5, 7, 3}, {1, 9, 2}}) {
    check_linear<T>(s, 0);
    check_linear<T>(s, 1);
  }
  check_convolution<T>();
}

}  // namespace

int main() {
  const simt::Call call;
  check_finding();
  check_all<float>();
  check_all<double>();
  check_empty();
  check_precision();
  check_split();
  check_error();
  return check::finish("test_simt_cublaslt");
}
