#pragma once

#include <pybind11/pybind11.h>

namespace fastnn::bindings {

// The instruction set, the threads, the memory cache and the machine's limits. Reads the environment
// variables that set them, so that a wrong value shows when the module is imported.
void bind_runtime(pybind11::module_& m);

}  // namespace fastnn::bindings
