// Atomics, relaxed as on the device: they order nothing around them, but for the two that a lock is made of.
#pragma once

#include <type_traits>

template <class T>
T atomicCAS(T* at, T expected, T value) {
  __atomic_compare_exchange(at, &expected, &value, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
  return expected;
}

template <class T>
T atomicExch(T* at, std::type_identity_t<T> value) {
  T old;
  __atomic_exchange(at, &value, &old, __ATOMIC_ACQ_REL);
  return old;
}

namespace simt {

template <class T, class Change>
T update(T* at, const Change& change) {
  T old, next;
  __atomic_load(at, &old, __ATOMIC_RELAXED);
  do {
    next = change(old);
  } while (!__atomic_compare_exchange(at, &old, &next, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return old;
}

}  // namespace simt

template <class T>
T atomicAdd(T* at, std::type_identity_t<T> value) {
  return simt::update(at, [=](T old) { return static_cast<T>(old + value); });
}
template <class T>
T atomicMin(T* at, std::type_identity_t<T> value) {
  return simt::update(at, [=](T old) { return value < old ? value : old; });
}
template <class T>
T atomicMax(T* at, std::type_identity_t<T> value) {
  return simt::update(at, [=](T old) { return old < value ? value : old; });
}
template <class T>
T atomicOr(T* at, std::type_identity_t<T> value) {
  return simt::update(at, [=](T old) { return static_cast<T>(old | value); });
}
