#include "cpu/aligned_buffer.h"
#include "cpu/channels.h"
#include "cpu/dispatch.h"
#include "ops/batch_norm.h"

namespace fastnn::cpu {
namespace {

// Of a channel: sum of g, and sum of g (x - mean).
struct GradientSums {
  double g = 0, product = 0;
};

template <class T>
class Backward {
 public:
  Backward(const BatchNormBackwardInputs<T>& in, const BatchNormGradients<T>& grads)
      : in_(in), grads_(grads), wants_sums_(grads.weight || grads.bias || (grads.x && in.training)) {}

  void run_channels() const {
    const ChannelParts parts(in_.view);
    AlignedBuffer<GradientSums> partial(parts.count() * in_.view.axis_size);
    parts.for_each_channel([&](int64_t c) {
      const GradientSums sums = wants_sums_ ? channel_sums(parts, c, partial.data() + c * parts.count()) : none;
      if (grads_.x) channel_gradient(parts, c, sums);
    });
  }

  void run_columns() const {
    const ColumnParts parts(in_.view);
    AlignedBuffer<GradientSums> partial(parts.count() * parts.columns()), of_channel(in_.view.axis_size);
    AlignedBuffer<T> memory(5 * parts.columns());
    std::fill_n(of_channel.data(), in_.view.axis_size, none);
    const NormTerms<const T*> terms = column_terms(parts.columns(), of_channel.data(), memory.data());
    if (wants_sums_) {
      column_sums(parts, terms, partial.data(), of_channel.data());
      column_terms(parts.columns(), of_channel.data(), memory.data());
    }
    if (!grads_.x) return;
    parts.for_each_row_block([&](int64_t offset, const Runs& runs) {
      kernel_.column_gradient(in_.grad_output + offset, in_.x + offset, grads_.x + offset, runs, terms);
    });
  }

  // The gradients of weight and bias of channel c.
  void take_sums(int64_t c, const GradientSums& sums) const {
    const auto put = [this](T& grad, double value) {
      grad = static_cast<T>(grads_.accumulate ? static_cast<double>(grad) + value : value);
    };
    if (grads_.weight) put(grads_.weight[c], sums.product * static_cast<double>(in_.save_invstd[c]));
    if (grads_.bias) put(grads_.bias[c], sums.g);
  }

 private:
  static constexpr GradientSums none{};

  GradientSums channel_sums(const ChannelParts& parts, int64_t c, GradientSums* partial) const {
    const int64_t first = c * in_.view.inner;
    const NormTerms<T> t = terms(c, none);
    parallel_for(parts.count(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t at = first + parts[i].offset;
        partial[i] = none;
        kernel_.gradient_sums(in_.grad_output + at, in_.x + at, parts[i].runs, t, &partial[i].g);
      }
    });
    GradientSums sums;
    for (int64_t i = 0; i < parts.count(); ++i) sums.g += partial[i].g, sums.product += partial[i].product;
    take_sums(c, sums);
    return sums;
  }

  void channel_gradient(const ChannelParts& parts, int64_t c, const GradientSums& sums) const {
    const int64_t first = c * in_.view.inner, count = parts.count();
    const NormTerms<T> t = terms(c, sums);
    parallel_for(count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const Part part = backwards(parts[count - 1 - i]);
        const int64_t at = first + part.offset;
        kernel_.gradient(in_.grad_output + at, in_.x + at, grads_.x + at, part.runs, t);
      }
    });
  }

  void column_sums(const ColumnParts& parts, const NormTerms<const T*>& terms, GradientSums* partial,
                   GradientSums* of_channel) const {
    const int64_t columns = parts.columns(), inner = in_.view.inner;
    parts.for_each_tile([&](int64_t part, int64_t column, const Part& tile) {
      GradientSums* sums = partial + part * columns + column;
      std::fill_n(sums, tile.runs.length, none);
      const NormTerms<const T*> of_tile{
          terms.mean + column, terms.scale + column, terms.shift + column, nullptr, nullptr, false, in_.relu};
      kernel_.column_gradient_sums(in_.grad_output + tile.offset, in_.x + tile.offset, tile.runs, of_tile, &sums->g);
    });
    for_each_group_of_channels(in_.view, [&](int64_t c) {
      for (int64_t i = 0; i < parts.count() * inner; ++i) {
        const GradientSums& sums = partial[i / inner * columns + c * inner + i % inner];
        of_channel[c].g += sums.g, of_channel[c].product += sums.product;
      }
      take_sums(c, of_channel[c]);
    });
  }

  NormTerms<const T*> column_terms(int64_t columns, const GradientSums* sums, T* memory) const {
    T *mean = memory, *scale = mean + columns, *shift = scale + columns, *offset = shift + columns,
      *slope = offset + columns;
    for (int64_t j = 0; j < columns; ++j) {
      const int64_t c = j / in_.view.inner;
      const NormTerms<T> t = terms(c, sums[c]);
      mean[j] = t.mean, scale[j] = t.scale, shift[j] = t.shift, offset[j] = t.offset, slope[j] = t.slope;
    }
    return {mean, scale, shift, offset, slope, in_.training, in_.relu};
  }

  NormTerms<T> terms(int64_t c, const GradientSums& sums) const {
    const T scale = in_.weight ? in_.weight[c] * in_.save_invstd[c] : in_.save_invstd[c];
    const auto n = static_cast<double>(in_.view.outer * in_.view.inner),
               invstd = static_cast<double>(in_.save_invstd[c]);
    return {in_.save_mean[c],
            scale,
            in_.bias ? in_.bias[c] : T(0),
            static_cast<T>(sums.g / n),
            static_cast<T>(invstd * invstd * sums.product / n),
            in_.training,
            in_.relu};
  }

  const BatchNormBackwardInputs<T>& in_;
  const BatchNormGradients<T>& grads_;
  const bool wants_sums_;
  const BatchNormKernels<T>& kernel_ = kernels<T>().batch_norm;
};

}  // namespace

template <class T>
void batch_norm_backward(const BatchNormBackwardInputs<T>& in, const BatchNormGradients<T>& grads) {
  const Backward<T> backward(in, grads);
  if (in.view.empty()) {
    for (int64_t c = 0; c < in.view.axis_size; ++c) backward.take_sums(c, {});
  } else if (as_columns(in.view)) {
    backward.run_columns();
  } else {
    backward.run_channels();
  }
}

template void batch_norm_backward(const BatchNormBackwardInputs<float>&, const BatchNormGradients<float>&);
template void batch_norm_backward(const BatchNormBackwardInputs<double>&, const BatchNormGradients<double>&);

}  // namespace fastnn::cpu
