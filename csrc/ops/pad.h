// pad: planes (H, W) grow by cells on their four sides, or shrink where a side is negative. A cell outside the
// plane holds
//   zeros: a constant       reflect: its mirror image about the edge cell      replicate: the nearest cell
//   circular: the cell a whole plane away                              mean: the mean over its own plane
// The backward is the exact adjoint: a cell of grad_x is the sum over the cells that were copies of it; for the
// mean, every cell also takes its share, 1 / (H W), of the sum over the cells outside.
#pragma once

#include <string_view>

#include "ops/tensor.h"

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

namespace cpu {

// x (planes, H, W), padded (planes, top + H + bottom, left + W + right). `value` is the constant of "zeros".
template <class T>
void pad_planes(PaddingMode mode, int64_t planes, int64_t H, int64_t W, const Sides& sides, const T* x, T* padded,
                T value = T(0));
template <class T>
void pad_planes_backward(PaddingMode mode, int64_t planes, int64_t H, int64_t W, const Sides& sides,
                         const T* grad_padded, T* grad_x);

}  // namespace cpu
}  // namespace fastnn
