// pad: planes (H, W) grow by cells on their four sides, or shrink where a side is negative. A cell outside the
// plane holds
//   zeros: a constant       reflect: its mirror image about the edge cell      replicate: the nearest cell
//   circular: the cell a whole plane away                              mean: the mean over its own plane
// The backward is the exact adjoint: a cell of grad_x is the sum over the cells that were copies of it; for the
// mean, every cell also takes its share, 1 / (H W), of the sum over the cells outside.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "ops/conv_geometry.h"

namespace fastnn {

enum class PaddingMode { zeros, reflect, replicate, circular, mean };

struct Sides {
  int64_t top, bottom, left, right;
};

// Convolutions call the constant "zeros", F.pad calls it "constant".
inline PaddingMode parse_padding_mode(const char* op, const char* argument, std::string_view name,
                                      const char* constant = "zeros") {
  if (name == constant) return PaddingMode::zeros;
  if (name == "reflect") return PaddingMode::reflect;
  if (name == "replicate") return PaddingMode::replicate;
  if (name == "circular") return PaddingMode::circular;
  if (name == "mean") return PaddingMode::mean;
  fail_value(op, "expected ", argument, " \"", constant,
             "\", \"reflect\", \"replicate\", \"circular\" or \"mean\", got \"", name, "\"");
}

inline void validate_padding_axis(const char* op, PaddingMode mode, const char* axis, int64_t size, int64_t before,
                                  int64_t after) {
  const int64_t largest = before > after ? before : after;
  if (mode == PaddingMode::reflect && largest >= size) {
    fail_value(op, "expected padding below the input's ", axis, " of ", size, " cells with \"reflect\", got ", before,
               " and ", after);
  }
  if (mode == PaddingMode::circular && largest > size) {
    fail_value(op, "expected padding up to the input's ", axis, " of ", size, " cells with \"circular\", got ", before,
               " and ", after);
  }
}

// All but the constant need cells to copy from.
inline void validate_padding_mode(const char* op, PaddingMode mode, int64_t H, int64_t W, const Sides& sides) {
  if (mode == PaddingMode::zeros) return;
  if (H == 0 || W == 0) {
    fail_value(op, "expected planes of at least one cell for this padding, got height ", H, " and width ", W);
  }
  validate_padding_axis(op, mode, "height", H, sides.top, sides.bottom);
  validate_padding_axis(op, mode, "width", W, sides.left, sides.right);
}

// x (..., H, W), or (..., W) seen as planes of one row.
struct PadSize {
  int64_t planes, H, W;
  Sides sides;
};

// `sides` of one axis are (left, right), of two (left, right, top, bottom), in torch's order.
inline Sides validate_pad_sides(const char* op, const char* argument, Shape shape, Shape sides) {
  const size_t axes = sides.size() / 2;
  if (sides.size() % 2 != 0 || axes < 1 || axes > 2) {
    fail_value(op, "expected pad (left, right) or (left, right, top, bottom), got ", to_string(sides));
  }
  if (shape.size() < axes) {
    fail_value(op, "expected ", argument, " of at least ", axes, axes == 1 ? " axis" : " axes", " for pad ",
               to_string(sides), ", got shape ", to_string(shape));
  }
  for (const int64_t cells : sides) validate_window_option(op, "pad", cells, -max_window_option);
  return {axes == 2 ? sides[2] : 0, axes == 2 ? sides[3] : 0, sides[0], sides[1]};
}

// The shape with its padded axes longer by `sign` times the sides.
inline std::vector<int64_t> resized(Shape shape, const Sides& sides, bool two_axes, int64_t sign) {
  std::vector<int64_t> changed(shape.begin(), shape.end());
  changed.back() += sign * (sides.left + sides.right);
  if (two_axes) changed[changed.size() - 2] += sign * (sides.top + sides.bottom);
  return changed;
}

inline void validate_pad_axis(const char* op, int64_t size, int64_t before, int64_t after) {
  if (size < 0 || before < -size || after < -size || size + before + after < 0) {
    fail_value(op, "expected pad to take away no more cells than there are, got ", before, " and ", after,
               " for an axis of ", size);
  }
}

// Of x, which the backward has to infer from its grad_output.
inline PadSize validate_pad_size(const char* op, Shape x, const Sides& sides, bool two_axes, PaddingMode mode) {
  const size_t lead = x.size() - (two_axes ? 2 : 1);
  const PadSize size{element_count(op, x.first(lead)), two_axes ? x[lead] : 1, x.back(), sides};
  validate_pad_axis(op, size.H, sides.top, sides.bottom);
  validate_pad_axis(op, size.W, sides.left, sides.right);
  validate_padding_mode(op, mode, size.H, size.W, sides);
  return size;
}

// The others fill the cells outside with one value a plane.
constexpr bool copies_cells(PaddingMode mode) { return mode != PaddingMode::zeros && mode != PaddingMode::mean; }

// One axis: padded cell i, from begin() to end(), lies at cell i of x, or outside.
struct PadAxis {
  PaddingMode mode;
  int64_t size, before, after;

  constexpr int64_t begin() const { return -before; }
  constexpr int64_t end() const { return size + after; }
  constexpr int64_t padded() const { return before + size + after; }
  // The cells of x that are there unchanged.
  constexpr int64_t kept_begin() const { return std::min(std::max<int64_t>(0, -before), kept_end()); }
  constexpr int64_t kept_end() const { return std::max<int64_t>(0, std::min(size, size + after)); }
  constexpr bool keeps(int64_t cell) const { return cell >= begin() && cell < end(); }

  // The cell of x that a cell outside copies; only for the modes that copy.
  constexpr int64_t source(int64_t i) const {
    if (i >= 0 && i < size) return i;
    if (mode == PaddingMode::reflect) return i < 0 ? -i : 2 * (size - 1) - i;
    if (mode == PaddingMode::circular) return i < 0 ? i + size : i - size;
    return i < 0 ? 0 : size - 1;
  }

  // The cells outside that copy a cell of x: a run on either side, most often of one cell or none.
  struct Copies {
    int64_t before_begin = 0, before_end = 0, after_begin = 0, after_end = 0;
  };
  constexpr Copies copies(int64_t cell) const {
    if (mode == PaddingMode::replicate) {
      return {cell == 0 ? begin() : 0, 0, size, cell == size - 1 ? end() : size};
    }
    if (mode == PaddingMode::reflect) return single(-cell, 2 * (size - 1) - cell);
    if (mode == PaddingMode::circular) return single(cell - size, cell + size);
    return {};
  }

 private:
  // Those of two cells that lie outside x, and in the padded axis.
  constexpr Copies single(int64_t first, int64_t second) const {
    return {first, first < 0 && first >= begin() ? first + 1 : first, second,
            second >= size && second < end() ? second + 1 : second};
  }
};

namespace FASTNN_BACKEND {

// x (planes, H, W), padded (planes, top + H + bottom, left + W + right). `value` is the constant of "zeros".
template <class T>
void pad_planes(PaddingMode mode, int64_t planes, int64_t H, int64_t W, const Sides& sides, const T* x, T* padded,
                T value = T(0));
template <class T>
void pad_planes_backward(PaddingMode mode, int64_t planes, int64_t H, int64_t W, const Sides& sides,
                         const T* grad_padded, T* grad_x);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
