// Norms over tensors of both dtypes, clipping by them on the device, clipping by value.
#include <cmath>
#include <limits>

#include "../cpp/check.h"
#include "ops/clip_grad.h"
#include "simt/call.h"

namespace {

struct Grads {
  std::vector<simt::Array<float>> narrow;
  std::vector<simt::Array<double>> wide;
  std::vector<fastnn::GradTensor<float>> f32;
  std::vector<fastnn::GradTensor<double>> f64;

  explicit Grads(const std::vector<int64_t>& sizes) {
    for (const int64_t n : sizes) {
      narrow.emplace_back(n, simt::noise, 1);
      wide.emplace_back(n, [](int64_t i) { return simt::noise(i + 5000); });
    }
    for (auto& grad : narrow) f32.push_back({grad.size(), grad.data()});
    for (auto& grad : wide) f64.push_back({grad.size(), grad.data()});
  }
  fastnn::GradTensors tensors() const { return {f32, f64}; }

  template <class Body>
  void for_each(const Body& body) {
    for (auto& grad : narrow) {
      for (int64_t i = 0; i < grad.size(); ++i) body(grad[i]);
    }
    for (auto& grad : wide) {
      for (int64_t i = 0; i < grad.size(); ++i) body(grad[i]);
    }
  }
  double norm(double p) {
    double total = 0;
    for_each(
        [&](double x) { total = std::isinf(p) ? std::max(total, std::abs(x)) : total + std::pow(std::abs(x), p); });
    return std::isinf(p) ? total : std::pow(total, 1 / p);
  }
};

constexpr double infinity = std::numeric_limits<double>::infinity();

void check_norms(const std::vector<int64_t>& sizes) {
  Grads grads(sizes);
  for (const double p : {1.0, 2.0, 3.5, infinity}) {
    simt::Array<double> norm(1), again(1);
    fastnn::cuda::grad_norm(grads.tensors(), p, norm.data());
    fastnn::cuda::grad_norm(grads.tensors(), p, again.data());
    CHECK(std::abs(norm[0] - grads.norm(p)) <= 1e-13 * norm[0]);
    CHECK(norm[0] == again[0]);
  }
}

void check_clipping(const std::vector<int64_t>& sizes, double share) {
  Grads grads(sizes);
  const double before = grads.norm(2);
  simt::Array<double> norm(1);
  fastnn::cuda::grad_norm(grads.tensors(), 2, norm.data());
  fastnn::cuda::clip_grad_norm(grads.tensors(), share * before, norm.data());
  CHECK(std::abs(grads.norm(2) - std::min(1.0, share) * before) < 1e-6 * before);
}

void check_values(const std::vector<int64_t>& sizes) {
  Grads grads(sizes);
  fastnn::cuda::clip_grad_value(grads.tensors(), 1.5);
  CHECK(grads.norm(infinity) == 1.5);
}

void check_nan() {
  Grads grads({9000});
  grads.narrow[0][17] = std::numeric_limits<float>::quiet_NaN();
  simt::Array<double> norm(1);
  fastnn::cuda::grad_norm(grads.tensors(), infinity, norm.data());
  CHECK(std::isnan(norm[0]));
  fastnn::cuda::clip_grad_value(grads.tensors(), 1.0);
  CHECK(std::isnan(grads.narrow[0][17]));
  fastnn::cuda::clip_grad_norm(grads.tensors(), 1.0, norm.data());
  CHECK(std::isnan(grads.wide[0][0]));
}

}  // namespace

int main() {
  const simt::Call call;
  check_norms({});
  check_norms({0, 3, 4096, 9001, 1});
  check_clipping({5000, 7}, 0.25);
  check_clipping({5000, 7}, 3.0);
  check_values({5000, 7});
  check_nan();
  return check::finish("test_simt_clip_grad");
}
