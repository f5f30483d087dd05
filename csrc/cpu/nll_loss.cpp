// The negative log-likelihood reads one score a position; the gradient is zeros with one value a position.
#include <algorithm>

#include "cpu/labels.h"
#include "cpu/ordered_sum.h"
#include "ops/loss.h"

namespace fastnn::cpu {

template <class T>
void nll_loss(const LabelledInputs<T>& in, Reduction reduction, T* losses, T* grad, double* reduced) {
  const auto [outer, classes, inner] = in.view;
  const int64_t positions = outer * inner, image = classes * inner;
  const double divisor = reduction == Reduction::mean ? sum_label_weights(in.labels, positions, in.weight) : 1.0;
  const T scale = static_cast<T>(1.0 / divisor);
  const auto one_position = [=](int64_t o, int64_t i) {
    const int64_t position = o * inner + i, label = in.labels[position];
    if (label < 0) {
      losses[position] = T(0);
      return;
    }
    const int64_t at = o * image + label * inner + i;
    const T weight = in.weight ? in.weight[label] : T(1);
    losses[position] = -weight * in.input[at];
    if (grad) grad[at] = -weight * scale;
  };
  constexpr int64_t elements_per_task = 1 << 15;
  parallel_for(positions > 0 ? outer : 0, std::max<int64_t>(1, elements_per_task / std::max<int64_t>(1, image)),
               [=](int64_t begin, int64_t end) {
                 if (grad) std::fill_n(grad + begin * image, (end - begin) * image, T(0));
                 for (int64_t o = begin; o < end; ++o) {
                   for (int64_t i = 0; i < inner; ++i) one_position(o, i);
                 }
               });
  if (!reduced) return;
  *reduced = ordered_sum(positions, [=](int64_t i) { return static_cast<double>(losses[i]); }) / divisor;
}

template void nll_loss(const LabelledInputs<float>&, Reduction, float*, float*, double*);
template void nll_loss(const LabelledInputs<double>&, Reduction, double*, double*, double*);

}  // namespace fastnn::cpu
