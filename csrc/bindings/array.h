// NumPy arrays at the boundary: kind, dtype and layout of inputs are checked here and nowhere else.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <optional>
#include <string>

#include "ops/tensor.h"

namespace fastnn::bindings {

namespace py = pybind11;

inline py::detail::npy_api& numpy() { return py::detail::npy_api::get(); }

inline std::string type_name(py::handle object) { return Py_TYPE(object.ptr())->tp_name; }
inline std::string dtype_name(const py::array& array) { return py::str(static_cast<py::handle>(array.dtype())); }

inline Shape shape_of(const py::array& array) {
  static_assert(sizeof(py::ssize_t) == sizeof(int64_t));
  return {reinterpret_cast<const int64_t*>(array.shape()), static_cast<size_t>(array.ndim())};
}

template <class T>
constexpr const char* name_of() {
  return sizeof(T) == 4 ? "float32" : "float64";
}

// Any ndarray but a MaskedArray, whose mask would be lost without a word.
inline py::array as_array(const char* op, const char* name, py::handle object) {
  if (!py::isinstance<py::array>(object)) {
    fail_type(op, "expected ", name, " to be a numpy.ndarray, got ", type_name(object),
              "; numpy.asarray makes one of a sequence");
  }
  if (Py_TYPE(object.ptr()) != numpy().PyArray_Type_ &&
      py::isinstance(object, py::module_::import("numpy.ma").attr("MaskedArray"))) {
    fail_type(op, "expected ", name, " to be a plain numpy.ndarray, got MaskedArray; its .filled(value) is one");
  }
  return py::reinterpret_borrow<py::array>(object);
}

// 4 or 8 for float32 and float64 of either byte order, TypeError for all else.
inline int float_size(const char* op, const char* name, const py::array& array) {
  const py::dtype dtype = array.dtype();
  const auto size = dtype.itemsize();
  if (dtype.kind() != 'f' || (size != 4 && size != 8)) {
    fail_type(op, "expected ", name, " of dtype float32 or float64, got ", dtype_name(array), "; convert it with ",
              name, ".astype(numpy.float32)");
  }
  return static_cast<int>(size);
}

inline bool is_plain(const py::array& array) {
  constexpr int wanted = py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  return (array.flags() & wanted) == wanted && array.dtype().byteorder() != '>';
}

// The array itself, or a contiguous, aligned copy of it as native T.
template <class T>
py::array plain(const py::array& array) {
  if (is_plain(array)) return array;
  constexpr int wanted = py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ | py::detail::npy_api::NPY_ARRAY_ALIGNED_ |
                         py::detail::npy_api::NPY_ARRAY_ENSUREARRAY_;
  PyObject* copy = numpy().PyArray_FromAny_(array.ptr(), py::dtype::of<T>().release().ptr(), 0, 0, wanted, nullptr);
  if (!copy) throw py::error_already_set();
  return py::reinterpret_steal<py::array>(copy);
}

// A read-only operand. The first one of a call settles the dtype T; the others are held against it.
template <class T>
class Input {
 public:
  Input(const char* op, const char* name, py::handle object) : array_(checked(op, name, object)) {}

  // Copies what is not plain, so it comes after all checks of shapes, and with the GIL held.
  const T* data() {
    array_ = plain<T>(array_);
    return static_cast<const T*>(array_.data());
  }
  Shape shape() const { return shape_of(array_); }
  py::ssize_t size() const { return array_.size(); }
  const py::array& array() const { return array_; }

 private:
  static py::array checked(const char* op, const char* name, py::handle object) {
    const py::array array = as_array(op, name, object);
    if (float_size(op, name, array) != sizeof(T)) {
      fail_type(op, "expected ", name, " of dtype ", name_of<T>(), " like the other arrays, got ", dtype_name(array),
                "; cast one of them, e.g. ", name, ".astype(numpy.", name_of<T>(), ")");
    }
    return array;
  }

  py::array array_;
};

// As an argument that can be missing.
template <class T>
std::optional<Input<T>> optional_input(const char* op, const char* name, py::handle object) {
  if (object.is_none()) return std::nullopt;
  return Input<T>(op, name, object);
}

template <class T>
const T* data_or_null(std::optional<Input<T>>& input) {
  return input ? input->data() : nullptr;
}

// The array behind an operand, null for one that is missing.
inline const py::array* array_of(const py::array& array) { return &array; }
template <class T>
const py::array* array_of(const Input<T>& input) {
  return &input.array();
}
template <class T>
const py::array* array_of(const std::optional<Input<T>>& input) {
  return input ? &input->array() : nullptr;
}

// True or False, Python's or NumPy's.
inline bool as_bool(const char* op, const char* name, py::handle object) {
  py::detail::make_caster<bool> caster;
  if (!caster.load(object, false)) fail_type(op, "expected ", name, " of True and False, got ", type_name(object));
  return py::detail::cast_op<bool>(caster);
}

// Calls body with a float or a double, whichever `object` holds.
template <class Body>
auto by_dtype(const char* op, const char* name, py::handle object, const Body& body) {
  return float_size(op, name, as_array(op, name, object)) == 4 ? body(float{}) : body(double{});
}

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
