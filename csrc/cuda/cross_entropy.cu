// Loss and gradient of a row in one kernel: with the target distribution t and log p_c = x_c - m - log s,
//   loss = -sum t_c log p_c            grad_c = scale * (p_c sum t - t_c)
// t has a spike at the label and, with label smoothing or class probabilities, a part that is spread over the classes.
#include "ops/cross_entropy.h"

#include "cuda/loss_reduction.cuh"
#include "cuda/softmax_row.cuh"

namespace fastnn::cuda {
namespace {

template <class T, bool spread>
struct CrossEntropy {
  const T* logits;
  const int64_t* labels;   // null for probabilities
  const T* probabilities;  // null for labels
  const T* weight;         // null: ones
  T keep, smooth;          // 1 - label_smoothing, label_smoothing / classes
  Divisor divisor;
  T *losses, *grad;  // grad may be null

  // NaN or 0 where there is no label to be used.
  __device__ T where_used(bool used, int64_t label, T value) const { return used ? value : without_label<T>(label); }
  __device__ T weight_of(int64_t c) const { return weight ? weight[c] : T(1); }
  __device__ T spread_at(int64_t c, T probability) const {
    return weight_of(c) * (probabilities ? fma_of(keep, probability, smooth) : smooth);
  }

  template <class Row>
  __device__ void operator()(const Row& row, int64_t position) const {
    const int64_t label = labels ? labels[position] : ignored_label;
    const bool used = !labels || label >= 0;
    const T spike = label >= 0 ? keep * weight_of(label) : T(0);
    const auto x = read(row, logits), q = read(row, spread ? probabilities : nullptr);
    const auto e = exponentials(row, x);
    const T shift = e.top, log_total = log_of(e.total);
    T mass = spike, loss = label >= 0 ? -spike * (row.element(logits, label) - shift - log_total) : T(0);
    if constexpr (spread) {
      const auto add_mass = [=, this](int64_t c, T so_far, T p) { return so_far + spread_at(c, p); };
      const auto add_product = [=, this](int64_t c, T so_far, T p, T v) {
        return fma_of(spread_at(c, p), v - shift - log_total, so_far);
      };
      mass += fold(row, T(0), Sum{}, add_mass, q);
      loss -= fold(row, T(0), Sum{}, add_product, q, x);
    }
    if (row.leads()) losses[position] = where_used(used, label, loss);
    if (!grad) return;
    const T scale = divisor.template reciprocal<T>(), factor = scale * mass / e.total, step = scale * spike;
    const auto grad_at = [=, this](int64_t c, T power, T p) {
      T g = power * factor;
      if constexpr (spread) g = fma_of(-scale, spread_at(c, p), g);
      return where_used(used, label, c == label ? g - step : g);
    };
    write(row, grad, grad_at, e.values, q);
  }
};

template <bool spread, class T>
void run(const CrossEntropyInputs<T>& in, const CrossEntropyOptions& options, const Divisor& divisor, T* losses,
         T* grad) {
  const CrossEntropy<T, spread> function{
      .logits = in.logits,
      .labels = in.labels,
      .probabilities = in.probabilities,
      .weight = in.weight,
      .keep = static_cast<T>(1.0 - options.label_smoothing),
      .smooth = static_cast<T>(options.label_smoothing / static_cast<double>(in.view.axis_size)),
      .divisor = divisor,
      .losses = losses,
      .grad = grad};
  for_each_row<T>("cross_entropy", in.view, function, in.logits, in.probabilities, grad);
}

}  // namespace

template <class T>
void cross_entropy(const CrossEntropyInputs<T>& in, const CrossEntropyOptions& options, T* losses, T* grad,
                   double* reduced) {
  const int64_t positions = in.view.outer * in.view.inner;
  Divisor divisor;
  if (in.labels) {
    divisor = label_divisor(options.reduction, in.labels, positions, in.weight);
  } else if (options.reduction == Reduction::mean) {
    divisor.known = static_cast<double>(positions);
  }
  if (in.probabilities || options.label_smoothing != 0.0) {
    run<true>(in, options, divisor, losses, grad);
  } else {
    run<false>(in, options, divisor, losses, grad);
  }
  reduce_losses("cross_entropy", positions, losses, divisor, reduced);
}

template void cross_entropy(const CrossEntropyInputs<float>&, const CrossEntropyOptions&, float*, float*, double*);
template void cross_entropy(const CrossEntropyInputs<double>&, const CrossEntropyOptions&, double*, double*, double*);

}  // namespace fastnn::cuda
