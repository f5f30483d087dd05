// Batch normalisation of the columns of a matrix, lanes are columns: for (N, C), and for planes of a few elements,
// which would leave most lanes of a vector empty.
#pragma once

#include "cpu/kernels/batch_norm.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// The terms of the columns j, j + 1, ... of one vector; lanes past the end hold 0.
template <class T, class Lanes>
[[gnu::always_inline]] inline ChannelTerms<T> load_terms(const NormTerms<const T*>& terms, int64_t j, Lanes lanes,
                                                         bool backward) {
  ChannelTerms<T> t(NormTerms<T>{});
  t.mean = lanes.load(terms.mean + j);
  t.scale = lanes.load(terms.scale + j);
  t.shift = lanes.load(terms.shift + j);
  if (backward && terms.training) {
    t.offset = lanes.load(terms.offset + j);
    t.slope = lanes.load(terms.slope + j);
  }
  return t;
}

// Rows whose part under one vector is read twice from L1: 64 lines of 64 bytes.
inline constexpr int64_t block_rows = additions_in_lane;

template <class T>
void column_moments(const T* x, const Runs& runs, Moments* moments) {
  using V = Vec<T>;
  for (int64_t first = 0; first < runs.count; first += block_rows) {
    const int64_t rows = runs.count - first < block_rows ? runs.count - first : block_rows;
    const T* block = x + first * runs.stride;
    const MomentsJoin join(static_cast<double>(first), static_cast<double>(rows));
    for_each_vector<T>(runs.length, [&](int64_t j, auto lanes) {
      V sum(T(0)), s1(T(0)), s2(T(0));
      for (int64_t r = 0; r < rows; ++r) sum = sum + lanes.load(block + r * runs.stride + j);
      const V first_mean = sum / V(static_cast<T>(rows));
      for (int64_t r = 0; r < rows; ++r) {
        const V d = lanes.load(block + r * runs.stride + j) - first_mean;
        s1 = s1 + d;
        s2 = fma(d, d, s2);
      }
      T of_mean[V::size], of_s1[V::size], of_s2[V::size];
      first_mean.store(of_mean), s1.store(of_s1), s2.store(of_s2);
      for (int64_t c = 0; c < lanes.size(); ++c) {
        join(moments[j + c], static_cast<double>(of_mean[c]), static_cast<double>(of_s1[c]),
             static_cast<double>(of_s2[c]));
      }
    });
  }
}

template <class T>
void normalize_columns(const T* x, T* y, const Runs& runs, const NormTerms<const T*>& terms) {
  choose(terms.relu, [&](auto relu) {
    for (int64_t r = 0; r < runs.count; ++r) {
      const int64_t at = r * runs.stride;
      for_each_vector<T>(runs.length, [&](int64_t j, auto lanes) __attribute__((always_inline)) {
        const ChannelTerms<T> t = load_terms(terms, j, lanes, false);
        lanes.store(y + at + j, normalized<relu>(lanes.load(x + at + j), t));
      });
    }
  });
}

template <class T>
void column_gradient_sums(const T* grad_y, const T* x, const Runs& runs, const NormTerms<const T*>& terms,
                          double* sums) {
  using V = Vec<T>;
  choose(terms.relu, [&](auto relu) {
    for (int64_t first = 0; first < runs.count; first += block_rows) {
      const int64_t end = runs.count - first < block_rows ? runs.count : first + block_rows;
      for_each_vector<T>(runs.length, [&](int64_t j, auto lanes) {
        const ChannelTerms<T> t = load_terms(terms, j, lanes, false);
        V total(T(0)), product(T(0));
        for (int64_t r = first; r < end; ++r) {
          const V value = lanes.load(x + r * runs.stride + j);
          const V g = passed<relu>(lanes.load(grad_y + r * runs.stride + j), value, t);
          total = total + g;
          product = fma(g, value - t.mean, product);
        }
        T of_total[V::size], of_product[V::size];
        total.store(of_total), product.store(of_product);
        for (int64_t c = 0; c < lanes.size(); ++c) {
          sums[2 * (j + c)] += static_cast<double>(of_total[c]);
          sums[2 * (j + c) + 1] += static_cast<double>(of_product[c]);
        }
      });
    }
  });
}

template <class T>
void column_gradient(const T* grad_y, const T* x, T* grad_x, const Runs& runs, const NormTerms<const T*>& terms) {
  choose(terms.relu, [&](auto relu) {
    choose(terms.training, [&](auto training) {
      for (int64_t r = 0; r < runs.count; ++r) {
        const int64_t at = r * runs.stride;
        for_each_vector<T>(runs.length, [&](int64_t j, auto lanes) __attribute__((always_inline)) {
          const ChannelTerms<T> t = load_terms(terms, j, lanes, true);
          const Vec<T> value = relu || training ? lanes.load(x + at + j) : Vec<T>(T(0));
          lanes.store(grad_x + at + j, input_gradient<relu, training>(lanes.load(grad_y + at + j), value, t));
        });
      }
    });
  });
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
