// One elementwise pass over many tensors in one launch. The table of their pointers travels as a parameter of the
// kernel, so nothing is copied to the device; a longer list takes several launches.
#pragma once

#include <span>
#include <type_traits>

#include "cuda/elementwise.cuh"

namespace fastnn::cuda {

// Elements that a block of threads takes, sixteen a thread.
inline constexpr int64_t piece_elements = 16 * block_threads;

// `bytes` bounds the table: kernel parameters may have 32764 bytes, and small tables are sent faster.
template <class Tensor, size_t bytes>
struct TensorTable {
  static constexpr size_t capacity = (bytes - 8) / (sizeof(Tensor) + sizeof(int));
  int first_piece[capacity + 1];  // of each tensor, and behind the last their number
  int count;
  Tensor tensors[capacity];
};

// The last tensor whose first piece is not behind this one.
template <class Table>
__device__ inline int tensor_of_piece(const Table& table, int piece) {
  int low = 0, high = table.count;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (table.first_piece[middle] <= piece ? low : high) = middle;
  }
  return low;
}

template <class Table, class Body>
__global__ void tensor_list_kernel(const __grid_constant__ Table table, const __grid_constant__ Body body) {
  const int piece = table.first_piece[0] + static_cast<int>(block_of_grid()), at = tensor_of_piece(table, piece);
  const auto& tensor = table.tensors[at];
  const int64_t begin = (piece - table.first_piece[at]) * piece_elements;
  body(tensor, begin, smaller(begin + piece_elements, tensor.size), piece);
}

template <class Tensor>
int pieces_of(const Tensor& tensor) {
  return static_cast<int>((tensor.size + piece_elements - 1) / piece_elements);
}

template <class Tensor>
int64_t pieces_of(std::span<const Tensor> tensors) {
  int64_t pieces = 0;
  for (const Tensor& tensor : tensors) pieces += pieces_of(tensor);
  return pieces;
}

// Takes tensors from the front of the list while they fit, and launches for them; `piece` counts on.
template <size_t bytes, class Tensor, class Body>
std::span<const Tensor> launch_table(const char* name, std::span<const Tensor> tensors, const Body& body, int& piece) {
  TensorTable<Tensor, bytes> table;
  const int first = piece;
  for (table.count = 0; !tensors.empty() && table.count < static_cast<int>(table.capacity); ++table.count) {
    table.tensors[table.count] = tensors.front();
    table.first_piece[table.count] = piece;
    piece += pieces_of(tensors.front());
    tensors = tensors.subspan(1);
  }
  table.first_piece[table.count] = piece;
  launch(name, &tensor_list_kernel<TensorTable<Tensor, bytes>, Body>,
         {static_cast<unsigned>(piece - first), block_threads}, table, body);
  return tensors;
}

// Calls body(tensor, begin, end, piece) with a block of threads for pieces of every tensor, numbered through the list.
// Body is a class with a __device__ operator() const.
template <class Tensor, class Body>
void for_each_piece(const char* name, std::span<const Tensor> tensors, const Body& body) {
  constexpr size_t small = 3900, large = 32000;
  int piece = 0;
  while (!tensors.empty()) {
    const bool fits = tensors.size() <= TensorTable<Tensor, small>::capacity;
    tensors = fits ? launch_table<small>(name, tensors, body, piece) : launch_table<large>(name, tensors, body, piece);
  }
}

// Part of an array while it is stepped; nothing of an array that is not there.
template <class T, size_t size>
struct StepPack {
  T* array;
  Pack<std::remove_const_t<T>, size> value;

  __device__ void load(int64_t pack) {
    if (array) value = load_pack<std::remove_const_t<T>, size>(array, pack);
  }
  __device__ void store(int64_t pack) const {
    if constexpr (!std::is_const_v<T>) {
      if (array) store_pack(array, pack, value);
    }
  }
};

template <size_t size, class Step, class... Packs>
__device__ inline void step_pack(int64_t pack, const Step& step, Packs... arrays) {
  (arrays.load(pack), ...);
  FASTNN_UNROLL
  for (size_t i = 0; i < size; ++i) step(arrays.value.lane[i]...);
  (arrays.store(pack), ...);
}

template <size_t size, class Step, class... T>
__device__ inline void step_packs(int64_t begin, int64_t end, const Step& step, T*... arrays) {
  for (int64_t i = begin + thread_of_block(); i < end; i += threads_of_block()) {
    step_pack<size>(i, step, StepPack<T, size>{arrays, {}}...);
  }
}

// step(references to one element of each array) for the elements of a piece. Arrays of const are only read; a null
// one has zeros, which are forgotten.
template <class Step, class First, class... T>
__device__ inline void step_piece(int64_t begin, int64_t end, const Step& step, First* first, T*... arrays) {
  constexpr size_t size = Pack<std::remove_const_t<First>>::size;
  const auto width = static_cast<int64_t>(size);
  const int64_t packed = aligned_to_packs(first, arrays...) ? end / width * width : begin;
  step_packs<size>(begin / width, packed / width, step, first, arrays...);
  step_packs<1>(packed, end, step, first, arrays...);
}

}  // namespace fastnn::cuda
