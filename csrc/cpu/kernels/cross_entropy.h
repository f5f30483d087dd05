// Cross-entropy with softmax, loss and gradient together. With the target distribution t of a position and
// log p_c = x_c - m - log s:
//   loss = -sum t_c log p_c            grad_c = scale * (p_c sum t - t_c)
// t has a spread part (label smoothing, or soft targets) and a spike at the label; see CrossEntropyBlock.
#pragma once

#include "cpu/kernels/softmax.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// The spread part of t at a class; lanes whose weight is 0 get 0.
template <class T, class Lanes>
[[gnu::always_inline]] inline Vec<T> spread(const CrossEntropyBlock<T>& b, Vec<T> weight, const T* probability,
                                            Lanes lanes) {
  const Vec<T> smooth(b.smooth);
  return weight * (probability ? fma(Vec<T>(b.keep), lanes.load(probability), smooth) : smooth);
}

template <class T>
[[gnu::always_inline]] inline bool has_spread(const CrossEntropyBlock<T>& b) {
  return b.probabilities || b.smooth != T(0);
}

template <class T>
void cross_entropy_row(const CrossEntropyBlock<T>& b, const T* x, const T* probability, int64_t label, T* grad,
                       T* loss) {
  using V = Vec<T>;
  const T top = row_maximum(x, b.classes);
  const T total = sum_exponentials(x, top, grad, b.classes);
  const T log_total = log_scalar(total);
  const auto spread_at = [&](int64_t c, auto lanes) {
    return spread(b, lanes.load(b.weight + c), probability ? probability + c : nullptr, lanes);
  };
  const T spike = label >= 0 ? b.keep * b.weight[label] : T(0);
  T mass = spike;
  *loss = label >= 0 ? -spike * (x[label] - top - log_total) : T(0);
  if (has_spread(b)) {
    V masses(T(0)), products(T(0));
    for_each_vector<T>(b.classes, [&](int64_t c, auto lanes) {
      const V log_p = lanes.load(x + c, V(top)) - V(top) - V(log_total), t = spread_at(c, lanes);
      masses = masses + t;
      products = fma(t, log_p, products);
    });
    mass += sum(masses);
    *loss -= sum(products);
  }
  if (!grad) return;
  const V scale(b.grad_scale), factor(b.grad_scale * mass / total);
  const bool spread_out = has_spread(b);
  for_each_vector<T>(b.classes, [&](int64_t c, auto lanes) {
    const V plain = lanes.load(grad + c) * factor;
    lanes.store(grad + c, spread_out ? fnma(scale, spread_at(c, lanes), plain) : plain);
  });
  if (label >= 0) grad[label] -= b.grad_scale * spike;
}

template <class T>
void ignore_row(const CrossEntropyBlock<T>& b, T* grad, T* loss) {
  *loss = T(0);
  if (!grad) return;
  for_each_vector<T>(b.classes, [=](int64_t c, auto lanes) { lanes.store(grad + c, Vec<T>(T(0))); });
}

// What the labels of one vector of positions ask for: the spike, the logit under it, 1 where not ignored.
template <class T>
struct LabelLanes {
  T spike[Vec<T>::size] = {}, logit[Vec<T>::size] = {}, active[Vec<T>::size] = {};

  LabelLanes(const CrossEntropyBlock<T>& b, int64_t first, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      const int64_t label = b.labels ? b.labels[first + i] : 0;
      active[i] = label < 0 ? T(0) : T(1);
      if (!b.labels || label < 0) continue;
      spike[i] = b.keep * b.weight[label];
      logit[i] = b.logits[first + i + label * b.step];
    }
  }
};

