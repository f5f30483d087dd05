// The backward of batch norm, wherever grad_output comes from.
#pragma once

#include "cpu/aligned_buffer.h"
#include "cpu/channels.h"
#include "cpu/dispatch.h"
#include "ops/batch_norm.h"

namespace fastnn::cpu {

// Of a channel: sum of g, and sum of g (x - mean).
struct GradientSums {
  double g = 0, product = 0;
};

// grad_output of some planes, `stride` elements from one to the next.
template <class T>
struct GradientRuns {
  const T* at;
  int64_t stride;
};

template <class T>
class BatchNormBackward {
 public:
  BatchNormBackward(const BatchNormBackwardInputs<T>& in, const BatchNormGradients<T>& grads)
      : in_(in), grads_(grads), wants_sums_(grads.weight || grads.bias || (grads.x && in.training)) {}

  // source(part, c, scratch) says where grad_output of a part of channel c lies; it may write it into its
  // `scratch_cells` of scratch.
  template <class Source>
  void run_channels(const Source& source) const {
    const ChannelParts parts(in_.view);
    AlignedBuffer<GradientSums> partial(parts.count() * in_.view.axis_size);
    parts.for_each_channel([&](int64_t c) {
      GradientSums* sums = partial.data() + c * parts.count();
      parts.count() == 1 ? run_channel(parts[0], c, source, *sums) : run_channel(parts, c, source, sums);
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

  // Of an x without elements the sums are 0.
  void take_empty() const {
    for (int64_t c = 0; c < in_.view.axis_size; ++c) take_sums(c, none);
  }

 private:
  static constexpr GradientSums none{};

  // The gradients of weight and bias of channel c.
  void take_sums(int64_t c, const GradientSums& sums) const {
    const auto put = [this](T& grad, double value) {
      grad = static_cast<T>(grads_.accumulate ? static_cast<double>(grad) + value : value);
    };
    if (grads_.weight) put(grads_.weight[c], sums.product * static_cast<double>(in_.save_invstd[c]));
    if (grads_.bias) put(grads_.bias[c], sums.g);
  }

  template <class Source>
  void run_channel(const Part& whole, int64_t c, const Source& source, GradientSums& sums) const {
    AlignedBuffer<T> scratch(source.scratch_cells());
    const GradientRuns<T> g = source(whole, c, scratch.data());
    if (wants_sums_) {
      sums = part_sums(whole, c, g);
      take_sums(c, sums);
    }
    if (grads_.x) part_gradient(whole, c, g, sums);
  }

  template <class Source>
  void run_channel(const ChannelParts& parts, int64_t c, const Source& source, GradientSums* partial) const {
    const auto for_each_part = [&](const auto& body) {
      parallel_for(parts.count(), 1, [&](int64_t begin, int64_t end) {
        AlignedBuffer<T> scratch(source.scratch_cells());
        for (int64_t i = begin; i < end; ++i) body(i, source(parts[i], c, scratch.data()));
      });
    };
    GradientSums sums;
    if (wants_sums_) {
      for_each_part([&](int64_t i, const GradientRuns<T>& g) { partial[i] = part_sums(parts[i], c, g); });
      for (int64_t i = 0; i < parts.count(); ++i) sums.g += partial[i].g, sums.product += partial[i].product;
      take_sums(c, sums);
    }
    if (grads_.x) for_each_part([&](int64_t i, const GradientRuns<T>& g) { part_gradient(parts[i], c, g, sums); });
  }

  GradientSums part_sums(const Part& part, int64_t c, const GradientRuns<T>& g) const {
    GradientSums sums;
    kernel_.gradient_sums(in_.x + c * in_.view.inner + part.offset, part.runs, g.at, g.stride, terms(c, none), &sums.g);
    return sums;
  }

  void part_gradient(const Part& part, int64_t c, const GradientRuns<T>& g, const GradientSums& sums) const {
    const auto [offset, runs] = backwards(part);
    const int64_t at = c * in_.view.inner + offset;
    kernel_.gradient(in_.x + at, runs, g.at + (runs.count - 1) * g.stride, -g.stride, terms(c, sums), grads_.x + at);
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

}  // namespace fastnn::cpu
