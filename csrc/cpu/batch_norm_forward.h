// The forward of batch norm, but for where the results go: statistics by channel, and the terms made of them.
#pragma once

#include <cmath>

#include "cpu/aligned_buffer.h"
#include "cpu/channels.h"
#include "cpu/dispatch.h"
#include "ops/batch_norm.h"

namespace fastnn::cpu {

// The moments at(0), ..., at(count - 1) as one. About the first mean, so that a constant is exact; an infinite
// mean stays infinite.
template <class At>
Moments joined(int64_t count, const At& at) {
  if (count == 1) return at(0);
  double n = 0, shifted = 0, sum = 0, m2 = 0;
  const double first = at(0).mean;
  for (int64_t i = 0; i < count; ++i) {
    n += at(i).count;
    shifted += at(i).count * (at(i).mean - first);
    sum += at(i).mean;
  }
  const double mean = std::isfinite(shifted) ? first + shifted / n : sum;
  for (int64_t i = 0; i < count; ++i) {
    const double d = at(i).mean - mean;
    m2 += at(i).m2 + at(i).count * d * d;
  }
  return {n, mean, m2};
}

template <class T>
class BatchNormForward {
 public:
  BatchNormForward(const BatchNormInputs<T>& in, const BatchNormOptions& options, const BatchNormOutputs<T>& out)
      : in_(in), options_(options), out_(out) {}

  // In training: takes the statistics of each channel, and then write(part, c) for its parts, last ones first.
  template <class Write>
  void run_channels(const Write& write) const {
    const ChannelParts parts(in_.view);
    AlignedBuffer<Moments> partial(parts.count() * in_.view.axis_size);
    parts.for_each_channel([&](int64_t c) {
      take_channel(parts, c, partial.data() + c * parts.count());
      parallel_for(parts.count(), 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) write(parts[parts.count() - 1 - i], c);
      });
    });
  }

  void run_columns() const {
    const ColumnParts parts(in_.view);
    AlignedBuffer<Moments> partial(options_.training ? parts.count() * parts.columns() : 0);
    AlignedBuffer<T> terms(3 * parts.columns());
    if (options_.training) take_columns(parts, partial.data());
    normalize_columns(parts, terms.data());
  }

  // What the elements of channel c are normalised with, for them and for the backward.
  template <class Value>
  void settle(int64_t c, Value mean, Value variance) const {
    out_.save_mean[c] = static_cast<T>(mean);
    out_.save_invstd[c] = static_cast<T>(1 / std::sqrt(static_cast<double>(variance) + options_.eps));
  }
  // Where there are no statistics to take: of an empty x, and in evaluation.
  void settle_channels() const {
    const bool from_batch = options_.training;
    for (int64_t c = 0; c < in_.view.axis_size; ++c) {
      settle(c, from_batch ? T(0) : in_.running_mean[c], from_batch ? T(0) : in_.running_var[c]);
    }
  }

  NormTerms<T> terms(int64_t c) const {
    const T scale = in_.weight ? in_.weight[c] * out_.save_invstd[c] : out_.save_invstd[c];
    return {out_.save_mean[c], scale, in_.bias ? in_.bias[c] : T(0), T(0), T(0), false, options_.relu};
  }

 private:
  void take_channel(const ChannelParts& parts, int64_t c, Moments* partial) const {
    const T* x = in_.x + c * in_.view.inner;
    parallel_for(parts.count(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        partial[i] = {0, 0, 0};
        kernel_.moments(x + parts[i].offset, parts[i].runs, partial + i);
      }
    });
    take_moments(c, joined(parts.count(), [&](int64_t i) { return partial[i]; }));
  }

  void take_columns(const ColumnParts& parts, Moments* partial) const {
    const int64_t columns = parts.columns(), inner = in_.view.inner;
    parts.for_each_tile([&](int64_t part, int64_t column, const Part& tile) {
      Moments* moments = partial + part * columns + column;
      std::fill_n(moments, tile.runs.length, Moments{0, 0, 0});
      kernel_.column_moments(in_.x + tile.offset, tile.runs, moments);
    });
    for_each_group_of_channels(in_.view, [&](int64_t c) {
      const Moments* of_channel = partial + c * inner;
      take_moments(
          c, joined(parts.count() * inner, [&](int64_t i) { return of_channel[i / inner * columns + i % inner]; }));
    });
  }

  void normalize_columns(const ColumnParts& parts, T* memory) const {
    const int64_t inner = in_.view.inner;
    T *mean = memory, *scale = mean + parts.columns(), *shift = scale + parts.columns();
    for (int64_t j = 0; j < parts.columns(); ++j) {
      const NormTerms<T> t = terms(j / inner);
      mean[j] = t.mean, scale[j] = t.scale, shift[j] = t.shift;
    }
    const NormTerms<const T*> terms{mean, scale, shift, nullptr, nullptr, false, options_.relu};
    parts.for_each_row_block([&](int64_t offset, const Runs& runs) {
      kernel_.normalize_columns(in_.x + offset, out_.y + offset, runs, terms);
    });
  }

  void take_moments(int64_t c, const Moments& m) const {
    settle(c, m.mean, m.m2 / m.count);
    if (!out_.running_mean) return;
    const double share = options_.momentum;
    const auto fold = [share](T& running, double batch) {
      running = static_cast<T>((1 - share) * static_cast<double>(running) + share * batch);
    };
    fold(out_.running_mean[c], m.mean);
    fold(out_.running_var[c], m.m2 / (m.count - 1));
  }

  const BatchNormInputs<T>& in_;
  const BatchNormOptions& options_;
  const BatchNormOutputs<T>& out_;
  const BatchNormKernels<T>& kernel_ = kernels<T>().batch_norm;
};

}  // namespace fastnn::cpu
