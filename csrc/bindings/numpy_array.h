// NumPy's arrays at the boundary, and where results of the CPU go: array.h and output.h build on these names, and
// cupy_array.h has the same ones for the GPU.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>
#include <utility>

#include "bindings/errors.h"
#include "cpu/aligned_buffer.h"
#include "ops/tensor.h"

namespace fastnn::bindings {

namespace py = pybind11;
namespace backend = cpu;

using Array = py::array;
// Memory for the time of a call.
template <class T>
using Scratch = cpu::AlignedBuffer<T>;

inline py::detail::npy_api& numpy() { return py::detail::npy_api::get(); }

inline Shape shape_of(const Array& array) {
  static_assert(sizeof(py::ssize_t) == sizeof(int64_t));
  return {reinterpret_cast<const int64_t*>(array.shape()), static_cast<size_t>(array.ndim())};
}

// Any ndarray but a MaskedArray, whose mask would be lost without a word.
inline Array as_ndarray(const char* op, const char* name, py::handle object) {
  if (!py::isinstance<Array>(object)) {
    fail_type(op, "expected ", name, " to be a numpy.ndarray, got ", type_name(object),
              "; numpy.asarray makes one of a sequence");
  }
  if (Py_TYPE(object.ptr()) != numpy().PyArray_Type_ &&
      py::isinstance(object, py::module_::import("numpy.ma").attr("MaskedArray"))) {
    fail_type(op, "expected ", name, " to be a plain numpy.ndarray, got MaskedArray; its .filled(value) is one");
  }
  return py::reinterpret_borrow<Array>(object);
}

// An ndarray, or a view of what another object exports, as fastnn.backend finds it. The object may export something
// else the next time, so what is checked and what is read have to be one result of this.
inline Array as_array(const char* op, const char* name, py::handle object) {
  if (py::isinstance<Array>(object)) return as_ndarray(op, name, object);
  const py::object view = py::module_::import("fastnn.backend").attr("view_of")(object, op, name);
  return as_ndarray(op, name, view);
}

inline bool is_contiguous(const Array& array) { return array.flags() & py::array::c_style; }

inline bool is_plain(const Array& array) {
  constexpr int wanted = py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  return (array.flags() & wanted) == wanted && array.dtype().byteorder() != '>';
}

// The array itself, or a contiguous, aligned copy of it as native T.
template <class T>
Array plain(const Array& array) {
  if (is_plain(array)) return array;
  constexpr int wanted = py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ | py::detail::npy_api::NPY_ARRAY_ALIGNED_ |
                         py::detail::npy_api::NPY_ARRAY_ENSUREARRAY_;
  PyObject* copy = numpy().PyArray_FromAny_(array.ptr(), py::dtype::of<T>().release().ptr(), 0, 0, wanted, nullptr);
  if (!copy) throw py::error_already_set();
  return py::reinterpret_steal<Array>(copy);
}

// The same for any dtype, which need not be aligned.
inline Array contiguous(Array array) {
  if (array.dtype().byteorder() == '>') array = array.attr("astype")(array.dtype().attr("newbyteorder")("="));
  return is_contiguous(array) ? array : Array(py::module_::import("numpy").attr("ascontiguousarray")(array));
}

inline Array broadcast_to(const Array& array, const py::tuple& shape) {
  return py::module_::import("numpy").attr("broadcast_to")(array, shape);
}

inline void copy_array(const Array& to, const Array& from) { py::module_::import("numpy").attr("copyto")(to, from); }

// A C-contiguous array whose memory goes back to the cache when its last view dies.
inline Array allocate(py::dtype dtype, Shape shape, const char* op) {
  const int64_t count = element_count(op, shape);
  int64_t bytes = 0;
  if (__builtin_mul_overflow(count, static_cast<int64_t>(dtype.itemsize()), &bytes)) throw std::bad_alloc();
  void* block = cpu::acquire_block(static_cast<size_t>(bytes));
  py::capsule owner;
  try {
    owner = py::capsule(block, [](void* memory) { cpu::release_block(memory); });
  } catch (...) {
    cpu::release_block(block);
    throw;
  }
  PyObject* array =
      numpy().PyArray_NewFromDescr_(numpy().PyArray_Type_, dtype.release().ptr(), static_cast<int>(shape.size()),
                                    const_cast<Py_intptr_t*>(reinterpret_cast<const Py_intptr_t*>(shape.data())),
                                    nullptr, block, py::detail::npy_api::NPY_ARRAY_WRITEABLE_, nullptr);
  if (!array) throw py::error_already_set();
  if (numpy().PyArray_SetBaseObject_(array, owner.release().ptr()) < 0) {
    Py_DECREF(array);
    throw py::error_already_set();
  }
  return py::reinterpret_steal<Array>(array);
}

// A result that is one number.
class Scalar {
 public:
  double* data() { return &value_; }
  double read() const { return value_; }
  py::object finish() const { return py::float_(value_); }

 private:
  double value_ = 0;
};

// What surrounds a call: nothing, on the CPU.
struct CallScope {
  explicit CallScope(const Array&) {}
};

// Lets other Python threads run during work that is worth the switch (about 20 microseconds).
class GilRelease {
 public:
  explicit GilRelease(double flops) : state_(flops > 5e5 ? PyEval_SaveThread() : nullptr) {}
  ~GilRelease() {
    if (state_) PyEval_RestoreThread(state_);
  }
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

 private:
  PyThreadState* state_;
};

}  // namespace fastnn::bindings
