// A loop over n elements, a vector at a time: the body is written once and sees whole vectors and the part of
// one that is left through the same load and store.
#pragma once

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

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
