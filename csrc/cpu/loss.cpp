#include "ops/loss.h"

#include <algorithm>

#include "cpu/dispatch.h"
#include "cpu/ordered_sum.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t elements_per_task = 1 << 14;

template <class T>
using PointwiseKernel = double (*)(const PointwiseBlock<T>&);

template <class T>
PointwiseKernel<T> kernel_of(Pointwise kind, double parameter) {
  const auto& kernel = kernels<T>().loss;
  switch (kind) {
    case Pointwise::mse:
      return kernel.mse;
    case Pointwise::l1:
      return kernel.l1;
    case Pointwise::huber:
      return kernel.huber;
    case Pointwise::smooth_l1:
      return parameter == 0.0 ? kernel.l1 : kernel.smooth_l1;
    case Pointwise::bce_with_logits:
      return kernel.bce_with_logits;
    case Pointwise::hinge:
      break;
  }
  return kernel.hinge;
}

// Elements begin, begin + 1, ... of a repeated array: where they lie, or copied to scratch.
template <class T>
class Tile {
 public:
  Tile(const Repeated<T>& source, int64_t begin, int64_t count) {
    if (!source.data) return;
    const int64_t at = begin % source.period;
    if (at + count <= source.period) {
      data_ = source.data + at;
    } else {
      data_ = fill(source, at, count);
    }
  }
  const T* data() const { return data_; }

 private:
  // One period that starts at `at`, then what is there already, again and again.
  const T* fill(const Repeated<T>& source, int64_t at, int64_t count) {
    T* to = scratch_.emplace(count).data();
    const int64_t head = source.period - at, period = std::min(source.period, count);
    std::copy_n(source.data + at, head, to);
    std::copy_n(source.data, period - head, to + head);
    for (int64_t filled = period; filled < count; filled *= 2) {
      std::copy_n(to, std::min(filled, count - filled), to + filled);
    }
    return to;
  }

  std::optional<AlignedBuffer<T>> scratch_;
  const T* data_ = nullptr;
};

}  // namespace

template <class T>
void pointwise_loss(Pointwise kind, const PointwiseInputs<T>& in, const LossOptions& options, T* losses, T* grad,
                    double* reduced) {
  const auto kernel = kernel_of<T>(kind, options.parameter);
  const double divisor = options.reduction == Reduction::mean ? static_cast<double>(in.n) : 1.0;
  const double total = sum_of_parts(in.n, elements_per_task, [&](int64_t begin, int64_t end) {
    const Tile<T> weight(in.weight, begin, end - begin), pos_weight(in.pos_weight, begin, end - begin);
    PointwiseBlock<T> block{};
    block.input = in.input + begin;
    block.target = in.target + begin;
    block.weight = weight.data();
    block.pos_weight = pos_weight.data();
    block.parameter = static_cast<T>(options.parameter);
    block.loss = losses ? losses + begin : nullptr;
    block.grad = grad ? grad + begin : nullptr;
    block.count = end - begin;
    block.grad_scale = static_cast<T>(1.0 / divisor);
    return kernel(block);
  });
  if (reduced) *reduced = total / divisor;
}

template <class Source, class T>
void resolve_signs(const char* op, const Source* target, Shape shape, T* signs) {
  const int64_t n = element_count(op, shape);
  const auto minus = static_cast<Source>(-1), zero = static_cast<Source>(0), one = static_cast<Source>(1);
  bool zeros = false, minuses = false, others = false;
  for (int64_t i = 0; i < n; ++i) {
    const Source t = target[i];
    zeros |= t == zero;
    minuses |= t == minus;
    others |= !(t == zero || t == minus || t == one);
    signs[i] = t == one ? T(1) : T(-1);
  }
  if (!others && !(zeros && minuses)) return;
  // The first one that is of neither set, or not of the set of those before it.
  bool zero_seen = false, minus_seen = false;
  for (int64_t i = 0; i < n; ++i) {
    const Source t = target[i];
    zero_seen |= t == zero;
    minus_seen |= t == minus;
    if ((t == zero || t == minus || t == one) && !(zero_seen && minus_seen)) continue;
    refuse_sign(op, t, shape, i);
  }
}

template void pointwise_loss(Pointwise, const PointwiseInputs<float>&, const LossOptions&, float*, float*, double*);
template void pointwise_loss(Pointwise, const PointwiseInputs<double>&, const LossOptions&, double*, double*, double*);
template void resolve_signs(const char*, const float*, Shape, float*);
template void resolve_signs(const char*, const double*, Shape, double*);
template void resolve_signs(const char*, const int32_t*, Shape, float*);
template void resolve_signs(const char*, const int32_t*, Shape, double*);
template void resolve_signs(const char*, const int64_t*, Shape, float*);
template void resolve_signs(const char*, const int64_t*, Shape, double*);

}  // namespace fastnn::cpu
