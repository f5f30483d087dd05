// Arrays at the boundary: kind, dtype and layout of inputs are checked here and nowhere else. The functions of the
// operations are written once for NumPy's and CuPy's arrays, and compiled for the one that the backend takes.
#pragma once

#include <optional>

#ifdef FASTNN_BACKEND_CUPY
#include "bindings/cupy_array.h"
#else
#include "bindings/numpy_array.h"
#endif

namespace fastnn::bindings {

inline std::string dtype_name(const Array& array) { return py::str(static_cast<py::handle>(array.dtype())); }

template <class T>
constexpr const char* name_of() {
  return sizeof(T) == 4 ? "float32" : "float64";
}

// 4 or 8 for float32 and float64 of either byte order, TypeError for all else.
inline int float_size(const char* op, const char* name, const Array& array) {
  const py::dtype dtype = array.dtype();
  const auto size = dtype.itemsize();
  if (dtype.kind() != 'f' || (size != 4 && size != 8)) {
    fail_type(op, "expected ", name, " of dtype float32 or float64, got ", dtype_name(array), "; convert it with ",
              name, ".astype(numpy.float32)");
  }
  return static_cast<int>(size);
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
  const Array& array() const { return array_; }

 private:
  static Array checked(const char* op, const char* name, py::handle object) {
    const Array array = as_array(op, name, object);
    if (float_size(op, name, array) != sizeof(T)) {
      fail_type(op, "expected ", name, " of dtype ", name_of<T>(), " like the other arrays, got ", dtype_name(array),
                "; cast one of them, e.g. ", name, ".astype(numpy.", name_of<T>(), ")");
    }
    return array;
  }

  Array array_;
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
inline const Array* array_of(const Array& array) { return &array; }
template <class T>
const Array* array_of(const Input<T>& input) {
  return &input.array();
}
template <class T>
const Array* array_of(const std::optional<Input<T>>& input) {
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
  const Array array = as_array(op, name, object);
  const CallScope call(array);
  return float_size(op, name, array) == 4 ? body(float{}) : body(double{});
}

// Options are one class in Python for all backends: the extension that comes second takes that of the first.
// define(class) adds the constructor.
template <class Options, class Define>
void bind_options(py::module_& m, const char* name, const Define& define) {
  if (py::detail::get_global_type_info(typeid(Options))) {
    m.attr(name) = py::type::of<Options>();
  } else {
    define(py::class_<Options>(m, name, py::is_final()));
  }
}

}  // namespace fastnn::bindings
