// The negative log-likelihood reads one score a position; the gradient is zeros with one value a position.
#include "cuda/loss_reduction.cuh"
#include "cuda/rows.cuh"
#include "ops/loss.h"

namespace fastnn::cuda {
namespace {

template <class T>
struct NegativeLogLikelihood {
  LabelledInputs<T> in;
  Divisor divisor;
  T *losses, *grad;  // grad may be null

  template <class Row>
  __device__ void operator()(const Row& row, int64_t position) const {
    const int64_t label = in.labels[position];
    const T weight = in.weight && label >= 0 ? in.weight[label] : T(1);
    if (row.leads()) {
      losses[position] = label >= 0 ? -weight * row.element(in.input, label) : without_label<T>(label);
    }
    if (!grad) return;
    const T spike = -weight * divisor.template reciprocal<T>(), others = without_label<T>(label);
    write(row, grad, [=](int64_t c) { return c == label ? spike : others; });
  }
};

}  // namespace

template <class T>
void nll_loss(const LabelledInputs<T>& in, Reduction reduction, T* losses, T* grad, double* reduced) {
  const int64_t positions = in.view.outer * in.view.inner;
  const Divisor divisor = label_divisor(reduction, in.labels, positions, in.weight);
  for_each_row<T>("nll_loss", in.view, NegativeLogLikelihood<T>{in, divisor, losses, grad}, grad);
  reduce_losses("nll_loss", positions, losses, divisor, reduced);
}

template void nll_loss(const LabelledInputs<float>&, Reduction, float*, float*, double*);
template void nll_loss(const LabelledInputs<double>&, Reduction, double*, double*, double*);

}  // namespace fastnn::cuda
