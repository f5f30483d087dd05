// Tuples of integers.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "bindings/array.h"

namespace fastnn::bindings {

// An integer beyond 64 bits becomes the largest or the smallest one, which no check of a range lets pass.
inline int64_t as_int64(const char* op, const char* name, py::handle object) {
  static_assert(sizeof(long long) == sizeof(int64_t));
  if (!PyLong_Check(object.ptr())) fail_type(op, "expected ", name, " to hold ints, got ", type_name(object));
  int overflow = 0;
  const int64_t value = PyLong_AsLongLongAndOverflow(object.ptr(), &overflow);
  if (overflow > 0) return std::numeric_limits<int64_t>::max();
  if (overflow < 0) return std::numeric_limits<int64_t>::min();
  return value;
}

inline std::vector<int64_t> as_integers(const char* op, const char* name, const py::tuple& objects) {
  std::vector<int64_t> values;
  values.reserve(objects.size());
  for (const py::handle object : objects) values.push_back(as_int64(op, name, object));
  return values;
}

template <size_t n>
std::array<int64_t, n> as_integers(const char* op, const char* name, const py::tuple& objects) {
  if (objects.size() != n) fail_value(op, "expected ", name, " of ", n, " integers, got ", objects.size());
  std::array<int64_t, n> values;
  for (size_t i = 0; i < n; ++i) values[i] = as_int64(op, name, objects[i]);
  return values;
}

}  // namespace fastnn::bindings
