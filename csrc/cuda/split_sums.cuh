// Long sums with few results, cut into parts that blocks of their own take; a second kernel adds the parts in their
// order. How many parts there are depends on sizes only.
#pragma once

#include "ops/tensor.h"

namespace fastnn::cuda {

// Parts of a sum of `terms` for what is `blocks` blocks of threads without a cut: as many as fill a large GPU twice,
// with `least` terms or more in each.
int64_t split_count(int64_t blocks, int64_t terms, int64_t least);

// out[i] = sum over part of parts[part * n + i], on top of what is there with accumulate.
template <class T>
void sum_parts(const char* name, int64_t count, int64_t n, const T* parts, bool accumulate, T* out);

// out[c] = the sum over x's elements (o, c, i).
template <class T>
void sum_channels(const char* name, const AxisView& x_view, const T* x, bool accumulate, T* out);

}  // namespace fastnn::cuda
