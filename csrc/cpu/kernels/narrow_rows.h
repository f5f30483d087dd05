// Short rows, a vector of them at a time: transposed into a block whose lanes are rows, where kernels for lanes take
// them. A row by itself would leave most lanes of its last vector idle, and wait for each of its reductions.
//
// All rows of such a length go this way, the last few with idle lanes, so that a row has the same bits in any batch.
#pragma once

#include "cpu/kernels/lanes.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// Where a row by itself takes as long.
inline constexpr int64_t widest_narrow_row = 32;

template <class T>
constexpr bool are_narrow(int64_t columns) {
  return Vec<T>::size > 1 && columns <= widest_narrow_row;
}

// Column c of a vector of rows lies at cells + c * size.
template <class T>
struct NarrowRows {
  static constexpr int64_t size = Vec<T>::size;
  T cells[widest_narrow_row * size];

  // Lanes past `count` rows hold zeros.
  void load(const T* rows, int64_t count, int64_t columns) {
    if (columns < size || count < size) return load_part(rows, count, columns);
    for_each_square(columns, [&](int64_t c) __attribute__((always_inline)) {
      Vec<T> v[size];
      for (int64_t j = 0; j < size; ++j) v[j] = Vec<T>::load(rows + j * columns + c);
      transpose(v);
      for (int64_t k = 0; k < size; ++k) v[k].store(cells + (c + k) * size);
    });
  }

  void store(T* rows, int64_t count, int64_t columns) const {
    if (columns < size || count < size) return store_part(rows, count, columns);
    for_each_square(columns, [&](int64_t c) __attribute__((always_inline)) {
      Vec<T> v[size];
      for (int64_t k = 0; k < size; ++k) v[k] = Vec<T>::load(cells + (c + k) * size);
      transpose(v);
      for (int64_t j = 0; j < size; ++j) v[j].store(rows + j * columns + c);
    });
  }

 private:
  // body(c) for each `size` columns from c on; the last ones overlap those before, which are written twice.
  template <class Body>
  [[gnu::always_inline]] static void for_each_square(int64_t columns, const Body& body) {
    for (int64_t c = 0; c + size <= columns; c += size) body(c);
    if (columns % size != 0) body(columns - size);
  }

  void load_part(const T* rows, int64_t count, int64_t columns) {
    for (int64_t c = 0; c < columns; c += size) {
      const int64_t left = columns - c;
      Vec<T> v[size];
      for (int64_t j = 0; j < size; ++j) {
        const T* from = rows + j * columns + c;
        v[j] = j >= count ? Vec<T>(T(0)) : left < size ? Vec<T>::load(from, left) : Vec<T>::load(from);
      }
      transpose(v);
      for (int64_t k = 0; k < size && k < left; ++k) v[k].store(cells + (c + k) * size);
    }
  }

  void store_part(T* rows, int64_t count, int64_t columns) const {
    for (int64_t c = 0; c < columns; c += size) {
      const int64_t left = columns - c;
      Vec<T> v[size];
      for (int64_t k = 0; k < size; ++k) v[k] = k < left ? Vec<T>::load(cells + (c + k) * size) : Vec<T>(T(0));
      transpose(v);
      for (int64_t j = 0; j < size && j < count; ++j) {
        T* to = rows + j * columns + c;
        left < size ? v[j].store(to, left) : v[j].store(to);
      }
    }
  }
};

// body(first, count) for each vector of rows.
template <class T, class Body>
[[gnu::always_inline]] inline void for_each_narrow_block(int64_t rows, const Body& body) {
  constexpr int64_t size = Vec<T>::size;
  for (int64_t i = 0; i < rows; i += size) body(i, rows - i < size ? rows - i : size);
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
