// As much of CUDA's device language as csrc/cuda uses, for a C++ compiler. __shared__ stays undefined: arrays in
// shared memory are declared by the macros of csrc/cuda/device.cuh.
#pragma once

#include <cstring>

#include "simt/atomics.h"
#include "simt/host_api.h"
#include "simt/intrinsics.h"
#include "simt/runtime.h"
#include "simt/vector_types.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __grid_constant__
#define __launch_bounds__(...)

inline void __syncthreads(simt::Place place = simt::Place::current()) { simt::barrier(false, place); }
inline int __syncthreads_count(int predicate, simt::Place place = simt::Place::current()) {
  return simt::barrier(predicate != 0, place);
}
inline int __syncthreads_or(int predicate, simt::Place place = simt::Place::current()) {
  return simt::barrier(predicate != 0, place) != 0;
}
inline int __syncthreads_and(int predicate, simt::Place place = simt::Place::current()) {
  return simt::barrier(predicate == 0, place) == 0;
}

inline void __syncwarp(unsigned mask = 0xFFFFFFFF, simt::Place place = simt::Place::current()) {
  simt::collective(simt::Collective::sync, mask, 0, 0, place);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, simt::Place place = simt::Place::current()) {
  return static_cast<unsigned>(simt::collective(simt::Collective::vote, mask, predicate != 0, 0, place));
}
inline int __any_sync(unsigned mask, int predicate, simt::Place place = simt::Place::current()) {
  return __ballot_sync(mask, predicate, place) != 0;
}
inline int __all_sync(unsigned mask, int predicate, simt::Place place = simt::Place::current()) {
  return __ballot_sync(mask, predicate == 0, place) == 0;
}

namespace simt {

// The value of lane `source` of the own group of `width` lanes; where that is none of its lanes, the own value.
template <class T>
T shuffle(unsigned mask, T value, int source, int width, Place place) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  const int first = lane() / width * width;
  const int from = source < first || source >= first + width ? lane() : source;
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = collective(Collective::shuffle, mask, bits, from, place);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

}  // namespace simt

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, simt::Place place = simt::Place::current()) {
  return simt::shuffle(mask, value, simt::lane() / width * width + source % width, width, place);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, simt::Place place = simt::Place::current()) {
  return simt::shuffle(mask, value, simt::lane() ^ bits, width, place);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32, simt::Place place = simt::Place::current()) {
  return simt::shuffle(mask, value, simt::lane() - static_cast<int>(by), width, place);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32, simt::Place place = simt::Place::current()) {
  return simt::shuffle(mask, value, simt::lane() + static_cast<int>(by), width, place);
}
