// The multi-class margin loss of rows of scores, by the formulas of csrc/cpu/kernels/multi_margin.h.
#include "cuda/loss_reduction.cuh"
#include "cuda/rows.cuh"
#include "ops/loss.h"

namespace fastnn::cuda {
namespace {

template <class T>
struct MultiMargin {
  LabelledInputs<T> in;
  T margin;
  bool squared;
  Divisor divisor;
  T *losses, *grad;  // grad may be null

  // Of a class other than the label, with slack = margin - x_y + x_c.
  __device__ T value(T slack) const {
    const T h = larger(T(0), slack);
    return squared ? h * h : h;
  }
  __device__ T slope(T slack) const {
    const T h = larger(T(0), slack);
    return squared ? h + h : slack <= T(0) ? T(0) : T(1);
  }

  template <class Row>
  __device__ void operator()(const Row& row, int64_t position) const {
    const int64_t label = in.labels[position], readable = label < 0 ? 0 : label;
    const T shift = margin - row.element(in.input, readable);
    const T factor = (in.weight ? in.weight[readable] : T(1)) / static_cast<T>(row.size);
    const auto x = read(row, in.input);
    const auto add_value = [=, this](int64_t c, T so_far, T v) {
      return c == label ? so_far : so_far + value(shift + v);
    };
    const T sum = fold(row, T(0), Sum{}, add_value, x);
    if (row.leads()) losses[position] = label < 0 ? without_label<T>(label) : sum * factor;
    if (!grad) return;
    const auto add_slope = [=, this](int64_t c, T so_far, T v) {
      return c == label ? so_far : so_far + slope(shift + v);
    };
    const T slopes = fold(row, T(0), Sum{}, add_slope, x), scale = divisor.template reciprocal<T>() * factor;
    const auto grad_at = [=, this](int64_t c, T v) {
      if (label < 0) return without_label<T>(label);
      return c == label ? T(0) - slopes * scale : slope(shift + v) * scale;
    };
    write(row, grad, grad_at, x);
  }
};

}  // namespace

template <class T>
void multi_margin_loss(const LabelledInputs<T>& in, const MultiMarginOptions& options, T* losses, T* grad,
                       double* reduced) {
  Divisor divisor;
  if (options.reduction == Reduction::mean) divisor.known = static_cast<double>(in.view.outer);
  const MultiMargin<T> function{in, static_cast<T>(options.margin), options.p == 2, divisor, losses, grad};
  for_each_row<T>("multi_margin_loss", in.view, function, in.input, grad);
  reduce_losses("multi_margin_loss", in.view.outer, losses, divisor, reduced);
}

template void multi_margin_loss(const LabelledInputs<float>&, const MultiMarginOptions&, float*, float*, double*);
template void multi_margin_loss(const LabelledInputs<double>&, const MultiMarginOptions&, double*, double*, double*);

}  // namespace fastnn::cuda
