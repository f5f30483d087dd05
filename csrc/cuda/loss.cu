// Losses of pairs, and with them their gradients and their sum, in one reading. A thread adds the losses of a pack in
// T and those sums in double. Which thread has which pack depends on n alone, aligned or not.
#include "ops/loss.h"

#include "cuda/division.cuh"
#include "cuda/elementwise.cuh"
#include "cuda/loss_functions.cuh"
#include "cuda/loss_reduction.cuh"
#include "cuda/note_offence.cuh"

namespace fastnn::cuda {
namespace {

// Where a pack begins, and how many elements there are from there on, at most a pack.
struct Span {
  int64_t first;
  int count;
};

template <class T>
struct PointwiseWork {
  PointwiseInputs<T> in;
  T parameter, grad_scale;
  T *losses, *grad;  // null: not wanted
  bool aligned;

  __device__ Pack<T> load(const T* x, const Span& span) const {
    if (aligned && span.count == Pack<T>::size) return load_pack(x + span.first, 0);
    Pack<T> y{};
    FASTNN_UNROLL
    for (int i = 0; i < Pack<T>::size; ++i) {
      if (i < span.count) y.lane[i] = x[span.first + i];
    }
    return y;
  }
  __device__ void store(T* y, const Span& span, const Pack<T>& value) const {
    if (!y) return;
    if (aligned && span.count == Pack<T>::size) return store_pack(y + span.first, 0, value);
    FASTNN_UNROLL
    for (int i = 0; i < Pack<T>::size; ++i) {
      if (i < span.count) y[span.first + i] = value.lane[i];
    }
  }
  __device__ Pack<T> load(const Repeated<T>& x, const Span& span, T otherwise) const {
    Pack<T> y{};
    int64_t at = x.data && x.period < in.n ? divide(span.first, x.period).remainder : span.first;
    FASTNN_UNROLL
    for (int i = 0; i < Pack<T>::size; ++i) {
      y.lane[i] = x.data && i < span.count ? x.data[at] : otherwise;
      if (++at == x.period) at = 0;
    }
    return y;
  }

  // The sum of the losses.
  template <class Loss>
  __device__ T run(const Span& span) const {
    const Pack<T> x = load(in.input, span), t = load(in.target, span);
    const Pack<T> weight = load(in.weight, span, T(1)), parameters = load(in.pos_weight, span, parameter);
    Pack<T> loss, slope;
    T sum = T(0);
    FASTNN_UNROLL
    for (int i = 0; i < Pack<T>::size; ++i) {
      const LossTerm<T> term = Loss::of(x.lane[i], t.lane[i], parameters.lane[i]);
      loss.lane[i] = term.value * weight.lane[i];
      slope.lane[i] = term.slope * weight.lane[i] * grad_scale;
      if (i < span.count) sum += loss.lane[i];
    }
    store(losses, span, loss);
    store(grad, span, slope);
    return sum;
  }
};

// A block's part of the sum of the losses goes to parts, unless that is null; divided for a block that is alone.
template <class T, class Loss>
__global__ void pointwise_kernel(PointwiseWork<T> work, double divisor, double* parts) {
  constexpr int size = Pack<T>::size;
  const int64_t n = work.in.n;
  double total = 0;
  for (int64_t first = size * thread_of_grid(); first < n; first += size * threads_of_grid()) {
    total += work.template run<Loss>({first, n - first < size ? static_cast<int>(n - first) : size});
  }
  if (!parts) return;
  total = block_sum(total);
  if (thread_of_block() == 0) parts[block_of_grid()] = total / divisor;
}

template <class Loss, class T>
void run(const char* name, const PointwiseWork<T>& work, double divisor, double* reduced) {
  const int64_t blocks = reduction_blocks(work.in.n);
  double* parts = reduced && blocks > 1 ? scratch<double>(blocks) : reduced;
  launch(name, &pointwise_kernel<T, Loss>, {static_cast<unsigned>(blocks), block_threads}, work,
         blocks > 1 ? 1.0 : divisor, parts);
  if (parts != reduced) finish_reduction(name, blocks, 0.0, parts, Sum{}, DivideBy{{divisor}}, reduced);
}

// The first positions with each kind of target.
struct FirstSigns {
  int64_t zero = no_offence, minus = no_offence, other = no_offence;

