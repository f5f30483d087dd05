// Padding modes by their definition.
#pragma once

#include "ops/pad.h"

namespace simt {

// The cell of x that cell i of the padded axis copies; -1 where it holds a value of its own.
inline int64_t padded_source(fastnn::PaddingMode mode, int64_t i, int64_t size) {
  using fastnn::PaddingMode;
  if (i >= 0 && i < size) return i;
  if (mode == PaddingMode::reflect) return i < 0 ? -i : 2 * size - 2 - i;
  if (mode == PaddingMode::replicate) return i < 0 ? 0 : size - 1;
  if (mode == PaddingMode::circular) return (i + size) % size;
  return -1;
}

}  // namespace simt
