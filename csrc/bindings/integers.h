// Tuples of integers, which Python code has checked to be ints.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <limits>
#include <vector>

namespace fastnn::bindings {

// An integer beyond 64 bits becomes the largest or the smallest one, which no check of a range lets pass.
inline int64_t as_int64(pybind11::handle object) {
  static_assert(sizeof(long long) == sizeof(int64_t));
  int overflow = 0;
  const int64_t value = PyLong_AsLongLongAndOverflow(object.ptr(), &overflow);
  if (overflow > 0) return std::numeric_limits<int64_t>::max();
  if (overflow < 0) return std::numeric_limits<int64_t>::min();
  if (value == -1 && PyErr_Occurred()) throw pybind11::error_already_set();
  return value;
}

inline std::vector<int64_t> as_integers(const pybind11::tuple& objects) {
  std::vector<int64_t> values;
  values.reserve(objects.size());
  for (const pybind11::handle object : objects) values.push_back(as_int64(object));
  return values;
}

}  // namespace fastnn::bindings
