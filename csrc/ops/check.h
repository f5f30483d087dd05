// Errors with the words "[op] expected ..., got ...".
//
// ValueError, IndexError and MemoryError are std::invalid_argument, std::out_of_range and std::bad_alloc,
// which the bindings translate; only TypeError needs a class of its own.
#pragma once

#include <cmath>
#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string>

namespace fastnn {

class TypeError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

template <class... Parts>
[[noreturn]] void fail_value(const char* op, const Parts&... parts) {
  throw std::invalid_argument(concat("[", op, "] ", parts...));
}

template <class... Parts>
[[noreturn]] void fail_type(const char* op, const Parts&... parts) {
  throw TypeError(concat("[", op, "] ", parts...));
}

template <class... Parts>
[[noreturn]] void fail_index(const char* op, const Parts&... parts) {
  throw std::out_of_range(concat("[", op, "] ", parts...));
}

inline void check_non_negative(const char* op, const char* name, double value) {
  if (!std::isfinite(value) || value < 0.0) {
    fail_value(op, "expected ", name, " to be finite and >= 0, got ", value);
  }
}

// Of a running average: how much of it stays at each step.
inline void check_decay(const char* op, const char* name, double value) {
  if (!(value >= 0.0 && value < 1.0)) fail_value(op, "expected ", name, " in [0, 1), got ", value);
}

}  // namespace fastnn
