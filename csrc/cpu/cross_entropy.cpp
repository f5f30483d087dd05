#include "ops/cross_entropy.h"

#include <algorithm>

#include "cpu/axis_blocks.h"
#include "cpu/dispatch.h"
#include "cpu/labels.h"
#include "cpu/ordered_sum.h"

namespace fastnn::cpu {
namespace {

// What "mean" divides by.
template <class T>
double mean_divisor(const CrossEntropyInputs<T>& in) {
  const int64_t positions = in.view.outer * in.view.inner;
  if (!in.labels) return static_cast<double>(positions);
  return sum_label_weights(in.labels, positions, in.weight);
}

}  // namespace

template <class T>
void cross_entropy(const CrossEntropyInputs<T>& in, const CrossEntropyOptions& options, T* losses, T* grad,
                   double* reduced) {
  const auto& kernel = kernels<T>().cross_entropy;
  const int64_t classes = in.view.axis_size, positions = in.view.outer * in.view.inner;
  const double divisor = options.reduction == Reduction::mean ? mean_divisor(in) : 1.0;
  AlignedBuffer<T> ones(in.weight ? 0 : classes);
  if (!in.weight) std::fill_n(ones.data(), classes, T(1));

  const auto block_at = [&](int64_t first, int64_t offset, int64_t count) {
    CrossEntropyBlock<T> block{};
    block.logits = in.logits + offset;
    block.grad = grad ? grad + offset : nullptr;
    block.loss = losses + first;
    block.count = count;
    block.classes = classes;
    block.position = in.view.inner == 1 ? classes : 1;
    block.step = in.view.inner;
    block.labels = in.labels ? in.labels + first : nullptr;
    block.probabilities = in.probabilities ? in.probabilities + offset : nullptr;
    block.weight = in.weight ? in.weight : ones.data();
    block.keep = static_cast<T>(1.0 - options.label_smoothing);
    block.smooth = static_cast<T>(options.label_smoothing / static_cast<double>(classes));
    block.grad_scale = static_cast<T>(1.0 / divisor);
    return block;
  };
  for_axis_blocks(
      in.view, [&](int64_t first, int64_t count) { kernel.rows(block_at(first, first * classes, count)); },
      [&](int64_t first, int64_t offset, int64_t count) { kernel.lanes(block_at(first, offset, count)); });
  if (!reduced) return;
  *reduced = ordered_sum(positions, [&](int64_t i) { return static_cast<double>(losses[i]); }) / divisor;
}

template void cross_entropy(const CrossEntropyInputs<float>&, const CrossEntropyOptions&, float*, float*, double*);
template void cross_entropy(const CrossEntropyInputs<double>&, const CrossEntropyOptions&, double*, double*, double*);

}  // namespace fastnn::cpu
