// SGD, RMSprop and Adagrad against their formulas, with every state that a tensor may have or lack, and with constants
// given or read from memory.
#include <cmath>

#include "../cpp/check.h"
#include "cuda/captured.h"
#include "simt/call.h"

namespace {

constexpr int64_t sizes[] = {0, 1, 5, 0, 4097, 64};

// Parameter, gradient and up to three states of a tensor; the second and third are positive.
template <class T>
struct Tensor {
  simt::Array<T> param, grad, a, b, c;

  explicit Tensor(int64_t n)
      : param(n, simt::noise, n % 2),
        grad(n, [](int64_t i) { return simt::noise(i + 1000); }),
        a(n, [](int64_t i) { return simt::noise(i + 2000) + 4.5; }),
        b(n, [](int64_t i) { return simt::noise(i + 3000) / 16; }),
        c(n, [](int64_t i) { return simt::noise(i + 4000); }) {}
};

struct Cell {
  double p, g, a, b, c;
};

// Steps all tensors and compares each element of param, a, b, c with what `expected` makes of it.
template <class T, class Step, class Expected>
void check_step(const Step& step, const Expected& expected) {
  std::vector<Tensor<T>> before, after;
  for (const int64_t n : sizes) {
    before.emplace_back(n);
    after.emplace_back(n);
  }
  step(after);
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-14;
  for (size_t k = 0; k < before.size(); ++k) {
    Tensor<T>&old = before[k], &now = after[k];
    for (int64_t i = 0; i < old.param.size(); ++i) {
      Cell cell{old.param[i], old.grad[i], old.a[i], old.b[i], old.c[i]};
      expected(cell);
      const auto close = [&](T value, double wanted) {
        return std::abs(value - wanted) < tolerance * (1 + std::abs(wanted));
      };
      CHECK(close(now.param[i], cell.p) && close(now.a[i], cell.a) && close(now.b[i], cell.b) &&
            close(now.c[i], cell.c));
    }
  }
}

template <class T>
void check_sgd(const fastnn::SGDOptions& o, bool in_memory = false) {
  const auto step = [&](std::vector<Tensor<T>>& tensors) {
    std::vector<fastnn::SGDTensor<T>> list;
    for (auto& t : tensors) {
      list.push_back({t.param.size(), t.param.data(), t.grad.data(), o.momentum != 0 ? t.a.data() : nullptr});
    }
    if (in_memory) {
      simt::Array<fastnn::SGDConstants<T>> constants(1);
      constants[0] = fastnn::sgd_constants<T>(o);
      fastnn::cuda::sgd_step<T>(list, constants.data());
    } else {
      fastnn::cuda::sgd_step<T>(list, o);
    }
  };
  check_step<T>(step, [&](Cell& x) {
    double g = (o.maximize ? -x.g : x.g) + o.weight_decay * x.p;
    if (o.momentum != 0) {
      x.a = o.first_step ? g : o.momentum * x.a + (1 - o.dampening) * g;
      g = o.nesterov ? g + o.momentum * x.a : x.a;
    }
    x.p -= o.lr * g;
  });
}

template <class T>
void check_rmsprop(const fastnn::RMSpropOptions& o, bool in_memory = false) {
  const auto step = [&](std::vector<Tensor<T>>& tensors) {
    std::vector<fastnn::RMSpropTensor<T>> list;
    for (auto& t : tensors) {
      list.push_back({t.param.size(), t.param.data(), t.grad.data(), t.a.data(), o.centered ? t.b.data() : nullptr,
                      o.momentum != 0 ? t.c.data() : nullptr});
    }
    if (in_memory) {
      simt::Array<fastnn::RMSpropConstants<T>> constants(1);
      constants[0] = fastnn::rmsprop_constants<T>(o);
      fastnn::cuda::rmsprop_step<T>(list, constants.data());
    } else {
      fastnn::cuda::rmsprop_step<T>(list, o);
    }
  };
  check_step<T>(step, [&](Cell& x) {
    const double g = (o.maximize ? -x.g : x.g) + o.weight_decay * x.p;
    x.a = o.alpha * x.a + (1 - o.alpha) * g * g;
    if (o.centered) x.b = o.alpha * x.b + (1 - o.alpha) * g;
    double update = g / (std::sqrt(o.centered ? x.a - x.b * x.b : x.a) + o.eps);
    if (o.momentum != 0) update = x.c = o.momentum * x.c + update;
    x.p -= o.lr * update;
  });
}

template <class T>
void check_adagrad(const fastnn::AdagradOptions& o, bool in_memory = false) {
  const auto step = [&](std::vector<Tensor<T>>& tensors) {
    std::vector<fastnn::AdagradTensor<T>> list;
    for (auto& t : tensors) list.push_back({t.param.size(), t.param.data(), t.grad.data(), t.a.data()});
    if (in_memory) {
      simt::Array<fastnn::AdagradConstants<T>> constants(1);
      constants[0] = fastnn::adagrad_constants<T>(o);
      fastnn::cuda::adagrad_step<T>(list, constants.data());
    } else {
      fastnn::cuda::adagrad_step<T>(list, o);
    }
  };
  check_step<T>(step, [&](Cell& x) {
    const double g = (o.maximize ? -x.g : x.g) + o.weight_decay * x.p, t = static_cast<double>(o.step);
    x.a += g * g;
    x.p -= o.lr / (1 + (t - 1) * o.lr_decay) * g / (std::sqrt(o.average ? x.a / t : x.a) + o.eps);
  });
}

template <class T>
void check_all() {
  check_sgd<T>({.lr = 0.1});
  check_sgd<T>({.lr = 0.1, .momentum = 0.9, .dampening = 0.1, .weight_decay = 0.2, .maximize = true});
  check_sgd<T>({.lr = 0.1, .momentum = 0.9, .nesterov = true});
  check_sgd<T>({.lr = 0.1, .momentum = 0.9, .first_step = true});
  check_sgd<T>({.lr = 0.1, .momentum = 0.9, .dampening = 0.1, .weight_decay = 0.2, .maximize = true}, true);
  check_rmsprop<T>({.lr = 0.1});
  check_rmsprop<T>({.lr = 0.1, .weight_decay = 0.2, .momentum = 0.9, .maximize = true});
  check_rmsprop<T>({.lr = 0.1, .centered = true});
  check_rmsprop<T>({.lr = 0.1, .momentum = 0.5, .centered = true});
  check_rmsprop<T>({.lr = 0.1, .weight_decay = 0.2, .momentum = 0.5, .centered = true}, true);
  check_adagrad<T>({.lr = 0.1, .lr_decay = 0.3, .step = 4});
  check_adagrad<T>({.lr = 0.1, .weight_decay = 0.2, .step = 4, .average = true}, true);
  check_adagrad<T>({.lr = 0.1, .weight_decay = 0.2, .step = 4, .average = true, .maximize = true});
}

}  // namespace

int main() {
  const simt::Call call;
  check_all<float>();
  check_all<double>();
  return check::finish("test_simt_optimizers");
}