  // The first position whose target is neither, or of the other set than one before it.
  __device__ int64_t offence() const {
    const int64_t clash = zero > minus ? zero : minus;
    return other < clash ? other : clash;
  }
  // By all threads of a block.
  __device__ FirstSigns of_block() const {
    return {block_reduce(zero, no_offence, Lowest{}), block_reduce(minus, no_offence, Lowest{}),
            block_reduce(other, no_offence, Lowest{})};
  }
  __device__ void add(const FirstSigns& signs) {
    zero = Lowest{}(zero, signs.zero);
    minus = Lowest{}(minus, signs.minus);
    other = Lowest{}(other, signs.other);
  }
};

template <class Source, class T>
__global__ void resolve_signs_kernel(int64_t n, const Source* target, T* signs, FirstSigns* parts) {
  FirstSigns first{};
  for (int64_t i = thread_of_grid(); i < n; i += threads_of_grid()) {
    const Source t = target[i];
    const bool zero = t == Source(0), minus = t == Source(-1), one = t == Source(1);
    first.add({zero ? i : no_offence, minus ? i : no_offence, zero || minus || one ? no_offence : i});
    signs[i] = one ? T(1) : zero || minus ? T(-1) : static_cast<T>(__builtin_nan(""));
  }
  first = first.of_block();
  if (thread_of_block() == 0) parts[block_of_grid()] = first;
}

template <class Source>
__global__ void check_signs_kernel(int64_t count, const FirstSigns* parts, const Source* target, Offence* record,
                                   int check) {
  FirstSigns first{};
  for (int64_t i = thread_of_block(); i < count; i += threads_of_block()) first.add(parts[i]);
  const int64_t position = first.of_block().offence();
  if (thread_of_block() == 0 && position != no_offence) note_offence(record, check, position, target[position]);
}

template <class Source>
int sign_check(const char* op, Shape shape) {
  return register_check(
      concat(op, "|signs|", to_string(shape), "|", sizeof(Source), std::is_integral_v<Source>),
      [op = std::string(op), shape = std::vector<int64_t>(shape.begin(), shape.end())](const Offence& found) {
        refuse_sign(op.c_str(), found.value_as<Source>(), shape, found.position);
      });
}

}  // namespace

template <class T>
void pointwise_loss(Pointwise kind, const PointwiseInputs<T>& in, const LossOptions& options, T* losses, T* grad,
                    double* reduced) {
  const double divisor = options.reduction == Reduction::mean ? static_cast<double>(in.n) : 1.0;
  const PointwiseWork<T> work{.in = in,
                              .parameter = static_cast<T>(options.parameter),
                              .grad_scale = static_cast<T>(1.0 / divisor),
                              .losses = losses,
                              .grad = grad,
                              .aligned = aligned_to_packs(in.input, in.target, losses, grad)};
  switch (kind) {
    case Pointwise::mse:
      return run<SquaredError>("mse_loss", work, divisor, reduced);
    case Pointwise::l1:
      return run<AbsoluteError>("l1_loss", work, divisor, reduced);
    case Pointwise::huber:
      return run<Huber>("huber_loss", work, divisor, reduced);
    case Pointwise::smooth_l1:
      if (options.parameter == 0.0) return run<AbsoluteError>("smooth_l1_loss", work, divisor, reduced);
      return run<SmoothL1>("smooth_l1_loss", work, divisor, reduced);
    case Pointwise::bce_with_logits:
      return run<BinaryCrossEntropy>("binary_cross_entropy_with_logits", work, divisor, reduced);
    case Pointwise::hinge:
      return run<Hinge>("hinge_loss", work, divisor, reduced);
  }
}

template <class Source, class T>
void resolve_signs(const char* op, const Source* target, Shape shape, T* signs) {
  const int64_t n = element_count(op, shape), blocks = reduction_blocks(n);
  const int check = sign_check<Source>(op, shape);
  auto* parts = scratch<FirstSigns>(blocks);
  launch("resolve_signs", &resolve_signs_kernel<Source, T>, {static_cast<unsigned>(blocks), block_threads}, n, target,
         signs, parts);
  launch("check_signs", &check_signs_kernel<Source>, {1, block_threads}, blocks, parts, target, offence_record(),
         check);
}

template void pointwise_loss(Pointwise, const PointwiseInputs<float>&, const LossOptions&, float*, float*, double*);
template void pointwise_loss(Pointwise, const PointwiseInputs<double>&, const LossOptions&, double*, double*, double*);
#define INSTANTIATE(Source)                                               \
  template void resolve_signs(const char*, const Source*, Shape, float*); \
  template void resolve_signs(const char*, const Source*, Shape, double*);
INSTANTIATE(float)
INSTANTIATE(double)
INSTANTIATE(int32_t)
INSTANTIATE(int64_t)
#undef INSTANTIATE

}  // namespace fastnn::cuda
