// C++ exceptions as Python's; pybind11 knows ValueError, IndexError and MemoryError by itself.
#pragma once

#include <pybind11/pybind11.h>

#include "ops/check.h"

namespace fastnn::bindings {

inline void translate_errors() {
  namespace py = pybind11;
  py::register_local_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const TypeError& error) {
      py::set_error(PyExc_TypeError, error.what());
    } catch (const py::cast_error&) {  // of an item of a tuple, say: pybind11 makes it a RuntimeError
      py::set_error(PyExc_TypeError, "expected items of another type or range in one of the arguments");
    }
  });
}

}  // namespace fastnn::bindings
