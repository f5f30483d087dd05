// Adam over lists of tensors: empty ones, one of several pieces, arrays that are not aligned, more than fit in one
// table, with and without AMSGrad; and the same bits with constants that are read from memory.
#include <cmath>

#include "../cpp/check.h"
#include "cuda/captured.h"
#include "simt/call.h"

namespace {

template <class T>
struct State {
  simt::Array<T> param, grad, m, v, highest;
  bool amsgrad;

  State(int64_t n, bool with_highest, int64_t offset)
      : param(n, simt::noise, offset),
        grad(n, [](int64_t i) { return simt::noise(i + 1000); }),
        m(n, [](int64_t i) { return simt::noise(i + 2000); }),
        v(n, [](int64_t i) { return simt::noise(i + 3000) + 4.0; }),
        highest(n, [](int64_t i) { return simt::noise(i + 4000) + 4.0; }),
        amsgrad(with_highest) {}

  fastnn::AdamTensor<T> tensor() {
    return {param.size(), param.data(), grad.data(), m.data(), v.data(), amsgrad ? highest.data() : nullptr};
  }
};

// One element by the paper's formulas.
double stepped(double p, double g, double m, double v, double highest, bool amsgrad, const fastnn::AdamOptions& o) {
  if (o.maximize) g = -g;
  g += o.decoupled ? 0.0 : o.weight_decay * p;
  m = o.beta1 * m + (1 - o.beta1) * g;
  v = o.beta2 * v + (1 - o.beta2) * g * g;
  if (amsgrad) v = std::max(v, highest);
  const auto t = static_cast<double>(o.step);
  const double m_hat = m / (1 - std::pow(o.beta1, t)), v_hat = v / (1 - std::pow(o.beta2, t));
  return p * (o.decoupled ? 1 - o.lr * o.weight_decay : 1.0) - o.lr * m_hat / (std::sqrt(v_hat) + o.eps);
}

template <class T>
void check_list(const std::vector<int64_t>& sizes, bool amsgrad, const fastnn::AdamOptions& options, double tolerance) {
  std::vector<State<T>> before, after;
  std::vector<fastnn::AdamTensor<T>> tensors;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const auto offset = static_cast<int64_t>(i % 2);
    before.emplace_back(sizes[i], amsgrad, offset);
    after.emplace_back(sizes[i], amsgrad, offset);
    tensors.push_back(after.back().tensor());
  }
  fastnn::cuda::adam_step<T>(tensors, options);
  for (size_t k = 0; k < sizes.size(); ++k) {
    State<T>&b = before[k], &a = after[k];
    for (int64_t i = 0; i < sizes[k]; ++i) {
      const double expected = stepped(b.param[i], b.grad[i], b.m[i], b.v[i], b.highest[i], amsgrad, options);
      CHECK(std::abs(a.param[i] - expected) < tolerance);
      if (amsgrad) CHECK(a.highest[i] == std::max(b.highest[i], a.v[i]));
    }
  }
}

template <class T>
void check_constants_in_memory(const fastnn::AdamOptions& options) {
  State<T> given(4100, true, 0), read(4100, true, 0);
  simt::Array<fastnn::AdamConstants<T>> constants(1);
  constants[0] = fastnn::adam_constants<T>(options);
  fastnn::cuda::adam_step<T>(std::vector{given.tensor()}, options);
  fastnn::cuda::adam_step<T>(std::vector{read.tensor()}, constants.data());
  for (int64_t i = 0; i < 4100; ++i) {
    CHECK(read.param[i] == given.param[i] && read.m[i] == given.m[i] && read.highest[i] == given.highest[i]);
  }
}

template <class T>
void check_all(double tolerance) {
  const fastnn::AdamOptions plain{.lr = 0.1, .step = 3};
  const fastnn::AdamOptions decay{.lr = 0.1, .weight_decay = 0.2, .maximize = true};
  const fastnn::AdamOptions decoupled{.lr = 0.1, .weight_decay = 0.2, .step = 9, .decoupled = true};
  for (const auto& options : {plain, decay, decoupled}) {
    check_list<T>({}, false, options, tolerance);
    check_list<T>({0, 1, 3, 0, 4, 5, 4097, 9000, 0}, false, options, tolerance);
    check_list<T>({7, 257}, true, options, tolerance);
    check_constants_in_memory<T>(options);
  }
  std::vector<int64_t> many(1000, 0);
  for (size_t i = 0; i < many.size(); i += 50) many[i] = 3;
  check_list<T>(many, false, plain, tolerance);
}

}  // namespace

int main() {
  const simt::Call call;
  check_all<float>(4e-6);
  check_all<double>(1e-13);
  return check::finish("test_simt_adam");
}
