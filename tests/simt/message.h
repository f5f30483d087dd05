// What is said of wrong values: the message of the exception.
#pragma once

#include <stdexcept>
#include <string>

#include "cuda/device.h"

namespace simt {

// Empty where nothing is thrown.
template <class Error, class Body>
std::string message_of(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

template <class Error = std::out_of_range>
std::string message_of_synchronize() {
  return message_of<Error>([] { fastnn::cuda::synchronize(); });
}

}  // namespace simt
