// Elementwise activations that are straight lines between kinks, and the loops that all activations share. An
// activation is a small class: forward(x) gives y, backward(g, v) the gradient by x, where v is x or y as
// ops/activation_list.h says. Comparisons are false at NaN, and max and min keep their second operand there,
// so the order of operands decides what becomes of NaN.
#pragma once

#include "cpu/kernels/lanes.h"
#include "ops/activation_list.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// Flattened: a call for each vector would load the constants of its polynomials again (gelu: 7 % more time).
template <class T, class Function>
[[gnu::flatten]] void activation_forward(const T* x, T* y, int64_t n, const ActivationParameters& parameters) {
  const Function function(parameters);
  for_each_vector_by_two<T>(n, [=](int64_t i, auto lanes) { lanes.store(y + i, function.forward(lanes.load(x + i))); });
}

template <class T, class Function>
[[gnu::flatten]] void activation_backward(const T* grad_y, const T* kept, T* grad_x, int64_t n,
                                          const ActivationParameters& parameters) {
  const Function function(parameters);
  for_each_vector_by_two<T>(n, [=](int64_t i, auto lanes) {
    lanes.store(grad_x + i, function.backward(lanes.load(grad_y + i), lanes.load(kept + i)));
  });
}

// max(0, x). The gradient passes unless y <= 0, so it passes where y is NaN.
template <class T>
struct ReLU {
  const Vec<T> zero{T(0)};
  explicit ReLU(const ActivationParameters&) {}

  Vec<T> forward(Vec<T> x) const { return max(zero, x); }
  Vec<T> backward(Vec<T> g, Vec<T> y) const { return select(y <= zero, zero, g); }
};

// x above 0, slope x elsewhere. By a factor, for which gcc reads x twice; selecting a product reads it thrice.
template <class T>
struct LeakyReLU {
  const Vec<T> zero{T(0)}, one{T(1)}, slope;
  explicit LeakyReLU(const ActivationParameters& p) : slope(static_cast<T>(p.first)) {}

  Vec<T> forward(Vec<T> x) const { return x * select(zero < x, one, slope); }
  Vec<T> backward(Vec<T> g, Vec<T> x) const { return g * select(zero < x, one, slope); }
};

// Passes g inside (low, high), not at the kinks, nor at NaN. Asked as "outside", because gcc makes a load masked by
// "inside" of the other question, and a load that waits for a comparison cannot run ahead (0.8 of the time beyond
// the cache without it).
template <class T>
[[gnu::always_inline]] inline Vec<T> pass_inside(Vec<T> low, Vec<T> high, Vec<T> g, Vec<T> x) {
  return select((x <= low) | (high <= x) | is_nan(x), Vec<T>(T(0)), g);
}

// x held between low and high.
template <class T>
struct Hardtanh {
  const Vec<T> low, high;
  explicit Hardtanh(const ActivationParameters& p) : low(static_cast<T>(p.first)), high(static_cast<T>(p.second)) {}

  Vec<T> forward(Vec<T> x) const { return min(high, max(low, x)); }
  Vec<T> backward(Vec<T> g, Vec<T> x) const { return pass_inside(low, high, g, x); }
};

template <class T>
struct ReLU6 : Hardtanh<T> {
  explicit ReLU6(const ActivationParameters&) : Hardtanh<T>({0.0, 6.0}) {}
};

// max(0, min(1, alpha x + beta)) as alpha max(0, x - low), so that it is exactly 0 up to the kink at
// low = -beta / alpha and keeps its relative accuracy above it. The other kink is at high = (1 - beta) / alpha.
template <class T>
struct Hardsigmoid {
  const Vec<T> alpha, low, high;
  explicit Hardsigmoid(const ActivationParameters& p)
      : alpha(static_cast<T>(p.first)),
        low(static_cast<T>(-p.second / p.first)),
        high(static_cast<T>((1.0 - p.second) / p.first)) {}

  Vec<T> forward(Vec<T> x) const { return min(Vec<T>(T(1)), alpha * max(Vec<T>(T(0)), x - low)); }
  Vec<T> backward(Vec<T> g, Vec<T> x) const { return alpha * pass_inside(low, high, g, x); }
};

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
