// The extension module fastnn._cuda: the functions of fastnn._core for CuPy arrays.
#include <pybind11/pybind11.h>

#include "bindings/bind_cuda_runtime.h"
#include "bindings/captured.h"
#include "bindings/errors.h"
#include "bindings/operations.h"

PYBIND11_MODULE(FASTNN_MODULE, m) {
  using namespace fastnn::bindings;
  m.doc() = "The compiled kernels of fastnn for CuPy arrays.";
  py::module_::import("fastnn._core");  // whose classes of options are everybody's
  translate_errors();
  bind_cuda_runtime(m);
  bind_operations(m);
  bind_captured(m);
}
