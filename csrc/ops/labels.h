// Class indices as the target of scores (C,), (N, C) or (N, C, d1, ...): one label a position, of shape (),
// (N,) or (N, d1, ...), and with them a weight for each class.
#pragma once

#include <optional>

#include "ops/tensor.h"

namespace fastnn {

// Around the axis of the classes.
inline AxisView validate_classes(const char* op, const char* name, Shape scores) {
  if (scores.empty()) fail_value(op, "expected ", name, " of shape (C,) or (N, C, ...), got ()");
  const AxisView view = view_axis(op, scores, scores.size() == 1 ? 0 : 1);
  if (view.axis_size == 0) {
    fail_value(op, "expected at least one class in ", name, ", got shape ", to_string(scores));
  }
  return view;
}

// The scores' shape without the classes.
inline std::vector<int64_t> loss_shape(Shape scores) {
  std::vector<int64_t> shape(scores.begin(), scores.end());
  shape.erase(shape.begin() + (scores.size() == 1 ? 0 : 1));
  return shape;
}

inline void validate_class_weight(const char* op, const char* name, Shape scores, int64_t classes, Shape weight) {
  if (weight.size() != 1 || weight[0] != classes) {
    fail_value(op, "expected weight of shape (", classes, ",) for ", name, " of shape ", to_string(scores), ", got ",
               to_string(weight));
  }
}

inline void validate_class_indices(const char* op, const char* name, Shape scores, Shape target) {
  const auto expected = loss_shape(scores);
  if (!same(target, expected)) {
    fail_value(op, "expected target of shape ", to_string(expected), " for ", name, " of shape ", to_string(scores),
               ", got ", to_string(target));
  }
}

[[noreturn]] inline void refuse_label(const char* op, int64_t classes, std::optional<int64_t> ignore_index,
                                      int64_t label, Shape target_shape, int64_t position) {
  const std::string exception = ignore_index ? concat(" or ignore_index=", *ignore_index) : "";
  fail_index(op, "expected target in [0, ", classes, ")", exception, ", got ", label, " at position ",
             index_text(target_shape, position));
}

namespace FASTNN_BACKEND {

// The label of each position, -1 where it is ignore_index. Throws std::out_of_range for one outside [0, classes).
template <class Index>
void resolve_labels(const char* op, const Index* target, Shape target_shape, int64_t classes,
                    std::optional<int64_t> ignore_index, int64_t* labels);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
