// The extension module fastnn._core.
#include <pybind11/pybind11.h>

#include "bindings/bind_runtime.h"
#include "bindings/errors.h"
#include "bindings/operations.h"

PYBIND11_MODULE(_core, m) {
  using namespace fastnn::bindings;
  m.doc() = "The compiled kernels of fastnn for NumPy arrays.";
  translate_errors();
  bind_runtime(m);
  bind_operations(m);
}
