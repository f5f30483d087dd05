// The limits of this machine, measured: what a kernel's speed is a share of.
#pragma once

#include <cstdint>

namespace fastnn::cpu {

// FLOP/s of fused multiply-adds on registers, on num_threads() threads, over about `milliseconds`.
template <class T>
double fma_peak(int64_t milliseconds);

// Bytes/s of a = b + s * c over three arrays of `elements` floats (12 bytes an element), the best of `repeats`
// (McCalpin's STREAM triad, 1995).
double triad(int64_t elements, int64_t repeats);

}  // namespace fastnn::cpu
