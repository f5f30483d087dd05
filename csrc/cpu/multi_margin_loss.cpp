#include <algorithm>

#include "cpu/dispatch.h"
#include "cpu/ordered_sum.h"
#include "ops/loss.h"

namespace fastnn::cpu {

template <class T>
void multi_margin_loss(const LabelledInputs<T>& in, const MultiMarginOptions& options, T* losses, T* grad,
                       double* reduced) {
  const int64_t rows = in.view.outer, classes = in.view.axis_size;
  const double divisor = options.reduction == Reduction::mean ? static_cast<double>(rows) : 1.0;
  constexpr int64_t elements_per_task = 1 << 13;
  parallel_for(rows, std::max<int64_t>(1, elements_per_task / classes), [&](int64_t begin, int64_t end) {
    MultiMarginBlock<T> block{};
    block.input = in.input + begin * classes;
    block.grad = grad ? grad + begin * classes : nullptr;
    block.loss = losses + begin;
    block.labels = in.labels + begin;
    block.weight = in.weight;
    block.count = end - begin;
    block.classes = classes;
    block.margin = static_cast<T>(options.margin);
    block.squared = options.p == 2;
    block.grad_scale = static_cast<T>(1.0 / divisor);
    kernels<T>().loss.multi_margin(block);
  });
  if (!reduced) return;
  *reduced = ordered_sum(rows, [=](int64_t i) { return static_cast<double>(losses[i]); }) / divisor;
}

template void multi_margin_loss(const LabelledInputs<float>&, const MultiMarginOptions&, float*, float*, double*);
template void multi_margin_loss(const LabelledInputs<double>&, const MultiMarginOptions&, double*, double*, double*);

}  // namespace fastnn::cpu
