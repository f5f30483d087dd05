// One elementwise pass over many tensors, as if they lay end to end.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "cpu/parallel.h"

namespace fastnn::cpu {

inline constexpr int64_t piece_elements = 1 << 14;

// The number of each tensor's first piece, and behind them that of all pieces.
template <class Tensor>
std::vector<int64_t> first_pieces(std::span<const Tensor> tensors) {
  std::vector<int64_t> first{0};
  first.reserve(tensors.size() + 1);
  for (const Tensor& tensor : tensors) {
    first.push_back(first.back() + (tensor.size + piece_elements - 1) / piece_elements);
  }
  return first;
}

// Calls body(piece, tensor, begin, end) for pieces of every tensor; a piece depends on the sizes only.
template <class Tensor, class Body>
void for_each_numbered_piece(std::span<const Tensor> tensors, const std::vector<int64_t>& first_piece,
                             const Body& body) {
  const auto run = [&](int64_t begin, int64_t end) {
    auto at = std::upper_bound(first_piece.begin(), first_piece.end(), begin) - first_piece.begin() - 1;
    for (int64_t p = begin; p < end; ++p) {
      while (p >= first_piece[static_cast<size_t>(at) + 1]) ++at;
      const Tensor& tensor = tensors[static_cast<size_t>(at)];
      const int64_t i = (p - first_piece[static_cast<size_t>(at)]) * piece_elements;
      body(p, tensor, i, std::min(i + piece_elements, tensor.size));
    }
  };
  int64_t elements = 0;
  for (const Tensor& tensor : tensors) elements += tensor.size;
  // Many small tensors are many pieces but little work.
  const int64_t pieces = first_piece.back();
  const int64_t grain = elements <= piece_elements ? std::max<int64_t>(pieces, 1) : 1;
  parallel_for(pieces, grain, run);
}

// Calls body(tensor, begin, end), where the number of a piece does not matter.
template <class Tensor, class Body>
void for_each_piece(std::span<const Tensor> tensors, const Body& body) {
  for_each_numbered_piece(tensors, first_pieces(tensors),
                          [&](int64_t, const Tensor& tensor, int64_t begin, int64_t end) { body(tensor, begin, end); });
}

}  // namespace fastnn::cpu
