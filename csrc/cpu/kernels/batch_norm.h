// Batch normalisation of one channel (Ioffe and Szegedy 2015), with the terms of NormTerms:
//   y = scale (x - mean) + shift        grad_x = scale (g - offset - slope (x - mean))
// The mean is subtracted first and not folded into the shift: where it is large beside the deviation, the
// difference is exact and the folded shift would not be. ReLU's mask in the backward is y computed again, with
// the same bits, so that y need not be read.
#pragma once

#include <type_traits>

#include "cpu/kernels/moments.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// body(std::true_type) or body(std::false_type): takes the question out of the loop.
template <class Body>
[[gnu::always_inline]] inline void choose(bool flag, const Body& body) {
  if (flag) {
    body(std::true_type{});
  } else {
    body(std::false_type{});
  }
}

// One channel's terms at every vector.
template <class T>
struct ChannelTerms {
  Vec<T> mean, scale, shift, offset, slope;

  explicit ChannelTerms(const NormTerms<T>& t)
      : mean(t.mean), scale(t.scale), shift(t.shift), offset(t.offset), slope(t.slope) {}
};

template <bool relu, class T>
[[gnu::always_inline]] inline Vec<T> normalized(Vec<T> x, const ChannelTerms<T>& t) {
  const Vec<T> y = fma(t.scale, x - t.mean, t.shift);
  return relu ? max(Vec<T>(T(0)), y) : y;
}

// The part of grad_y that passes a ReLU behind the normalisation, also where y is NaN.
template <bool relu, class T>
[[gnu::always_inline]] inline Vec<T> passed(Vec<T> grad_y, Vec<T> x, const ChannelTerms<T>& t) {
  const Vec<T> zero(T(0));
  return relu ? select(fma(t.scale, x - t.mean, t.shift) <= zero, zero, grad_y) : grad_y;
}

template <bool relu, bool training, class T>
[[gnu::always_inline]] inline Vec<T> input_gradient(Vec<T> grad_y, Vec<T> x, const ChannelTerms<T>& t) {
  const Vec<T> g = passed<relu>(grad_y, x, t);
  return t.scale * (training ? fnma(t.slope, x - t.mean, g - t.offset) : g);
}

template <class T>
void normalize(const T* x, const Runs& runs, T* y, int64_t y_stride, const NormTerms<T>& terms) {
  const ChannelTerms<T> t(terms);
  choose(terms.relu, [&](auto relu) {
    for (int64_t r = 0; r < runs.count; ++r) {
      const int64_t from = r * runs.stride, to = r * y_stride;
      prefetch_ahead(y + to, {runs.count, runs.length, y_stride});
      for_each_vector<T>(runs.length, [&](int64_t i, auto lanes) __attribute__((always_inline)) {
        lanes.store(y + to + i, normalized<relu>(lanes.load(x + from + i), t));
      });
    }
  });
}

template <class T>
void gradient_sums(const T* x, const Runs& runs, const T* grad_y, int64_t y_stride, const NormTerms<T>& terms,
                   double* sums) {
  const ChannelTerms<T> t(terms);
  choose(terms.relu, [&](auto relu) {
    for_each_block(runs, block_elements<T>, [&](int64_t first, int64_t at, const Runs& block) {
      ChainSums<T> total, product;
      for (int64_t r = first; r < first + block.count; ++r) {
        const T *values = x + r * runs.stride + at, *grads = grad_y + r * y_stride + at;
        for_each_vector_in_turn<T>(block.length, [&](auto k, int64_t i, auto lanes) __attribute__((always_inline)) {
          const Vec<T> value = lanes.load(values + i, t.mean);
          const Vec<T> g = passed<relu>(lanes.load(grads + i), value, t);
          total.at[k] = total.at[k] + g;
          product.at[k] = fma(g, value - t.mean, product.at[k]);
        });
      }
      sums[0] += static_cast<double>(total.total());
      sums[1] += static_cast<double>(product.total());
    });
  });
}

template <class T>
void norm_gradient(const T* x, const Runs& runs, const T* grad_y, int64_t y_stride, const NormTerms<T>& terms,
                   T* grad_x) {
  const ChannelTerms<T> t(terms);
  choose(terms.relu, [&](auto relu) {
    choose(terms.training, [&](auto training) {
      for (int64_t r = 0; r < runs.count; ++r) {
        const int64_t at = r * runs.stride;
        const T* grads = grad_y + r * y_stride;
        for_each_vector<T>(runs.length, [&](int64_t i, auto lanes) __attribute__((always_inline)) {
          const Vec<T> value = relu || training ? lanes.load(x + at + i) : Vec<T>(T(0));
          lanes.store(grad_x + at + i, input_gradient<relu, training>(lanes.load(grads + i), value, t));
        });
      }
    });
  });
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
