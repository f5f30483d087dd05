// A loop whose index the compiler knows in each turn, so that arrays of vectors stay in registers.
#pragma once

#include <utility>

namespace fastnn::cpu::FASTNN_NAMESPACE {

template <int... I, class Body>
[[gnu::always_inline]] inline void unroll(std::integer_sequence<int, I...>, const Body& body) {
  (body(std::integral_constant<int, I>{}), ...);
}
template <int N, class Body>
[[gnu::always_inline]] inline void unroll(const Body& body) {
  unroll(std::make_integer_sequence<int, N>{}, body);
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
