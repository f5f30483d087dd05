// Losses of a pair (x, t) and their derivatives by x. Formulas and the treatment of NaN are those of
// csrc/cpu/kernels/loss.h; `parameter` is delta, beta or the weight of positive targets.
#pragma once

#include "cuda/math.cuh"

namespace fastnn::cuda {

template <class T>
struct LossTerm {
  T value, slope;
};

template <class T>
__device__ inline T sign(T x) {
  return T(0) < x ? T(1) : x < T(0) ? T(-1) : T(0);
}

struct SquaredError {
  template <class T>
  __device__ static LossTerm<T> of(T x, T t, T /*parameter*/) {
    const T d = x - t;
    return {d * d, d + d};
  }
};

struct AbsoluteError {
  template <class T>
  __device__ static LossTerm<T> of(T x, T t, T /*parameter*/) {
    const T d = x - t;
    return {abs_of(d), sign(d)};
  }
};

struct Huber {
  template <class T>
  __device__ static LossTerm<T> of(T x, T t, T delta) {
    const T d = x - t, size = abs_of(d), half = T(0.5);
    return {size < delta ? half * d * d : delta * (size - half * delta), larger(-delta, smaller(delta, d))};
  }
};

struct SmoothL1 {
  template <class T>
  __device__ static LossTerm<T> of(T x, T t, T beta) {
    const T d = x - t, size = abs_of(d), half = T(0.5), ratio = d / beta;
    return {size < beta ? half * d * ratio : size - half * beta, beta <= size ? sign(d) : ratio};
  }
};

struct BinaryCrossEntropy {
  template <class T>
  __device__ static LossTerm<T> of(T x, T t, T pos_weight) {
    const T e = exp_of(-abs_of(x)), tail = log1p_of(e), high = T(1) / (T(1) + e), low = e * high;
    const T negative = T(1) - t, positive = pos_weight * t;
    const bool below = x < T(0);
    return {fma_of(negative, larger(T(0), x) + tail, positive * (larger(T(0), -x) + tail)),
            negative * (below ? low : high) - positive * (below ? high : low)};
  }
};

struct Hinge {
  template <class T>
  __device__ static LossTerm<T> of(T x, T t, T /*parameter*/) {
    const T slack = fma_of(-t, x, T(1));
    return {larger(T(0), slack), slack <= T(0) ? T(0) : -t};
  }
};

}  // namespace fastnn::cuda
