#include "ops/conv2d.h"

#include <optional>

#include "cpu/conv2d_correlation.h"
#include "cpu/conv2d_parts.h"
#include "cpu/dispatch.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t elements_per_task = 1 << 15;

// x with the cells that another padding mode than zeros puts around it.
template <class T>
class PaddedInput {
 public:
  PaddedInput(const Conv2dSize& s, const T* x) : buffer_(input_elements(with_padded_input(s))) {
    pad_planes<T>(s.padding_mode, s.batch * s.channels, s.window.h.size, s.window.w.size, padding(s.window), x,
                  buffer_.data());
  }
  const T* data() const { return buffer_.data(); }

 private:
  AlignedBuffer<T> buffer_;
};

template <class T>
void padded_grad_x(const Conv2dSize& s, const T* grad_output, const T* weight, T* grad_x) {
  const Conv2dSize padded = with_padded_input(s);
  AlignedBuffer<T> grad(input_elements(padded));
  conv2d_grad_x(padded, grad_output, weight, grad.data());
  pad_planes_backward<T>(s.padding_mode, s.batch * s.channels, s.window.h.size, s.window.w.size, padding(s.window),
                         grad.data(), grad_x);
}

}  // namespace

template <class T>
void conv2d_grad_bias(const Conv2dSize& s, const T* grad_output, bool accumulate, T* grad_bias) {
  const int64_t cells = s.window.h.output * s.window.w.output;
  const int64_t grain = std::max<int64_t>(1, elements_per_task / std::max<int64_t>(1, s.batch * cells));
  parallel_for(s.out_channels, grain, [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      T total = T(0);
      for (int64_t n = 0; n < s.batch; ++n) {
        total += kernels<T>().conv2d.sum(grad_output + (n * s.out_channels + o) * cells, cells);
      }
      grad_bias[o] = accumulate ? grad_bias[o] + total : total;
    }
  });
}

template <class T>
void conv2d_forward(const Conv2dSize& s, const T* x, const T* weight, const T* bias, bool relu, T* y) {
  if (needs_padded_copy(s)) {
    return conv2d_forward(with_padded_input(s), PaddedInput<T>(s, x).data(), weight, bias, relu, y);
  }
  Correlation<T> c = windows_of(s, x);
  c.weight = weight;
  c.bias = bias;
  c.relu = relu;
  c.y = y;
  c.y_plane = c.h.output * c.w.output;
  c.y_line = c.w.output;
  c.y_step = 1;
  correlate(c);
}

template <class T>
void conv2d_backward(const Conv2dSize& s, const T* grad_output, const T* x, const T* weight,
                     const Conv2dGradients<T>& grads) {
  const bool padded = needs_padded_copy(s);
  if (grads.x && padded) padded_grad_x(s, grad_output, weight, grads.x);
  if (grads.x && !padded) conv2d_grad_x(s, grad_output, weight, grads.x);
  if (grads.weight && padded) {
    conv2d_grad_weight(with_padded_input(s), grad_output, PaddedInput<T>(s, x).data(), grads.accumulate, grads.weight);
  }
  if (grads.weight && !padded) conv2d_grad_weight(s, grad_output, x, grads.accumulate, grads.weight);
  if (grads.bias) conv2d_grad_bias(s, grad_output, grads.accumulate, grads.bias);
}

#define INSTANTIATE(T)                                                                     \
  template void conv2d_forward(const Conv2dSize&, const T*, const T*, const T*, bool, T*); \
  template void conv2d_backward(const Conv2dSize&, const T*, const T*, const T*, const Conv2dGradients<T>&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cpu
