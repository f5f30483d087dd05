// cross_entropy of logits (N, C, d1, ...) or (C,) against class indices (N, d1, ...) or (), or against class
// probabilities of the logits' shape. With w the class weights, e the label smoothing, p = softmax(logits):
//   t_c = w_c ((1 - e) q_c + e / C),  q one-hot at the label or the given probabilities
//   loss = -sum_c t_c log p_c         grad_c = p_c sum t - t_c
// "mean" divides by the sum of w over the labels used, or by the number of positions for probabilities.
#pragma once

#include <optional>
#include <vector>

#include "ops/tensor.h"

namespace fastnn {

enum class Reduction { none, mean, sum };

struct CrossEntropyOptions {
  int64_t ignore_index = -100;
  Reduction reduction = Reduction::mean;
  double label_smoothing = 0.0;
};

// Around the axis of the classes.
inline AxisView validate_logits(Shape logits) {
  if (logits.empty()) fail_value("cross_entropy", "expected logits of shape (C,) or (N, C, ...), got ()");
  const AxisView view = view_axis("cross_entropy", logits, logits.size() == 1 ? 0 : 1);
  if (view.axis_size == 0) {
    fail_value("cross_entropy", "expected at least one class in logits, got shape ", to_string(logits));
  }
  return view;
}

// The logits' shape without the classes.
inline std::vector<int64_t> loss_shape(Shape logits) {
  std::vector<int64_t> shape(logits.begin(), logits.end());
  shape.erase(shape.begin() + (logits.size() == 1 ? 0 : 1));
  return shape;
}

inline void validate_class_weight(Shape logits, int64_t classes, std::optional<Shape> weight) {
  if (weight && (weight->size() != 1 || (*weight)[0] != classes)) {
    fail_value("cross_entropy", "expected weight of shape (", classes, ",) for logits of shape ", to_string(logits),
               ", got ", to_string(*weight));
  }
}

inline void validate_class_indices(Shape logits, Shape target) {
  const auto expected = loss_shape(logits);
  if (!same(target, expected)) {
    fail_value("cross_entropy", "expected target of shape ", to_string(expected), " for logits of shape ",
               to_string(logits), ", got ", to_string(target));
  }
}

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

namespace cpu {

// The label of each position, -1 where it is ignore_index. Throws std::out_of_range for one outside [0, classes).
template <class Index>
void resolve_labels(const Index* target, Shape target_shape, int64_t classes, int64_t ignore_index, int64_t* labels);

template <class T>
struct CrossEntropyInputs {
  AxisView view;
  const T* logits;
  const int64_t* labels;   // resolved; null for probabilities
  const T* probabilities;  // null for labels
  const T* weight;         // null: ones
};

// Writes the losses (one a position) for Reduction::none and returns 0, or else returns the reduced loss;
// `losses` is scratch then. grad may be null.
template <class T>
double cross_entropy(const CrossEntropyInputs<T>& inputs, const CrossEntropyOptions& options, T* losses, T* grad);

}  // namespace cpu
}  // namespace fastnn
