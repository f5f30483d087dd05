// A sum in double with the same bits for any thread count.
#pragma once

#include <numeric>

#include "cpu/aligned_buffer.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {

// sum over [0, n) of part(begin, end): parts of fixed chunks, added in order.
template <class Part>
double sum_of_parts(int64_t n, int64_t chunk, const Part& part) {
  if (n <= chunk) return n > 0 ? part(int64_t{0}, n) : 0.0;
  const int64_t chunks = (n + chunk - 1) / chunk;
  AlignedBuffer<double> partial(chunks);
  parallel_for(n, chunk, [&](int64_t begin, int64_t end) { partial.data()[begin / chunk] = part(begin, end); });
  return std::accumulate(partial.data(), partial.data() + chunks, 0.0);
}

// sum over [0, n) of term(i).
template <class Term>
double ordered_sum(int64_t n, const Term& term) {
  return sum_of_parts(n, 1 << 13, [&](int64_t begin, int64_t end) {
    double total = 0;
    for (int64_t i = begin; i < end; ++i) total += term(i);
    return total;
  });
}

}  // namespace fastnn::cpu
