#include "ops/batch_norm.h"

#include "cuda/batch_norm_terms.cuh"
#include "cuda/channels.cuh"

namespace fastnn::cuda {
namespace {

template <class T>
struct Normalize : NormArrays<T> {
  __device__ T operator()(const NormTerms<T>& t, T x) const {
    const T y = t.normalized(x);
    return this->relu ? larger(T(0), y) : y;
  }
};

// What the elements of a channel are normalised with, for them and for the backward.
template <class T>
struct Settle {
  T *save_mean, *save_invstd;
  T *running_mean, *running_var;  // null: none
  double momentum, eps;

  __device__ void put(int64_t c, double mean, double variance) const {
    save_mean[c] = static_cast<T>(mean);
    save_invstd[c] = static_cast<T>(1 / sqrt(variance + eps));
  }
  __device__ void operator()(int64_t c, const Moments& m) const {
    put(c, m.mean, m.m2 / m.count);
    if (!running_mean) return;
    fold(running_mean[c], m.mean);
    fold(running_var[c], m.m2 / (m.count - 1));
  }

 private:
  __device__ void fold(T& running, double batch) const {
    running = static_cast<T>((1 - momentum) * static_cast<double>(running) + momentum * batch);
  }
};

// From the running statistics, or where there are none from 0 and 0.
template <class T>
__global__ void settle_kernel(int64_t channels, const T* mean, const T* variance, Settle<T> settle) {
  const int64_t c = thread_of_grid();
  if (c >= channels) return;
  settle.put(c, mean ? static_cast<double>(mean[c]) : 0, variance ? static_cast<double>(variance[c]) : 0);
}

}  // namespace

template <class T>
void batch_norm_forward(const BatchNormInputs<T>& in, const BatchNormOptions& options, const BatchNormOutputs<T>& out) {
  const Settle<T> settle{out.save_mean,   out.save_invstd,  out.running_mean,
                         out.running_var, options.momentum, options.eps};
  const bool empty = in.view.empty();
  if (empty || !options.training) {
    const bool running = !options.training;
    launch("batch_norm", &settle_kernel<T>, grid_for(in.view.axis_size), in.view.axis_size,
           running ? in.running_mean : nullptr, running ? in.running_var : nullptr, settle);
  } else {
    sums_by_channel("batch_norm", in.view, aligned_to_packs(in.x), MomentsOf<T>{in.x}, settle);
  }
  if (empty) return;
  const Normalize<T> normalize{{out.save_mean, out.save_invstd, in.weight, in.bias, options.relu}};
  map_channels("batch_norm", in.view, normalize, out.y, in.x);
}

template void batch_norm_forward(const BatchNormInputs<float>&, const BatchNormOptions&,
                                 const BatchNormOutputs<float>&);
template void batch_norm_forward(const BatchNormInputs<double>&, const BatchNormOptions&,
                                 const BatchNormOutputs<double>&);

}  // namespace fastnn::cuda
