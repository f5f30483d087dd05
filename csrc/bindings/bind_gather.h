#pragma once

#include "bindings/output.h"
#include "ops/gather.h"

namespace fastnn::bindings {

inline py::object gather(py::handle x_object, py::handle indices_object, py::handle out) {
  Array x = as_array("gather", "x", x_object);
  const CallScope call(x);
  if (x.dtype().attr("hasobject").cast<bool>()) {
    fail_type("gather", "expected x of a dtype without Python objects, got ", dtype_name(x));
  }
  Array indices = as_array("gather", "indices", indices_object);
  if (indices.dtype().kind() != 'i' || indices.dtype().itemsize() != 8) {
    fail_type("gather", "expected indices of dtype int64, got ", dtype_name(indices),
              "; convert them with indices.astype(numpy.int64)");
  }
  validate_gather(shape_of(x), shape_of(indices));
  indices = plain<int64_t>(indices);
  x = contiguous(x);
  const int64_t count = indices.size(), rows = x.shape(0);
  const auto* index = static_cast<const int64_t*>(indices.data());
  backend::check_indices(index, count, rows);

  std::vector<int64_t> shape(shape_of(x).begin(), shape_of(x).end());
  shape[0] = count;
  const int64_t row_bytes = rows == 0 ? 0 : x.size() / rows * x.itemsize();
  Output y("gather", out, x.dtype(), shape);
  y.apart_from(Aliasing::none, x, indices);
  {
    const GilRelease release(0.25 * static_cast<double>(count) * static_cast<double>(row_bytes));
    backend::gather(x.data(), rows, row_bytes, index, count, y.data<void>());
  }
  return y.finish();
}

inline void bind_gather(py::module_& m) { m.def("gather", &gather, py::arg("x"), py::arg("indices"), py::arg("out")); }

}  // namespace fastnn::bindings
