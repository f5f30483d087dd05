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

// sum over [0, n) of term(i), in eight chains that take turns: one waits for itself at every term.
template <class Term>
double ordered_sum(int64_t n, const Term& term) {
  return sum_of_parts(n, 1 << 13, [&](int64_t begin, int64_t end) {
    constexpr int64_t chains = 8;
    double totals[chains] = {};
    int64_t i = begin;
    for (; i + chains <= end; i += chains) {
      for (int64_t j = 0; j < chains; ++j) totals[j] += term(i + j);
    }
    for (int64_t j = 0; i < end; ++i, ++j) totals[j] += term(i);
    return std::accumulate(totals, totals + chains, 0.0);
  });
}

}  // namespace fastnn::cpu
