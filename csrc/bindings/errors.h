// What errors say of objects, and C++ exceptions as Python's; pybind11 knows ValueError, IndexError and MemoryError by
// itself.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "ops/check.h"

namespace fastnn::bindings {

namespace py = pybind11;

// With its module, unless it is Python's own.
inline std::string type_name(py::handle object) {
  const auto type = py::type::handle_of(object);
  const std::string module = py::str(type.attr("__module__")), name = py::str(type.attr("__qualname__"));
  return module == "builtins" ? name : module + "." + name;
}

// For the module that calls it.
inline void translate_errors() {
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
