// Dropout on Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3, 2011).
//
// Block b of a call is the cipher of the counter (b, call) under the key `seed`; its four words decide over
// elements 4b .. 4b + 3. An element's fate depends on its index alone, not on threads or vector width.
#pragma once

#include "cpu/kernels/lanes.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// Blocks ciphered side by side, so that the compiler turns the loops over them into vector code.
inline constexpr int philox_blocks = 16;

struct PhiloxWords {
  uint32_t word[4][philox_blocks];
};

[[gnu::always_inline]] inline void philox_round(PhiloxWords& w, uint32_t key0, uint32_t key1) {
  for (int i = 0; i < philox_blocks; ++i) {
    const uint64_t a = uint64_t{0xD2511F53} * w.word[0][i], b = uint64_t{0xCD9E8D57} * w.word[2][i];
    w.word[0][i] = static_cast<uint32_t>(b >> 32) ^ w.word[1][i] ^ key0;
    w.word[2][i] = static_cast<uint32_t>(a >> 32) ^ w.word[3][i] ^ key1;
    w.word[1][i] = static_cast<uint32_t>(b);
    w.word[3][i] = static_cast<uint32_t>(a);
  }
}

[[gnu::always_inline]] inline void philox(uint64_t first_block, uint64_t call, uint64_t seed, PhiloxWords& w) {
  for (int i = 0; i < philox_blocks; ++i) {
    const uint64_t block = first_block + static_cast<uint64_t>(i);
    w.word[0][i] = static_cast<uint32_t>(block);
    w.word[1][i] = static_cast<uint32_t>(block >> 32);
    w.word[2][i] = static_cast<uint32_t>(call);
    w.word[3][i] = static_cast<uint32_t>(call >> 32);
  }
  auto key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round, key0 += 0x9E3779B9, key1 += 0xBB67AE85) philox_round(w, key0, key1);
}

// y = x * scale or x * 0, so that a NaN or an infinity stays visible as torch keeps it.
template <class T>
void dropout(const T* x, T* y, int64_t first, int64_t n, uint64_t seed, uint64_t call, uint64_t threshold, T scale) {
  constexpr int elements = 4 * philox_blocks;
  PhiloxWords words;
  T mask[elements];
  for (int64_t i = 0; i < n; i += elements) {
    philox(static_cast<uint64_t>(first + i) / 4, call, seed, words);
    for (int block = 0; block < philox_blocks; ++block) {
      for (int k = 0; k < 4; ++k) mask[4 * block + k] = words.word[k][block] >= threshold ? scale : T(0);
    }
    const int64_t left = n - i < elements ? n - i : elements;
    for (int64_t j = 0; j < left; ++j) y[i + j] = x[i + j] * mask[j];
  }
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
