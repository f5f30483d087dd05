#include "ops/clip_grad.h"

#include <cmath>

#include "cpu/dispatch.h"
#include "cpu/tensor_list.h"

namespace fastnn::cpu {
namespace {

// The larger one, or a NaN where there is one.
double larger(double a, double b) { return std::isnan(a) || a > b ? a : b; }

// One sum a piece, added in the order of the pieces: the bits do not depend on the threads.
template <class T>
double norm_sum(std::span<const GradTensor<T>> tensors, double p) {
  const std::vector<int64_t> first = first_pieces(tensors);
  std::vector<double> parts(static_cast<size_t>(first.back()));
  for_each_numbered_piece(tensors, first, [&](int64_t piece, const GradTensor<T>& t, int64_t begin, int64_t end) {
    parts[static_cast<size_t>(piece)] = kernels<T>().clip_grad.norm_sum(t.grad + begin, end - begin, p);
  });
  double total = 0.0;
  for (const double part : parts) total = std::isinf(p) ? larger(total, part) : total + part;
  return total;
}

template <class T>
void scale(std::span<const GradTensor<T>> tensors, double factor) {
  for_each_piece(tensors, [&](const GradTensor<T>& t, int64_t begin, int64_t end) {
    kernels<T>().clip_grad.scale(t.grad + begin, end - begin, static_cast<T>(factor));
  });
}

template <class T>
void clamp(std::span<const GradTensor<T>> tensors, double limit) {
  for_each_piece(tensors, [&](const GradTensor<T>& t, int64_t begin, int64_t end) {
    kernels<T>().clip_grad.clamp(t.grad + begin, end - begin, static_cast<T>(limit));
  });
}

}  // namespace

void grad_norm(const GradTensors& grads, double p, double* norm) {
  const double f32 = norm_sum(grads.f32, p), f64 = norm_sum(grads.f64, p), total = f32 + f64;
  *norm = std::isinf(p) ? larger(f32, f64) : p == 1.0 ? total : p == 2.0 ? std::sqrt(total) : std::pow(total, 1.0 / p);
}

void clip_grad_norm(const GradTensors& grads, double max_norm, const double* norm) {
  const double factor = max_norm / (*norm + 1e-6);
  if (factor >= 1.0) return;  // a NaN goes on, into the gradients
  scale(grads.f32, factor);
  scale(grads.f64, factor);
}

void clip_grad_value(const GradTensors& grads, double clip_value) {
  clamp(grads.f32, clip_value);
  clamp(grads.f64, clip_value);
}

}  // namespace fastnn::cpu
