#include "ops/batch_norm.h"

#include <cmath>

#include "cpu/aligned_buffer.h"
#include "cpu/channels.h"
#include "cpu/dispatch.h"

namespace fastnn::cpu {
namespace {

// The moments at(0), ..., at(count - 1) as one. About the first mean, so that a constant is exact; an infinite
// mean stays infinite.
template <class At>
Moments pooled(int64_t count, const At& at) {
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
class Forward {
 public:
  Forward(const BatchNormInputs<T>& in, const BatchNormOptions& options, const BatchNormOutputs<T>& out)
      : in_(in), options_(options), out_(out) {}

  void run_channels() const {
    if (!options_.training) return normalize_planes();
    const ChannelParts parts(in_.view);
    AlignedBuffer<Moments> partial(parts.count() * in_.view.axis_size);
    parts.for_each_channel([&](int64_t c) {
      take_channel(parts, c, partial.data() + c * parts.count());
      normalize_channel(parts, c);
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

 private:
  void take_channel(const ChannelParts& parts, int64_t c, Moments* partial) const {
    const T* x = in_.x + c * in_.view.inner;
    parallel_for(parts.count(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        partial[i] = {0, 0, 0};
        kernel_.moments(x + parts[i].offset, parts[i].runs, partial + i);
      }
    });
    take_moments(c, pooled(parts.count(), [&](int64_t i) { return partial[i]; }));
  }

  void normalize_channel(const ChannelParts& parts, int64_t c) const {
    const int64_t first = c * in_.view.inner, count = parts.count();
    parallel_for(count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const Part part = backwards(parts[count - 1 - i]);
        const int64_t at = first + part.offset;
        kernel_.normalize(in_.x + at, out_.y + at, part.runs, terms(c));
      }
    });
  }

  // In the order of memory: channel by channel, every plane would be the start of a new stream.
  void normalize_planes() const {
    const int64_t inner = in_.view.inner, length = std::min(inner, elements_per_task);
    const int64_t pieces = (inner + length - 1) / length;
    parallel_for(in_.view.outer * in_.view.axis_size * pieces, elements_per_task / length,
                 [&](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i) {
                     const int64_t plane = i / pieces, from = i % pieces * length, at = plane * inner + from;
                     const Runs run{1, std::min(length, inner - from), inner};
                     kernel_.normalize(in_.x + at, out_.y + at, run, terms(plane % in_.view.axis_size));
                   }
                 });
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
          c, pooled(parts.count() * inner, [&](int64_t i) { return of_channel[i / inner * columns + i % inner]; }));
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

  NormTerms<T> terms(int64_t c) const {
    const T scale = in_.weight ? in_.weight[c] * out_.save_invstd[c] : out_.save_invstd[c];
    return {out_.save_mean[c], scale, in_.bias ? in_.bias[c] : T(0), T(0), T(0), false, options_.relu};
  }

  const BatchNormInputs<T>& in_;
  const BatchNormOptions& options_;
  const BatchNormOutputs<T>& out_;
  const BatchNormKernels<T>& kernel_ = kernels<T>().batch_norm;
};

}  // namespace

template <class T>
void batch_norm_forward(const BatchNormInputs<T>& in, const BatchNormOptions& options, const BatchNormOutputs<T>& out) {
  const Forward<T> forward(in, options, out);
  const bool empty = in.view.empty();
  if (empty || !options.training) {
    for (int64_t c = 0; c < in.view.axis_size; ++c) {
      forward.settle(c, options.training ? T(0) : in.running_mean[c], options.training ? T(0) : in.running_var[c]);
    }
  }
  if (empty) return;
  if (as_columns(in.view)) {
    forward.run_columns();
  } else {
    forward.run_channels();
  }
}

template void batch_norm_forward(const BatchNormInputs<float>&, const BatchNormOptions&,
                                 const BatchNormOutputs<float>&);
template void batch_norm_forward(const BatchNormInputs<double>&, const BatchNormOptions&,
                                 const BatchNormOutputs<double>&);

}  // namespace fastnn::cpu
