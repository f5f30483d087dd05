// Results: a fresh array on the caching allocator, or the caller's `out`.
#pragma once

#include <utility>

#include "bindings/array.h"

namespace fastnn::bindings {

// The bytes from an array's lowest to its highest element.
struct ByteRange {
  const char* begin;
  const char* end;

  explicit ByteRange(const Array& array) {
    begin = end = static_cast<const char*>(array.data());
    if (array.size() == 0) return;
    end += array.itemsize();
    for (py::ssize_t d = 0; d < array.ndim(); ++d) {
      const py::ssize_t reach = (array.shape()[d] - 1) * array.strides()[d];
      (reach < 0 ? begin : end) += reach;
    }
  }

  bool overlaps(const ByteRange& other) const { return begin < other.end && other.begin < end; }
};

// Elementwise kernels may write an element where they have just read it.
enum class Aliasing { none, elementwise };

// Where a result goes. A strided, unaligned or byte-swapped `out`, or one that overlaps an input, is written
// through a contiguous temporary.
class Output {
 public:
  Output(const char* op, py::handle out, py::dtype dtype, Shape shape, const char* name = "out") {
    if (out.is_none()) {
      fresh_ = true;
      target_ = memory_ = allocate(std::move(dtype), shape, op);
      return;
    }
    target_ = as_array(op, name, out);
    if (!target_.dtype().equal(dtype) && !target_.dtype().attr("newbyteorder")().equal(dtype)) {
      fail_type(op, "expected ", name, " of dtype ", std::string(py::str(static_cast<py::handle>(dtype))), ", got ",
                dtype_name(target_));
    }
    if (!same(shape_of(target_), shape)) {
      fail_value(op, "expected ", name, " of shape ", to_string(shape), ", got ", to_string(shape_of(target_)));
    }
    if (!target_.writeable()) fail_value(op, "expected ", name, " to be writeable, got a read-only array");
    memory_ = is_plain(target_) ? target_ : allocate(std::move(dtype), shape, op);
  }

  // Switches to a temporary where `out` shares memory with an input.
  template <class... Inputs>
  Output& apart_from(Aliasing aliasing, const Inputs&... inputs) {
    if (!fresh_ && memory_.is(target_) && (... || clashes(aliasing, array_of(inputs)))) {
      memory_ = allocate(target_.dtype(), shape_of(target_), "out");
    }
    return *this;
  }

  bool overlaps(const Output& other) const { return overlaps(other.target_); }
  template <class Operand>
  bool overlaps(const Operand& other) const {
    const Array* array = array_of(other);
    return array && ByteRange(target_).overlaps(ByteRange(*array));
  }

  // Brings what `out` held into the memory to be written, for results that are added to it.
  void keep_contents() {
    if (!memory_.is(target_)) copy_array(memory_, target_);
  }

  template <class T>
  T* data() {
    return static_cast<T*>(memory_.mutable_data());
  }

  Array finish() {
    if (!memory_.is(target_)) copy_array(target_, memory_);
    return target_;
  }

 private:
  bool clashes(Aliasing aliasing, const Array* input) const {
    if (!input) return false;
    if (aliasing == Aliasing::elementwise && input->data() == memory_.data() && is_plain(*input)) return false;
    return ByteRange(memory_).overlaps(ByteRange(*input));
  }

  Array target_, memory_;
  bool fresh_ = false;
};

}  // namespace fastnn::bindings
