// What Python needs of the GPU beside operations: the connection to CuPy, copies between host and device, waiting.
#pragma once

#include "bindings/output.h"
#include "cuda/cublaslt.h"
#include "cuda/device.h"
#include "cuda/precision.h"

namespace fastnn::bindings {

// Replaces what was connected before, so that a test can put host memory in CuPy's place.
inline void connect(py::object array_type, py::object empty, py::object alloc, py::object current_stream,
                    py::object current_device, py::object enter_device) {
  delete std::exchange(
      cupy_hooks(), new CupyHooks{std::move(array_type), std::move(empty), std::move(alloc), std::move(current_stream),
                                  std::move(current_device), std::move(enter_device)});
}

inline void synchronize(int device) {
  const CallScope call(device);
  cuda::synchronize();
}

inline void require_same_layout(const char* op, Shape to, Shape from, const py::dtype& to_type,
                                const py::dtype& from_type) {
  if (!same(to, from)) fail_value(op, "expected arrays of one shape, got ", to_string(to), " and ", to_string(from));
  if (!to_type.equal(from_type)) {
    fail_type(op, "expected arrays of one dtype, got ", std::string(py::str(py::object(to_type))), " and ",
              std::string(py::str(py::object(from_type))));
  }
}

inline py::object empty_like(py::handle object) {
  const Array x = as_array("empty_like", "x", object);
  const CallScope call(x);
  return allocate(x.dtype(), shape_of(x), "empty_like");
}

inline void copy(py::handle to_object, py::handle from_object) {
  const Array to = as_array("copy", "to", to_object), from = as_array("copy", "from", from_object);
  const CallScope call(to);
  require_same_layout("copy", shape_of(to), shape_of(from), to.dtype(), from.dtype());
  copy_array(to, from);
}

inline Shape shape_of(const py::array& array) {
  return {reinterpret_cast<const int64_t*>(array.shape()), static_cast<size_t>(array.ndim())};
}

// to and from are C-contiguous.
inline void copy_from_host(py::handle to_object, const py::array& from) {
  Array to = as_array("copy_from_host", "to", to_object);
  const CallScope call(to);
  require_same_layout("copy_from_host", shape_of(to), shape_of(from), to.dtype(), from.dtype());
  if (!is_contiguous(to) || !(from.flags() & py::array::c_style)) {
    fail_value("copy_from_host", "expected C-contiguous arrays, got a strided one");
  }
  cuda::copy_from_host(to.mutable_data(), from.data(), static_cast<size_t>(from.nbytes()));
}

inline py::object from_host(const py::array& x, int device) {
  const CallScope call(device);
  Array moved = allocate(x.dtype(), shape_of(x), "from_host");
  copy_from_host(moved, x);
  return moved;
}

inline void copy_to_host(py::array to, py::handle from_object) {
  const Array given = as_array("copy_to_host", "from", from_object);
  const CallScope call(given);
  require_same_layout("copy_to_host", shape_of(to), shape_of(given), to.dtype(), given.dtype());
  if (!(to.flags() & py::array::c_style))
    fail_value("copy_to_host", "expected a C-contiguous array, got a strided one");
  const Array from = contiguous(given);
  cuda::copy_to_host(to.mutable_data(), from.data(), static_cast<size_t>(to.nbytes()));
}

inline void fill(py::handle object, double value) {
  by_dtype("fill", "x", object, [&](auto t) {
    using T = decltype(t);
    Output x("fill", object, py::dtype::of<T>(), shape_of(as_array("fill", "x", object)), "x");
    cuda::fill(x.data<T>(), as_array("fill", "x", object).size(), static_cast<T>(value));
    x.finish();
    return 0;
  });
}

inline void bind_cuda_runtime(py::module_& m) {
  m.def("connect", &connect, py::kw_only(), py::arg("array_type"), py::arg("empty"), py::arg("alloc"),
        py::arg("current_stream"), py::arg("current_device"), py::arg("enter_device"));
  m.def("reason_unavailable", &cuda::reason_unavailable);
  m.def("device_count", &cuda::device_count);
  m.def("current_device", [] { return cupy().current_device().cast<int>(); });
  m.def("synchronize", &synchronize, py::arg("device"));
  m.def(
      "set_matmul_precision",
      [](const std::string& name) { cuda::set_matmul_precision(cuda::parse_matmul_precision(name)); }, py::arg("name"));
  m.def("matmul_precision", [] { return cuda::name_of(cuda::matmul_precision()); });
  m.def("set_cublaslt", &cuda::set_cublaslt, py::arg("use"));
  m.def("set_cublaslt_path", &cuda::set_cublaslt_path, py::arg("path"));
  m.def("reason_without_cublaslt", &cuda::reason_without_cublaslt);
  m.def("empty_like", &empty_like, py::arg("x"));
  m.def("from_host", &from_host, py::arg("x"), py::arg("device"));
  m.def("copy", &copy, py::arg("to"), py::arg("from_"));
  m.def("copy_from_host", &copy_from_host, py::arg("to"), py::arg("from_"));
  m.def("copy_to_host", &copy_to_host, py::arg("to"), py::arg("from_"));
  m.def("fill", &fill, py::arg("x"), py::arg("value"));
}

}  // namespace fastnn::bindings
