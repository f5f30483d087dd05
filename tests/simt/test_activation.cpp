// Forward and backward of every activation, at sizes around the packs and with arrays that are not aligned.
#include <cmath>
#include <limits>

#include "../cpp/check.h"
#include "ops/activation.h"
#include "simt/call.h"

using fastnn::ActivationInfo;

namespace {

template <class T>
fastnn::ActivationParameters parameters_of(const ActivationInfo& info) {
  if (info.kind == fastnn::Activation::hardtanh) return {-1.0, 1.5};
  return {0.5, 0.25};
}

template <class T>
void run(const ActivationInfo& info, simt::Array<T>& x, simt::Array<T>& y) {
  fastnn::cuda::activation_forward<T>(info, parameters_of<T>(info), x.size(), x.data(), y.data());
}

// The backward against the difference quotient of the forward in double, away from the kinks.
void check_derivative(const ActivationInfo& info, int64_t n, int64_t offset) {
  constexpr double h = 1e-6;
  simt::Array<double> x(n, simt::noise, offset),
      up(
          n, [=](int64_t i) { return simt::noise(i) + h; }, offset),
      down(
          n, [=](int64_t i) { return simt::noise(i) - h; }, offset),
      y(n, offset), y_up(n), y_down(n), grad(n, [](int64_t i) { return simt::noise(i + 7); }), grad_x(n);
  run(info, x, y);
  run(info, up, y_up);
  run(info, down, y_down);
  auto& kept = info.kept[0] == 'y' ? y : x;
  fastnn::cuda::activation_backward<double>(info, parameters_of<double>(info), n, grad.data(), kept.data(),
                                            grad_x.data());
  for (int64_t i = 0; i < n; ++i) {
    const double slope = (y_up[i] - y_down[i]) / (2 * h);
    CHECK(std::abs(grad_x[i] - grad[i] * slope) < 1e-7);
  }
}

void check_float(const ActivationInfo& info, int64_t n, int64_t offset) {
  simt::Array<double> x(n, simt::noise), y(n);
  simt::Array<float> x32(n, simt::noise, offset), y32(n, offset);
  run(info, x, y);
  run(info, x32, y32);
  for (int64_t i = 0; i < n; ++i) CHECK(std::abs(y32[i] - y[i]) <= 2e-6 * std::abs(y[i]));
}

void check_nan(const ActivationInfo& info) {
  simt::Array<float> x(5, [](int64_t) { return std::numeric_limits<float>::quiet_NaN(); });
  run(info, x, x);  // in place
  for (int64_t i = 0; i < 5; ++i) CHECK(std::isnan(x[i]));
}

}  // namespace

int main() {
  const simt::Call call;
  for (const ActivationInfo& info : fastnn::activations) {
    for (const int64_t n : {0, 1, 3, 4, 5, 1023, 2051}) {
      check_derivative(info, n, 0);
      check_derivative(info, n, 1);
      check_float(info, n, n % 2);
    }
    check_nan(info);
  }
  return check::finish("test_simt_activation");
}
