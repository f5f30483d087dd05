// The norm is one double a piece, and a second kernel that adds them in their order; clipping reads it on the device.
#include "ops/clip_grad.h"

#include "cuda/math.cuh"
#include "cuda/reduce.cuh"
#include "cuda/tensor_list.cuh"

namespace fastnn::cuda {
namespace {

// What of an element is reduced, and what becomes of the total.
struct Largest : Max {
  __device__ double term(double x) const { return fabs(x); }
  __device__ double finish(double total) const { return total; }
};
struct AbsoluteSum : Sum {
  __device__ double term(double x) const { return fabs(x); }
  __device__ double finish(double total) const { return total; }
};
struct SquareSum : Sum {
  __device__ double term(double x) const { return x * x; }
  __device__ double finish(double total) const { return sqrt(total); }
};
struct PowerSum : Sum {
  double p;
  __device__ double term(double x) const { return pow(fabs(x), p); }
  __device__ double finish(double total) const { return pow(total, 1.0 / p); }
};

template <class Norm>
struct NormFinish {
  Norm norm;
  __device__ double operator()(double total) const { return norm.finish(total); }
};

// Element by element, so that the order does not depend on how an array is aligned.
template <class Norm, class T>
struct NormOfPiece {
  Norm norm;
  double* parts;

  __device__ void operator()(const GradTensor<T>& t, int64_t begin, int64_t end, int piece) const {
    double total = 0.0;
    for (int64_t i = begin + thread_of_block(); i < end; i += threads_of_block()) {
      total = norm(total, norm.term(static_cast<double>(t.grad[i])));
    }
    total = block_reduce(total, 0.0, norm);
    if (thread_of_block() == 0) parts[piece] = total;
  }
};

template <class Norm>
void reduce_norm(const GradTensors& grads, const Norm& norm, double* result) {
  const int64_t f32 = pieces_of(grads.f32), f64 = pieces_of(grads.f64);
  double* parts = f32 + f64 > 0 ? scratch<double>(f32 + f64) : nullptr;
  for_each_piece("grad_norm", grads.f32, NormOfPiece<Norm, float>{norm, parts});
  for_each_piece("grad_norm", grads.f64, NormOfPiece<Norm, double>{norm, parts + f32});
  finish_reduction("grad_norm", f32 + f64, 0.0, parts, norm, NormFinish<Norm>{norm}, result);
}

template <class T>
struct Factor {
  T factor;
  __device__ void operator()(T& grad) const { grad *= factor; }
};

template <class T>
struct ScaleToNorm {
  double max_norm;
  const double* norm;

  __device__ void operator()(const GradTensor<T>& t, int64_t begin, int64_t end, int) const {
    const double factor = max_norm / (*norm + 1e-6);
    if (factor >= 1.0) return;  // a NaN goes on, into the gradients
    step_piece(begin, end, Factor<T>{static_cast<T>(factor)}, t.grad);
  }
};

// A NaN stays.
template <class T>
struct Clamp {
  T limit;

  __device__ void operator()(T& grad) const { grad = smaller(limit, larger(-limit, grad)); }
  __device__ void operator()(const GradTensor<T>& t, int64_t begin, int64_t end, int) const {
    step_piece(begin, end, *this, t.grad);
  }
};

}  // namespace

void grad_norm(const GradTensors& grads, double p, double* norm) {
  if (std::isinf(p)) return reduce_norm(grads, Largest{}, norm);
  if (p == 1.0) return reduce_norm(grads, AbsoluteSum{}, norm);
  if (p == 2.0) return reduce_norm(grads, SquareSum{}, norm);
  reduce_norm(grads, PowerSum{{}, p}, norm);
}

void clip_grad_norm(const GradTensors& grads, double max_norm, const double* norm) {
  for_each_piece("clip_grad_norm", grads.f32, ScaleToNorm<float>{max_norm, norm});
  for_each_piece("clip_grad_norm", grads.f64, ScaleToNorm<double>{max_norm, norm});
}

void clip_grad_value(const GradTensors& grads, double clip_value) {
  for_each_piece("clip_grad_value", grads.f32, Clamp<float>{static_cast<float>(clip_value)});
  for_each_piece("clip_grad_value", grads.f64, Clamp<double>{clip_value});
}

}  // namespace fastnn::cuda
