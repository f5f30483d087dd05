// Losses, each the mean or the sum of one loss a position, or all of them. Between two arrays of one shape,
// with x the input, t the target, d = x - t, s the logistic function, and w and p weights:
//                        loss                                          derivative by x
//   mse                  d^2                                           2 d
//   l1                   |d|                                           sign d
//   huber                |d| < delta ? d^2 / 2                         d
//                        : delta (|d| - delta / 2)                     delta sign d
//   smooth_l1            huber / beta, with delta = beta; l1 for beta = 0
//   bce_with_logits      -w (p t log s(x) + (1 - t) log s(-x))         w ((1 - t) s(x) - p t s(-x))
//   hinge                max(0, 1 - t x), t in {-1, 1}                 -t where it is positive
// and of scores x_c against a label y, with w_y the weight of its class:
//   nll                  -w_y x_y
//   multi_margin         w_y / C sum over c != y of max(0, margin - x_y + x_c)^p
// Losses of one of these, taken one by one, can be weighed by their samples afterwards, and so can the gradients.
#pragma once

#include "ops/labels.h"
#include "ops/reduction.h"

namespace fastnn {

enum class Pointwise { mse, l1, huber, smooth_l1, bce_with_logits, hinge };

struct LossOptions {
  Reduction reduction = Reduction::mean;
  double parameter = 1.0;  // delta of huber, beta of smooth_l1
};

struct NLLOptions {
  Reduction reduction = Reduction::mean;
  int64_t ignore_index = -100;
};

struct MultiMarginOptions {
  Reduction reduction = Reduction::mean;
  int64_t p = 1;  // or 2
  double margin = 1.0;
};

inline void validate_pointwise(const char* op, Shape input, Shape target) {
  if (!same(target, input)) {
    fail_value(op, "expected target of input's shape ", to_string(input), ", got ", to_string(target));
  }
}

// The part of weight's shape that is repeated along input: its leading axes of length 1 dropped.
inline Shape repeated_shape(const char* op, const char* name, Shape input, Shape weight) {
  bool fits = weight.size() <= input.size();
  for (size_t i = 1; fits && i <= weight.size(); ++i) {
    const int64_t dim = weight[weight.size() - i];
    fits = dim == 1 || dim == input[input.size() - i];
  }
  if (!fits) {
    fail_value(op, "expected ", name, " that broadcasts to input's shape ", to_string(input), ", got ",
               to_string(weight));
  }
  while (!weight.empty() && weight.front() == 1) weight = weight.subspan(1);
  return weight;
}

// `target` is in neither set, or not in that of one before it.
template <class Source>
[[noreturn]] void refuse_sign(const char* op, Source target, Shape shape, int64_t position) {
  const char* clash = target == Source(0) ? " after a -1" : target == Source(-1) ? " after a 0" : "";
  fail_value(op, "expected target in {-1, 1} or in {0, 1}, got ", target, clash, " at position ",
             index_text(shape, position));
}

inline AxisView validate_multi_margin(const char* op, Shape input) {
  if (input.size() != 1 && input.size() != 2) {
    fail_value(op, "expected input of shape (C,) or (N, C), got ", to_string(input));
  }
  return validate_classes(op, "input", input);
}

inline void validate_weighted_loss(const char* op, Shape losses, Shape weight, std::optional<Shape> shares) {
  if (losses.empty()) fail_value(op, "expected losses of shape (N, ...), got ()");
  if (!same(weight, losses.first(1))) {
    fail_value(op, "expected weight of shape ", to_string(losses.first(1)), ", one for each sample, got ",
               to_string(weight));
  }
  if (shares && !same(*shares, losses)) {
    fail_value(op, "expected shares of the losses' shape ", to_string(losses), ", got ", to_string(*shares));
  }
}

// A weighted mean of nothing is 0, as is its gradient.
constexpr double weighted_mean(double sum, double weights) { return weights == 0.0 ? 0.0 : sum / weights; }

// Around the axis of x that factor repeats along.
inline AxisView validate_scale(const char* op, Shape x, Shape factor) {
  if (factor.empty()) return {1, element_count(op, x), 1};
  if (same(factor, x)) return {1, 1, element_count(op, x)};
  if (x.size() > 1 && same(factor, x.first(1))) return {x[0], element_count(op, x.subspan(1)), 1};
  if (x.size() > 1 && same(factor, loss_shape(x))) return view_axis(op, x, 1);
  fail_value(op, "expected factor of x's shape ", to_string(x), ", without its axis 1, of its axis 0 alone or (), got ",
             to_string(factor));
}

namespace FASTNN_BACKEND {

// Element i of a long array is data[i % period]. Null: ones.
template <class T>
struct Repeated {
  const T* data = nullptr;
  int64_t period = 0;
};

template <class T>
struct PointwiseInputs {
  int64_t n;
  const T* input;
  const T* target;
  Repeated<T> weight, pos_weight;  // of bce_with_logits
};

// Each of these writes the losses where `losses` is given, for Reduction::none, and the reduced loss for the others,
// whose `reduced` is not null. grad may be null.
template <class T>
void pointwise_loss(Pointwise kind, const PointwiseInputs<T>& inputs, const LossOptions& options, T* losses, T* grad,
                    double* reduced);

// Hinge targets as -1 and 1. Throws std::invalid_argument unless all are in {-1, 1} or all in {0, 1}.
template <class Source, class T>
void resolve_signs(const char* op, const Source* target, Shape shape, T* signs);

template <class T>
struct LabelledInputs {
  AxisView view;
  const T* input;
  const int64_t* labels;  // resolved
  const T* weight;        // null: ones
};

// `losses` has to be given: scratch unless the reduction is none.
template <class T>
void nll_loss(const LabelledInputs<T>& inputs, Reduction reduction, T* losses, T* grad, double* reduced);
template <class T>
void multi_margin_loss(const LabelledInputs<T>& inputs, const MultiMarginOptions& options, T* losses, T* grad,
                       double* reduced);

// Losses of `samples` samples, `each` a sample.
template <class T>
struct WeightedLosses {
  int64_t samples, each;
  const T* losses;
  const T* weight;  // one a sample
  const T* shares;  // what each loss counts beside the weight of its sample, such as that of its class; null: ones
};

// With reduction none: losses[i] times the weight w of its sample, to `weighted`, and the factors w. With sum: their
// sum, to `reduced`, and w. With mean: the sum divided by that of shares[i] times w, and w divided by it. A sample's
// gradients by its losses, times its factor, are those by the result.
template <class T>
void weighted_loss(const WeightedLosses<T>& in, Reduction reduction, T* weighted, T* factor, double* reduced);

// y = x times factor[o * inner + i] along the axis of the view. y may be x.
template <class T>
void scale(const AxisView& view, const T* factor, const T* x, T* y);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
