// Losses weighed by their samples: sums in double, and what they leave to multiply gradients by.
#include <algorithm>

#include "cpu/ordered_sum.h"
#include "ops/loss.h"

namespace fastnn::cpu {
namespace {

// sum over the losses of term(i) times the weight of their sample
template <class T, class Term>
double weighted_sum(const WeightedLosses<T>& in, const Term& term) {
  const auto weight = [&](int64_t sample) { return static_cast<double>(in.weight[sample]); };
  if (in.each == 1) return ordered_sum(in.samples, [&](int64_t i) { return term(i) * weight(i); });
  double sum = 0;
  for (int64_t s = 0; s < in.samples; ++s) {
    sum += ordered_sum(in.each, [&](int64_t i) { return term(s * in.each + i) * weight(s); });
  }
  return sum;
}

}  // namespace

template <class T>
void weighted_loss(const WeightedLosses<T>& in, Reduction reduction, T* weighted, T* factor, double* reduced) {
  std::copy_n(in.weight, in.samples, factor);
  if (reduction == Reduction::none) return scale({in.samples, in.each, 1}, in.weight, in.losses, weighted);
  *reduced = weighted_sum(in, [&](int64_t i) { return static_cast<double>(in.losses[i]); });
  if (reduction == Reduction::sum) return;
  const double weights =
      weighted_sum(in, [&](int64_t i) { return in.shares ? static_cast<double>(in.shares[i]) : 1.0; });
  *reduced = weighted_mean(*reduced, weights);
  std::transform(factor, factor + in.samples, factor,
                 [=](T weight) { return static_cast<T>(weighted_mean(static_cast<double>(weight), weights)); });
}

template <class T>
void scale(const AxisView& view, const T* factor, const T* x, T* y) {
  const auto [outer, size, inner] = view;
  constexpr int64_t elements_per_task = 1 << 15;
  const int64_t image = size * inner;
  parallel_for(image > 0 ? outer : 0, std::max<int64_t>(1, elements_per_task / std::max<int64_t>(1, image)),
               [=](int64_t begin, int64_t end) {
                 for (int64_t o = begin; o < end; ++o) {
                   const T *from = x + o * image, *by = factor + o * inner;
                   T* to = y + o * image;
                   if (inner == 1) {
                     std::transform(from, from + size, to, [f = *by](T value) { return value * f; });
                     continue;
                   }
                   for (int64_t at = 0; at < image; at += inner) {
                     std::transform(from + at, from + at + inner, by, to + at, [](T value, T f) { return value * f; });
                   }
                 }
               });
}

#define INSTANTIATE(T)                                                               \
  template void weighted_loss(const WeightedLosses<T>&, Reduction, T*, T*, double*); \
  template void scale(const AxisView&, const T*, const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cpu
