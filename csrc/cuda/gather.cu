// Thread by thread over the units of y. A wrong index makes a row of zeros, until synchronize() throws for it.
#include "ops/gather.h"

#include "cuda/note_offence.cuh"
#include "cuda/units.cuh"

namespace fastnn::cuda {
namespace {

__global__ void check_indices_kernel(const int64_t* indices, int64_t count, int64_t rows, Offence* record, int check) {
  int64_t first = no_offence;
  for (int64_t i = thread_of_grid(); i < count; i += threads_of_grid()) {
    if (indices[i] < 0 || indices[i] >= rows) first = smaller(i, first);
  }
  note_first_offence(record, check, first, [=](int64_t i) { return indices[i]; });
}

// Rows of `width` units.
template <class Unit, class Index>
__global__ void gather_kernel(Index units, Index width, int64_t rows, const Unit* x, const int64_t* indices, Unit* y) {
  const auto stride = static_cast<Index>(threads_of_grid());
  for (auto i = static_cast<Index>(thread_of_grid()); i < units; i += stride) {
    const int64_t row = indices[i / width];
    y[i] = row >= 0 && row < rows ? x[row * width + i % width] : Unit{};
  }
}

}  // namespace

void check_indices(const int64_t* indices, int64_t count, int64_t rows) {
  const int number = register_check(concat("gather|", rows), [rows](const Offence& found) {
    refuse_index(rows, found.value_as<int64_t>(), found.position);
  });
  launch("check_indices", &check_indices_kernel, grid_for(count), indices, count, rows, offence_record(), number);
}

void gather(const void* x, int64_t rows, int64_t row_bytes, const int64_t* indices, int64_t count, void* y) {
  if (row_bytes == 0) return;
  const size_t bytes = common_unit(row_bytes, reinterpret_cast<uintptr_t>(x), reinterpret_cast<uintptr_t>(y));
  const int64_t width = row_bytes / static_cast<int64_t>(bytes), units = count * width;
  with_unit(bytes, [&](auto unit) {
    using Unit = decltype(unit);
    with_index_type(units, [&](auto index) {
      launch("gather", &gather_kernel<Unit, decltype(index)>, grid_for(units), units, width, rows,
             static_cast<const Unit*>(x), indices, static_cast<Unit*>(y));
    });
  });
}

}  // namespace fastnn::cuda
