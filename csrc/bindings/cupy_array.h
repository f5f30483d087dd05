// CuPy's arrays at the boundary, under the names of numpy_array.h: memory comes from CuPy's pool, work goes to CuPy's
// current stream. What is asked of CuPy goes through the functions in CupyHooks, which fastnn.backend hands over.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>
#include <utility>
#include <vector>

#include "bindings/errors.h"
#include "cuda/context.h"
#include "cuda/copy.h"
#include "ops/tensor.h"

namespace fastnn::bindings {

namespace py = pybind11;
namespace backend = cuda;

struct CupyHooks {
  py::object array_type;
  py::object empty;           // (shape, dtype) -> array
  py::object alloc;           // (bytes) -> object with .ptr
  py::object current_stream;  // () -> int
  py::object current_device;  // () -> int
  py::object enter_device;    // (device) -> context manager
};

// Set once, by connect(); leaked, since Python may be gone when statics are destroyed.
inline CupyHooks*& cupy_hooks() {
  static CupyHooks* hooks = nullptr;
  return hooks;
}

inline const CupyHooks& cupy() {
  if (!cupy_hooks()) throw std::runtime_error("expected fastnn.backend to have connected CuPy first");
  return *cupy_hooks();
}

// What is read of an array once: its memory, its device, its layout in bytes.
class Array : public py::object {
 public:
  Array() = default;
  explicit Array(py::object array) : py::object(std::move(array)), dtype_(attr("dtype").cast<py::dtype>()) {
    const py::object memory = attr("data");
    data_ = reinterpret_cast<void*>(memory.attr("ptr").cast<uintptr_t>());
    device_ = memory.attr("device_id").cast<int>();
    for (const py::handle dim : attr("shape").cast<py::tuple>()) shape_.push_back(dim.cast<int64_t>());
    for (const py::handle step : attr("strides").cast<py::tuple>()) strides_.push_back(step.cast<int64_t>());
  }

  const py::dtype& dtype() const { return dtype_; }
  py::ssize_t itemsize() const { return dtype_.itemsize(); }
  py::ssize_t ndim() const { return static_cast<py::ssize_t>(shape_.size()); }
  const int64_t* shape() const { return shape_.data(); }
  int64_t shape(size_t axis) const { return shape_[axis]; }
  const int64_t* strides() const { return strides_.data(); }
  int64_t size() const { return element_count("array", shape_); }
  const void* data() const { return data_; }
  void* mutable_data() { return data_; }
  bool writeable() const { return true; }
  int device() const { return device_; }

  cuda::StridedArray strided() const { return {data_, shape_, strides_}; }

  // The same memory seen with more axes, or with axes of length 1 repeated.
  Array broadcast_to(const std::vector<int64_t>& shape) const {
    Array view = *this;
    view.shape_ = shape;
    view.strides_.assign(shape.size(), 0);
    const size_t more = shape.size() - shape_.size();
    for (size_t i = 0; i < shape_.size(); ++i) {
      if (shape_[i] != 1) view.strides_[more + i] = strides_[i];
    }
    return view;
  }

 private:
  py::dtype dtype_;
  void* data_ = nullptr;
  int device_ = 0;
  std::vector<int64_t> shape_, strides_;
};

inline Shape shape_of(const Array& array) { return {array.shape(), static_cast<size_t>(array.ndim())}; }

// What surrounds a call: the device of its first array, CuPy's current stream there, and the memory it borrows.
class CallScope {
 public:
  explicit CallScope(const Array& first) : CallScope(first.device()) {}
  explicit CallScope(int device) : device_(device), outer_(current()), outer_context_(cuda::context()) {
    if (cupy().current_device().cast<int>() != device_) {
      entered_ = cupy().enter_device(device_);
      entered_.attr("__enter__")();
    }
    const auto stream = cupy().current_stream().cast<uintptr_t>();
    cuda::context() = {reinterpret_cast<void*>(stream), &allocate, this};
    current() = this;
  }
  ~CallScope() {
    current() = outer_;
    cuda::context() = outer_context_;
    if (!entered_) return;
    try {
      entered_.attr("__exit__")(py::none(), py::none(), py::none());
    } catch (py::error_already_set& error) {
      error.discard_as_unraisable("fastnn");
    }
  }
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

