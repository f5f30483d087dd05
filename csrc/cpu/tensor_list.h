// One elementwise pass over many tensors, as if they lay end to end.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "cpu/parallel.h"

namespace fastnn::cpu {

// Calls body(tensor, begin, end) for pieces of every tensor; a piece depends on the sizes only.
template <class Tensor, class Body>
void for_each_piece(std::span<const Tensor> tensors, const Body& body) {
  constexpr int64_t piece = 1 << 14;
  std::vector<int64_t> first_piece{0};
  first_piece.reserve(tensors.size() + 1);
  int64_t elements = 0;
  for (const Tensor& tensor : tensors) {
    first_piece.push_back(first_piece.back() + (tensor.size + piece - 1) / piece);
    elements += tensor.size;
  }
  const auto run = [&](int64_t begin, int64_t end) {
    auto at = std::upper_bound(first_piece.begin(), first_piece.end(), begin) - first_piece.begin() - 1;
    for (int64_t p = begin; p < end; ++p) {
      while (p >= first_piece[static_cast<size_t>(at) + 1]) ++at;
      const Tensor& tensor = tensors[static_cast<size_t>(at)];
      const int64_t i = (p - first_piece[static_cast<size_t>(at)]) * piece;
      body(tensor, i, std::min(i + piece, tensor.size));
    }
  };
  // Many small tensors are many pieces but little work.
  const int64_t pieces = first_piece.back();
  const int64_t grain = elements <= piece ? std::max<int64_t>(pieces, 1) : 1;
  parallel_for(pieces, grain, run);
}

}  // namespace fastnn::cpu
