// Bands of output rows and the copies of the input under them.
//
// Rows are counted through all images: row r is row r % outputs of image r / outputs, so that a band, and with
// it a panel of the matrix product, can run across images whose planes are small.
#pragma once

#include <algorithm>

#include "ops/conv_geometry.h"

namespace fastnn::cpu {

struct Band {
  int64_t first, last;  // rows
  int64_t outputs;      // rows an image

  int64_t image() const { return first / outputs; }
  int64_t parts() const { return (last - 1) / outputs - image() + 1; }  // images that it touches
  int64_t part_of(int64_t row) const { return row / outputs - image(); }
  int64_t first_output(int64_t part) const { return part == 0 ? first % outputs : 0; }
  int64_t end_output(int64_t part) const { return std::min(outputs, last - (image() + part) * outputs); }
};

// The most images that `rows` rows, starting anywhere, touch.
inline int64_t most_parts(int64_t rows, int64_t outputs) { return (rows + outputs - 2) / outputs + 1; }

// How the input cells of an axis under a number of neighbouring outputs are copied: all from the first to the
// last, which the taps share, or, where windows lie far apart or have wide gaps, for each tap its own.
struct CopyLayout {
  bool shared;
  int64_t copies, count;  // of cells each
  int64_t input_step;     // input cells between the cells of a copy
  int64_t tap_step;       // copied cells between two taps, the copies being side by side
  int64_t output_step;    // copied cells between two outputs

  int64_t cells() const { return copies * count; }
};

// Cells between the first and the last that windows see.
inline int64_t reach(const WindowAxis& axis, int64_t outputs) { return (outputs - 1) * axis.stride + axis.span(); }

// Shared as long as that copies at most `waste` times as many cells.
inline CopyLayout layout_copies(const WindowAxis& axis, int64_t outputs, int64_t waste) {
  const int64_t all = reach(axis, outputs);
  if (all <= waste * axis.kernel * outputs) return {true, 1, all, 1, axis.dilation, axis.stride};
  return {false, axis.kernel, outputs, axis.stride, outputs, 1};
}

}  // namespace fastnn::cpu
