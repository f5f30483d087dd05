// Integers from environment variables, refused with the variable's name where they are none.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <system_error>

#include "ops/check.h"

namespace fastnn::cpu {

// Empty where the variable is unset. Throws std::invalid_argument where it is not an integer in [low, high].
inline std::optional<int64_t> environment_integer(const char* name, int64_t low, int64_t high) {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  const std::string_view view(text);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
  const bool whole = error == std::errc{} && end == view.data() + view.size();
  if (!whole || value < low || value > high) {
    fail_value(name, "expected an integer from ", low, " to ", high, ", got '", view, "'");
  }
  return value;
}

}  // namespace fastnn::cpu
