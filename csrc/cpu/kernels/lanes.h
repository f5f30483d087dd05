// A loop over n elements, a vector at a time: the body is written once and sees whole vectors and the part of
// one that is left through the same load and store.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastnn::cpu::FASTNN_NAMESPACE {

template <class T>
struct WholeVector {
  static Vec<T> load(const T* p) { return Vec<T>::load(p); }
  static Vec<T> load(const T* p, Vec<T> /*fill*/) { return Vec<T>::load(p); }
  static void store(T* p, Vec<T> v) { v.store(p); }
  static Vec<T> keep(Vec<T> v) { return v; }
  static constexpr int64_t size() { return Vec<T>::size; }
};

template <class T>
struct PartVector {
  int64_t n;
  Vec<T> load(const T* p) const { return Vec<T>::load(p, n); }
  Vec<T> load(const T* p, Vec<T> fill) const { return Vec<T>::load(p, n, fill); }
  void store(T* p, Vec<T> v) const { v.store(p, n); }
  // Zero in the lanes past the end, for sums.
  Vec<T> keep(Vec<T> v) const {
    T lanes[Vec<T>::size];
    v.store(lanes);
    return Vec<T>::load(lanes, n);
  }
  int64_t size() const { return n; }
};

// body(i, lanes) for each vector of elements i, i + 1, ...
template <class T, class Body>
[[gnu::always_inline]] inline void for_each_vector(int64_t n, const Body& body) {
  int64_t i = 0;
  for (; i + Vec<T>::size <= n; i += Vec<T>::size) body(i, WholeVector<T>{});
  if (i < n) body(i, PartVector<T>{n - i});
}

// The same two at a time, for bodies between memory and memory that wait for more than they compute: 0.81 to 1 of
// the time with AVX-512. Not with AVX2, whose 16 registers do not hold the constants of two (0.96 to 1.06), and not for
// sums, whose every vector has an accumulator of its own (1.12).
template <class T, class Body>
[[gnu::always_inline]] inline void for_each_vector_by_two(int64_t n, const Body& body) {
  constexpr int64_t size = Vec<T>::size;
  const int64_t paired = sizeof(Vec<T>) == 64 ? n - n % (2 * size) : 0;
  for (int64_t i = 0; i < paired; i += 2 * size) {
    body(i, WholeVector<T>{});
    body(i + size, WholeVector<T>{});
  }
  for_each_vector<T>(n - paired, [&](int64_t i, auto lanes) { body(paired + i, lanes); });
}

// The same for a body that may run twice on an element: the last vector overlaps the one before it, which is faster
// than a part of one.
template <class T, class Body>
[[gnu::always_inline]] inline void for_each_vector_overlapping(int64_t n, const Body& body) {
  constexpr int64_t size = Vec<T>::size;
  if (n < size) return for_each_vector<T>(n, body);
  for (int64_t i = 0; i < n; i += size) body(i + size <= n ? i : n - size, WholeVector<T>{});
}

// The cells from p on, of which `room` may be read.
template <class T, bool inside>
[[gnu::always_inline]] inline Vec<T> load_cells(const T* p, int64_t room) {
  constexpr int64_t lanes = Vec<T>::size;
  if constexpr (inside) return Vec<T>::load(p);
  return Vec<T>::load(p, room < 0 ? 0 : room < lanes ? room : lanes);
}

// Lane i is p[2 * i] in the first vector, p[2 * i + 1] in the second.
template <class T>
[[gnu::always_inline]] inline VecPair<T> load_pairs(const T* p, WholeVector<T>) {
  return deinterleave(Vec<T>::load(p), Vec<T>::load(p + Vec<T>::size));
}
template <class T>
[[gnu::always_inline]] inline VecPair<T> load_pairs(const T* p, PartVector<T> lanes) {
  const int64_t cells = 2 * lanes.n;
  return deinterleave(load_cells<T, false>(p, cells), load_cells<T, false>(p + Vec<T>::size, cells - Vec<T>::size));
}

// p[i * step] = lane i for the first n lanes.
template <class T>
void store_apart(T* p, int64_t step, Vec<T> v, int64_t n) {
  T lanes[size_t{Vec<T>::size}];
  v.store(lanes);
  for (int64_t i = 0; i < n; ++i) p[i * step] = lanes[i];
}

// The same with a step of 2, where the instruction set has no better.
template <class T>
void store_every_second(T* p, Vec<T> v, int64_t n) {
  store_apart(p, 2, v, n);
}

// Cells 2 j, 2 j + 1, ... of a row of `width` from those at even places and at odd ones.
template <class T>
[[gnu::always_inline]] inline void store_pairs(T* out, int64_t width, int64_t j, Vec<T> even, Vec<T> odd) {
  constexpr int64_t size = Vec<T>::size;
  const auto pair = interleave(even, odd);
  const int64_t left = width - 2 * j;
  if (left >= 2 * size) {
    pair.first.store(out + 2 * j);
    pair.second.store(out + 2 * j + size);
  } else {
    pair.first.store(out + 2 * j, left < size ? left : size);
    if (left > size) pair.second.store(out + 2 * j + size, left - size);
  }
}

// Where to store the two vectors of pairs i, i + 1, ... of a row: at i, or before it where the row ends too soon and
// pairs may be stored twice.
template <class T>
constexpr int64_t last_pairs(int64_t width, int64_t i) {
  constexpr int64_t size = Vec<T>::size;
  const bool fits = 2 * (i + size) <= width || width % 2 != 0 || width < 2 * size;
  return fits ? i : width / 2 - size;
}

// Folds n elements into one vector: step(i, lanes, sum) adds those from i on to a sum that started as `start`,
// combine(a, b) joins two sums. Four chains take turns, since one would wait for itself at every step.
template <class T, class Step, class Combine>
[[gnu::always_inline]] inline Vec<T> fold_vectors(int64_t n, Vec<T> start, const Step& step, const Combine& combine) {
  constexpr int64_t size = Vec<T>::size;
  Vec<T> a = start, b = start, c = start, d = start;
  int64_t i = 0;
  for (; i + 4 * size <= n; i += 4 * size) {
    a = step(i, WholeVector<T>{}, a);
    b = step(i + size, WholeVector<T>{}, b);
    c = step(i + 2 * size, WholeVector<T>{}, c);
    d = step(i + 3 * size, WholeVector<T>{}, d);
  }
  for (; i + size <= n; i += size) a = step(i, WholeVector<T>{}, a);
  if (i < n) b = step(i, PartVector<T>{n - i}, b);
  return combine(combine(a, b), combine(c, d));
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
