#include "cpu/batch_norm_forward.h"

namespace fastnn::cpu {
namespace {

// In the order of memory: channel by channel, every plane would be the start of a new stream.
template <class T>
void normalize_planes(const BatchNormForward<T>& forward, const AxisView& view, const T* x, T* y) {
  const int64_t length = std::min(view.inner, elements_per_task), pieces = (view.inner + length - 1) / length;
  parallel_for(view.outer * view.axis_size * pieces, elements_per_task / length, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t plane = i / pieces, from = i % pieces * length, at = plane * view.inner + from;
      const Runs run{1, std::min(length, view.inner - from), view.inner};
      kernels<T>().batch_norm.normalize(x + at, run, y + at, view.inner, forward.terms(plane % view.axis_size));
    }
  });
}

}  // namespace

template <class T>
void batch_norm_forward(const BatchNormInputs<T>& in, const BatchNormOptions& options, const BatchNormOutputs<T>& out) {
  const BatchNormForward<T> forward(in, options, out);
  if (in.view.empty() || !options.training) forward.settle_channels();
  if (in.view.empty()) return;
  if (as_columns(in.view)) return forward.run_columns();
  if (!options.training) return normalize_planes(forward, in.view, in.x, out.y);
  forward.run_channels([&](const Part& part, int64_t c) {
    const auto [offset, runs] = backwards(part);
    const int64_t at = c * in.view.inner + offset;
    kernels<T>().batch_norm.normalize(in.x + at, runs, out.y + at, runs.stride, forward.terms(c));
  });
}

template void batch_norm_forward(const BatchNormInputs<float>&, const BatchNormOptions&,
                                 const BatchNormOutputs<float>&);
template void batch_norm_forward(const BatchNormInputs<double>&, const BatchNormOptions&,
                                 const BatchNormOutputs<double>&);

}  // namespace fastnn::cpu
