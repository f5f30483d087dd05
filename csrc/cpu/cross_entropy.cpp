#include "ops/cross_entropy.h"

#include <algorithm>
#include <numeric>

#include "cpu/aligned_buffer.h"
#include "cpu/axis_blocks.h"
#include "cpu/dispatch.h"

namespace fastnn::cpu {
namespace {

// "(3, 1)" for the flat position in shape.
std::string index_text(Shape shape, int64_t position) {
  std::vector<int64_t> index(shape.size());
  for (size_t d = shape.size(); d-- > 0;) {
    index[d] = position % shape[d];
    position /= shape[d];
  }
  return to_string(index);
}

// Partial sums over fixed chunks, added in order: the same bits for any thread count.
template <class Term>
double ordered_sum(int64_t n, const Term& term) {
  constexpr int64_t chunk = 1 << 13;
  AlignedBuffer<double> partial((n + chunk - 1) / chunk);
  parallel_for(n, chunk, [&](int64_t begin, int64_t end) {
    double total = 0;
    for (int64_t i = begin; i < end; ++i) total += term(i);
    partial.data()[begin / chunk] = total;
  });
  return std::accumulate(partial.data(), partial.data() + (n + chunk - 1) / chunk, 0.0);
}

// What "mean" divides by.
template <class T>
double mean_divisor(const CrossEntropyInputs<T>& in) {
  const int64_t positions = in.view.outer * in.view.inner;
  if (!in.labels) return static_cast<double>(positions);
  return ordered_sum(positions, [&](int64_t i) {
    if (in.labels[i] < 0) return 0.0;
    return in.weight ? static_cast<double>(in.weight[in.labels[i]]) : 1.0;
  });
}

}  // namespace

template <class Index>
void resolve_labels(const Index* target, Shape target_shape, int64_t classes, int64_t ignore_index, int64_t* labels) {
  const int64_t n = element_count("cross_entropy", target_shape);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t label = target[i];
    if (label == ignore_index) {
      labels[i] = -1;
    } else if (label < 0 || label >= classes) {
      fail_index("cross_entropy", "expected target in [0, ", classes, ") or ignore_index=", ignore_index, ", got ",
                 label, " at position ", index_text(target_shape, i));
    } else {
      labels[i] = label;
    }
  }
}

template <class T>
double cross_entropy(const CrossEntropyInputs<T>& in, const CrossEntropyOptions& options, T* losses, T* grad) {
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
  if (options.reduction == Reduction::none) return 0.0;
  return ordered_sum(positions, [&](int64_t i) { return static_cast<double>(losses[i]); }) / divisor;
}

template void resolve_labels(const int32_t*, Shape, int64_t, int64_t, int64_t*);
template void resolve_labels(const int64_t*, Shape, int64_t, int64_t, int64_t*);
template double cross_entropy(const CrossEntropyInputs<float>&, const CrossEntropyOptions&, float*, float*);
template double cross_entropy(const CrossEntropyInputs<double>&, const CrossEntropyOptions&, double*, double*);

}  // namespace fastnn::cpu