// All but the spikes in the gradient. Lanes are neighbouring positions, classes lie `step` apart.
template <class T>
void cross_entropy_without_spikes(const CrossEntropyBlock<T>& block) {
  using V = Vec<T>;
  const CrossEntropyBlock<T> b = block;  // whose members no store into the gradient can change
  for_each_vector<T>(b.count, [&](int64_t i, auto lanes) {
    const LabelLanes<T> labels(b, i, lanes.size());
    const V spike = V::load(labels.spike), zero(T(0));
    const auto active = V::load(labels.active) == V(T(1));
    const auto logits_at = [&](int64_t c) { return lanes.load(b.logits + i + c * b.step); };
    const auto spread_at = [&](int64_t c) {
      const T* probability = b.probabilities ? b.probabilities + i + c * b.step : nullptr;
      return spread(b, V(b.weight[c]), probability, lanes);
    };
    V top = minus_infinity<T>(), total(T(0));
    for (int64_t c = 0; c < b.classes; ++c) top = max(logits_at(c), top);
    for (int64_t c = 0; c < b.classes; ++c) {
      const V e = exp_of_low(logits_at(c) - top);
      if (b.grad) lanes.store(b.grad + i + c * b.step, e);
      total = total + e;
    }
    const V log_total = log(total);
    // Without labels there is no spike, and its logit, read as 0, must not count: -inf * 0 is NaN.
    V mass = spike, loss = b.labels ? zero - spike * (V::load(labels.logit) - top - log_total) : zero;
    const bool spread_out = has_spread(b);
    for (int64_t c = 0; spread_out && c < b.classes; ++c) {
      const V t = spread_at(c);
      mass = mass + t;
      loss = fnma(t, logits_at(c) - top - log_total, loss);
    }
    lanes.store(b.loss + i, select(active, loss, zero));
    if (!b.grad) return;
    const V scale(b.grad_scale), factor = scale * mass / total;
    for (int64_t c = 0; c < b.classes; ++c) {
      T* at = b.grad + i + c * b.step;
      const V plain = lanes.load(at) * factor;
      lanes.store(at, select(active, spread_out ? fnma(scale, spread_at(c), plain) : plain, zero));
    }
  });
}

template <class T>
void subtract_spikes(const CrossEntropyBlock<T>& b) {
  for (int64_t i = 0; b.grad && b.labels && i < b.count; ++i) {
    const int64_t label = b.labels[i];
    if (label >= 0) b.grad[i * b.position + label * b.step] -= b.grad_scale * (b.keep * b.weight[label]);
  }
}

template <class T>
void cross_entropy_lanes(const CrossEntropyBlock<T>& b) {
  cross_entropy_without_spikes(b);
  subtract_spikes(b);
}

template <class T>
void cross_entropy_narrow_rows(const CrossEntropyBlock<T>& b) {
  NarrowRows<T> logits, probabilities, grad;
  for_each_narrow_block<T>(b.count, [&](int64_t i, int64_t count) {
    const int64_t at = i * b.classes;
    CrossEntropyBlock<T> block = b;
    logits.load(b.logits + at, count, b.classes);
    if (b.probabilities) probabilities.load(b.probabilities + at, count, b.classes);
    block.logits = logits.cells;
    block.probabilities = b.probabilities ? probabilities.cells : nullptr;
    block.grad = b.grad ? grad.cells : nullptr;
    block.loss = b.loss + i;
    block.labels = b.labels ? b.labels + i : nullptr;
    block.count = count;
    block.position = 1;
    block.step = Vec<T>::size;
    cross_entropy_without_spikes(block);
    if (b.grad) grad.store(b.grad + at, count, b.classes);
  });
  subtract_spikes(b);
}

template <class T>
void cross_entropy_rows(const CrossEntropyBlock<T>& b) {
  if (are_narrow<T>(b.classes)) return cross_entropy_narrow_rows(b);
  for (int64_t i = 0; i < b.count; ++i) {
    const int64_t at = i * b.position;
    T* grad = b.grad ? b.grad + at : nullptr;
    if (b.labels && b.labels[i] < 0) {
      ignore_row(b, grad, b.loss + i);
    } else {
      cross_entropy_row(b, b.logits + at, b.probabilities ? b.probabilities + at : nullptr, b.labels ? b.labels[i] : -1,
                        grad, b.loss + i);
    }
  }
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
