// The multi-class margin loss of rows of scores (Crammer and Singer, JMLR 2001, summed over the classes):
//   loss = w_y / C sum over c != y of h_c^p,  h_c = max(0, margin - x_y + x_c)
//   grad_c = w_y / C (p = 1 ? [h_c > 0] : 2 h_c) for c != y,  grad_y = -sum of the others
#pragma once

#include "cpu/kernels/lanes.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

template <class T>
void multi_margin_row(const MultiMarginBlock<T>& b, const T* x, int64_t label, T* grad, T* loss) {
  using V = Vec<T>;
  const V zero(T(0)), one(T(1)), shift(b.margin - x[label]);
  const T factor = (b.weight ? b.weight[label] : T(1)) / static_cast<T>(b.classes);
  const V scale(b.grad_scale * factor);
  V values(T(0)), slopes(T(0));
  const auto add = [&](int64_t first, int64_t last) {
    for_each_vector<T>(last - first, [&](int64_t k, auto lanes) {
      const int64_t c = first + k;
      const V slack = shift + lanes.load(x + c), h = max(zero, slack);
      const V slope = b.squared ? h + h : select(slack <= zero, zero, one);
      values = values + lanes.keep(b.squared ? h * h : h);
      slopes = slopes + lanes.keep(slope);
      if (grad) lanes.store(grad + c, slope * scale);
    });
  };
  add(0, label);
  add(label + 1, b.classes);
  *loss = sum(values) * factor;
  if (grad) grad[label] = T(0) - sum(slopes) * (b.grad_scale * factor);
}

template <class T>
void multi_margin_rows(const MultiMarginBlock<T>& b) {
  for (int64_t i = 0; i < b.count; ++i) {
    const int64_t at = i * b.classes;
    multi_margin_row(b, b.input + at, b.labels[i], b.grad ? b.grad + at : nullptr, b.loss + i);
  }
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
