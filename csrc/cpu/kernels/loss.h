// Losses of pairs (x, t): each is a formula for the value and its derivative by x, one loop drives them all.
//
// Values are added up in blocks of 16 vectors, the lanes of a block in a tree, the blocks in double. So a sum in
// float32 is off by at most 16 + log2(lanes) half ulps of the sum of sizes, whatever its length.
#pragma once

#include "cpu/kernels/lanes.h"
#include "cpu/simd/math_sigmoid.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

template <class T>
struct LossTerm {
  Vec<T> value, slope;
};

template <class T>
[[gnu::always_inline]] inline Vec<T> sign(Vec<T> x) {
  const Vec<T> zero(T(0)), one(T(1));
  return select(zero < x, one, select(x < zero, -one, zero));
}

struct SquaredError {
  template <class T>
  [[gnu::always_inline]] static LossTerm<T> of(Vec<T> x, Vec<T> t, Vec<T> /*unused*/) {
    const Vec<T> d = x - t;
    return {d * d, d + d};
  }
};

struct AbsoluteError {
  template <class T>
  [[gnu::always_inline]] static LossTerm<T> of(Vec<T> x, Vec<T> t, Vec<T> /*unused*/) {
    const Vec<T> d = x - t;
    return {abs(d), sign(d)};
  }
};

struct Huber {
  template <class T>
  [[gnu::always_inline]] static LossTerm<T> of(Vec<T> x, Vec<T> t, Vec<T> delta) {
    const Vec<T> d = x - t, size = abs(d), half(T(0.5));
    // A NaN stays, because min and max keep their second operand where one is NaN.
    return {select(size < delta, half * d * d, delta * (size - half * delta)), max(-delta, min(delta, d))};
  }
};

struct SmoothL1 {
  template <class T>
  [[gnu::always_inline]] static LossTerm<T> of(Vec<T> x, Vec<T> t, Vec<T> beta) {
    const Vec<T> d = x - t, size = abs(d), half(T(0.5)), ratio = d / beta;
    return {select(size < beta, half * d * ratio, size - half * beta), select(beta <= size, sign(d), ratio)};
  }
};

// (1 - t) log(1 + e^x) + p t log(1 + e^-x) with log(1 + e^x) = max(0, x) + log1p(e^-|x|): terms of one sign for
// t in [0, 1], so that nothing cancels where the prediction is good and the loss small.
struct BinaryCrossEntropy {
  template <class T>
  [[gnu::always_inline]] static LossTerm<T> of(Vec<T> x, Vec<T> t, Vec<T> pos_weight) {
    const Vec<T> zero(T(0)), one(T(1));
    const Vec<T> e = exp_of_low(-abs(x)), tail = log1p(e);
    const Vec<T> larger = one / (one + e), smaller = e * larger;  // s(|x|) and s(-|x|)
    const Vec<T> negative = one - t, positive = pos_weight * t;
    const auto below = x < zero;
    return {fma(negative, max(zero, x) + tail, positive * (max(zero, -x) + tail)),
            negative * select(below, smaller, larger) - positive * select(below, larger, smaller)};
  }
};

struct Hinge {
  template <class T>
  [[gnu::always_inline]] static LossTerm<T> of(Vec<T> x, Vec<T> t, Vec<T> /*unused*/) {
    const Vec<T> zero(T(0)), slack = fnma(t, x, Vec<T>(T(1)));
    return {max(zero, slack), select(slack <= zero, zero, -t)};
  }
};

// The losses and gradients of elements first, first + 1, ...; the losses' sum, lane by lane, comes back.
template <class Loss, bool with_grad, class T>
[[gnu::always_inline]] inline Vec<T> pointwise_vectors(const PointwiseBlock<T>& b, int64_t first, int64_t count) {
  const Vec<T> scale(b.grad_scale), parameter(b.parameter);
  Vec<T> total(T(0));
  for_each_vector<T>(count, [&](int64_t k, auto lanes) {
    const int64_t i = first + k;
    LossTerm<T> term = Loss::of(lanes.load(b.input + i), lanes.load(b.target + i),
                                b.pos_weight ? lanes.load(b.pos_weight + i) : parameter);
    if (b.weight) {
      const Vec<T> weight = lanes.load(b.weight + i);
      term = {term.value * weight, term.slope * weight};
    }
    if (b.loss) lanes.store(b.loss + i, term.value);
    if constexpr (with_grad) lanes.store(b.grad + i, term.slope * scale);
    total = total + lanes.keep(term.value);
  });
  return total;
}

template <class Loss, bool with_grad, class T>
double pointwise_blocks(const PointwiseBlock<T> b) {
  constexpr int64_t block = 16 * Vec<T>::size;
  double total = 0;
  for (int64_t i = 0; i < b.count; i += block) {
    const int64_t left = b.count - i;
    total += static_cast<double>(sum(pointwise_vectors<Loss, with_grad>(b, i, left < block ? left : block)));
  }
  return total;
}

template <class Loss, class T>
double pointwise_loss(const PointwiseBlock<T>& b) {
  return b.grad ? pointwise_blocks<Loss, true>(b) : pointwise_blocks<Loss, false>(b);
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
