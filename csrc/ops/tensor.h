// A shape is a borrowed span of int64 dimensions; sizes are products checked for overflow.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "ops/backend.h"
#include "ops/check.h"

namespace fastnn {

using Shape = std::span<const int64_t>;

// "(8, 16)", "(8,)", "()": as NumPy prints it.
inline std::string to_string(Shape shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  text += shape.size() == 1 ? ",)" : ")";
  return text;
}

inline bool same(Shape a, Shape b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

// "(3, 1)" for the flat position in shape.
inline std::string index_text(Shape shape, int64_t position) {
  std::vector<int64_t> index(shape.size());
  for (size_t d = shape.size(); d-- > 0;) {
    index[d] = position % shape[d];
    position /= shape[d];
  }
  return to_string(index);
}

// Number of elements; a zero dimension makes any shape legal, as in NumPy.
inline int64_t element_count(const char* op, Shape shape) {
  int64_t count = 1;
  bool overflow = false;
  for (int64_t dim : shape) {
    if (dim == 0) return 0;
    overflow |= __builtin_mul_overflow(count, dim, &count);
  }
  if (overflow) fail_value(op, "expected fewer than 2**63 elements, got shape ", to_string(shape));
  return count;
}

// A tensor seen around one axis: element (o, c, i) lies at (o * axis_size + c) * inner + i.
struct AxisView {
  int64_t outer = 1;
  int64_t axis_size = 1;
  int64_t inner = 1;

  bool empty() const { return outer == 0 || axis_size == 0 || inner == 0; }
};

inline AxisView view_axis(const char* op, Shape shape, int64_t axis) {
  const auto ndim = static_cast<int64_t>(shape.size());
  if (axis < -ndim || axis >= ndim) {
    fail_value(op, "expected axis in [", -ndim, ", ", ndim, ") for x of shape ", to_string(shape), ", got ", axis);
  }
  const auto at = static_cast<size_t>(axis < 0 ? axis + ndim : axis);
  return {element_count(op, shape.first(at)), shape[at], element_count(op, shape.subspan(at + 1))};
}

}  // namespace fastnn
