// cross_entropy of logits (N, C, d1, ...) or (C,) against class indices (N, d1, ...) or (), or against class
// probabilities of the logits' shape. With w the class weights, e the label smoothing, p = softmax(logits):
//   t_c = w_c ((1 - e) q_c + e / C),  q one-hot at the label or the given probabilities
//   loss = -sum_c t_c log p_c         grad_c = p_c sum t - t_c
// "mean" divides by the sum of w over the labels used, or by the number of positions for probabilities.
#pragma once

#include "ops/labels.h"
#include "ops/reduction.h"

namespace fastnn {

struct CrossEntropyOptions {
  int64_t ignore_index = -100;
  Reduction reduction = Reduction::mean;
  double label_smoothing = 0.0;
};

inline void validate_class_probabilities(Shape logits, Shape target, const CrossEntropyOptions& options) {
  if (!same(target, logits)) {
    fail_value("cross_entropy", "expected target of class probabilities to have the logits' shape ", to_string(logits),
               ", got ", to_string(target), "; class indices need dtype int64 or int32");
  }
  if (options.ignore_index >= 0) {
    fail_value("cross_entropy", "expected no ignore_index with a target of class probabilities, got ignore_index=",
               options.ignore_index);
  }
}

namespace FASTNN_BACKEND {

template <class T>
struct CrossEntropyInputs {
  AxisView view;
  const T* logits;
  const int64_t* labels;   // resolved; null for probabilities
  const T* probabilities;  // null for labels
  const T* weight;         // null: ones
};

// Writes the losses (one a position) for Reduction::none, or else the reduced loss; `losses` is scratch then, and
// `reduced` is null for none. grad may be null.
template <class T>
void cross_entropy(const CrossEntropyInputs<T>& inputs, const CrossEntropyOptions& options, T* losses, T* grad,
                   double* reduced);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
