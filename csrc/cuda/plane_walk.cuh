// A thread's way through cells of planes: place `first`, and every `step`th after it, as pairs of plane and cell
// without a division each.
#pragma once

#include "cuda/device.cuh"

namespace fastnn::cuda {

struct PlaneWalk {
  int64_t plane, cell;

  __device__ PlaneWalk(int64_t cells, int64_t first, int step)
      : plane(first / cells), cell(first % cells), cells_(cells), planes_on_(step / cells), cells_on_(step % cells) {}

  __device__ void advance() {
    plane += planes_on_;
    cell += cells_on_;
    if (cell >= cells_) {
      cell -= cells_;
      ++plane;
    }
  }

 private:
  int64_t cells_, planes_on_, cells_on_;
};

}  // namespace fastnn::cuda