  static const CallScope* active() { return current(); }
  int device() const { return device_; }

 private:
  static CallScope*& current() {
    thread_local CallScope* scope = nullptr;
    return scope;
  }
  static void* allocate(void* owner, size_t bytes) {
    auto& self = *static_cast<CallScope*>(owner);
    self.borrowed_.push_back(cupy().alloc(bytes));
    return reinterpret_cast<void*>(self.borrowed_.back().attr("ptr").cast<uintptr_t>());
  }

  int device_;
  CallScope* outer_;
  cuda::Context outer_context_;
  py::object entered_;
  std::vector<py::object> borrowed_;
};

inline Array as_ndarray(const char* op, const char* name, py::handle object) {
  if (!py::isinstance(object, cupy().array_type)) {
    fail_type(op, "expected ", name, " to be a cupy.ndarray like the other arrays, got ", type_name(object),
              "; cupy.asarray makes one");
  }
  Array array(py::reinterpret_borrow<py::object>(object));
  const CallScope* call = CallScope::active();
  if (call && array.device() != call->device()) {
    fail_value(op, "expected ", name, " on device ", call->device(), " like the other arrays, got device ",
               array.device());
  }
  return array;
}

inline Array as_array(const char* op, const char* name, py::handle object) { return as_ndarray(op, name, object); }

inline bool is_contiguous(const Array& array) {
  int64_t step = array.itemsize();
  for (auto d = static_cast<size_t>(array.ndim()); d-- > 0;) {
    if (array.shape(d) != 1 && array.strides()[d] != step) return array.size() == 0;
    step *= array.shape(d);
  }
  return true;
}

inline bool is_plain(const Array& array) {
  const auto align = static_cast<uintptr_t>(array.itemsize());
  return is_contiguous(array) && reinterpret_cast<uintptr_t>(array.data()) % align == 0;
}

inline void copy_array(const Array& to, const Array& from) {
  cuda::copy(to.strided(), from.strided(), static_cast<size_t>(from.itemsize()));
}

inline Array allocate(const py::dtype& dtype, Shape shape, const char* op) {
  element_count(op, shape);
  py::tuple dims(shape.size());
  for (size_t i = 0; i < shape.size(); ++i) dims[i] = shape[i];
  return Array(cupy().empty(dims, dtype));
}

inline Array contiguous(const Array& array) {
  if (is_plain(array)) return array;
  Array copy = allocate(array.dtype(), shape_of(array), "array");
  copy_array(copy, array);
  return copy;
}

template <class T>
Array plain(const Array& array) {
  return contiguous(array);
}

inline Array broadcast_to(const Array& array, const py::tuple& shape) {
  std::vector<int64_t> dims;
  for (const py::handle dim : shape) dims.push_back(dim.cast<int64_t>());
  return array.broadcast_to(dims);
}

// Memory for the time of a call.
template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t count) : data_(count > 0 ? cuda::scratch<T>(count) : nullptr) {}
  T* data() { return data_; }
  const T* data() const { return data_; }

 private:
  T* data_;
};

// A result that is one number: an array without axes, so that nobody has to wait for it.
class Scalar {
 public:
  Scalar() : array_(allocate(py::dtype::of<double>(), {}, "scalar")) {}
  double* data() { return static_cast<double*>(array_.mutable_data()); }
  // Waits for it.
  double read() const {
    double value = 0;
    cuda::copy_to_host(&value, array_.data(), sizeof(value));
    return value;
  }
  py::object finish() const { return array_; }

 private:
  Array array_;
};

// Work is only enqueued, and memory is asked for in Python: the lock stays.
struct GilRelease {
  explicit GilRelease(double) {}
};

}  // namespace fastnn::bindings
