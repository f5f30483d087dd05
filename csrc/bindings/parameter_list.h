// The arrays that an optimizer steps: params and state are written in place, so nothing may be copied.
#pragma once

#include <type_traits>
#include <vector>

#include "bindings/array.h"

namespace fastnn::bindings {

inline std::string item_name(const char* list, size_t i) { return concat(list, "[", i, "]"); }

// The memory of list[i], which has to be writeable, contiguous T of `shape`.
template <class T>
T* in_place(const char* op, const char* list, size_t i, const Array& array, Shape shape) {
  if (float_size(op, list, array) != sizeof(T)) {
    fail_type(op, "expected ", item_name(list, i), " of dtype ", name_of<T>(), " like its parameter, got ",
              dtype_name(array));
  }
  if (!same(shape_of(array), shape)) {
    fail_value(op, "expected ", item_name(list, i), " of shape ", to_string(shape), " like its parameter, got ",
               to_string(shape_of(array)));
  }
  const char* fault = !array.writeable()      ? "a read-only array"
                      : !is_contiguous(array) ? "a strided array"
                      : !is_plain(array)      ? "an unaligned or byte-swapped array"
                                              : nullptr;
  if (fault) {
    fail_value(op, "expected ", item_name(list, i), " to be writeable, C-contiguous, aligned and native, got ", fault,
               ": it is updated in place");
  }
  return static_cast<T*>(const_cast<void*>(array.data()));
}

// `list` as a sequence of `size` arrays; an empty one where it may be left out.
class ArrayList {
 public:
  ArrayList(const char* op, const char* name, py::handle list, size_t size, bool optional = false)
      : op_(op), name_(name), items_(py::reinterpret_steal<py::object>(PySequence_Fast(list.ptr(), ""))) {
    if (!items_) {
      PyErr_Clear();
      fail_type(op, "expected ", name, " to be a sequence of arrays, got ", type_name(list));
    }
    if (count() != size && !(optional && count() == 0)) {
      fail_value(op, "expected ", name, " to hold ", size, " arrays, one a parameter, got ", count());
    }
  }

  size_t count() const { return static_cast<size_t>(PySequence_Fast_GET_SIZE(items_.ptr())); }
  // No view of a foreign object's memory: nobody would hold it until the step is done.
  Array operator[](size_t i) const {
    return as_ndarray(op_, name_, PySequence_Fast_GET_ITEM(items_.ptr(), static_cast<Py_ssize_t>(i)));
  }

  template <class T>
  T* in_place(size_t i, Shape shape) const {
    return count() == 0 ? nullptr : bindings::in_place<T>(op_, name_, i, (*this)[i], shape);
  }

 private:
  const char* op_;
  const char* name_;
  py::object items_;
};

inline size_t sequence_size(const char* op, const char* name, py::handle list) {
  const Py_ssize_t size = PySequence_Size(list.ptr());
  if (size < 0) {
    PyErr_Clear();
    fail_type(op, "expected ", name, " to be a sequence of arrays, got ", type_name(list));
  }
  return static_cast<size_t>(size);
}

// What every optimizer is given: the parameters and, one each, their gradients.
struct ParameterLists {
  const char* op;
  ArrayList params, grads;
  std::optional<CallScope> call;

  ParameterLists(const char* name, py::handle param_list, py::handle grad_list)
      : op(name),
        params(name, "params", param_list, sequence_size(name, "params", param_list)),
        grads(name, "grads", grad_list, params.count()) {
    if (params.count() > 0) call.emplace(params[0]);
  }
};

// Its name in words is put together only for a complaint: that costs as much as all the checks of a tensor.
template <class T>
Input<T> gradient_of(const ParameterLists& lists, size_t i, Shape shape) {
  const Array grad = lists.grads[i];
  const py::dtype dtype = grad.dtype();
  if (dtype.kind() == 'f' && dtype.itemsize() == sizeof(T) && same(shape_of(grad), shape)) {
    return Input<T>(lists.op, "grads", grad);
  }
  const std::string name = item_name("grads", i);
  Input<T>(lists.op, name.c_str(), grad);
  fail_value(lists.op, "expected ", name, " of shape ", to_string(shape), " like its parameter, got ",
             to_string(shape_of(grad)));
}

// The parameters of dtype T as the structs the kernels take; `gradients` keeps copies of strided ones alive.
template <class Tensor>
struct Batch {
  using T = std::remove_pointer_t<decltype(Tensor::param)>;

  std::vector<Tensor> tensors;
  std::vector<Input<T>> gradients;

  // make(i, shape) fills in the state of parameter i.
  template <class Make>
  Batch(const ParameterLists& lists, const Make& make) {
    for (size_t i = 0; i < lists.params.count(); ++i) {
      const Array param = lists.params[i];
      if (float_size(lists.op, "params", param) != sizeof(T)) continue;
      const Shape shape = shape_of(param);
      gradients.push_back(gradient_of<T>(lists, i, shape));
      Tensor tensor = make(i, shape);
      tensor.size = param.size();
      tensor.param = lists.params.template in_place<T>(i, shape);
      tensor.grad = gradients.back().data();
      tensors.push_back(tensor);
    }
  }

  double elements() const {
    double total = 0;
    for (const Tensor& tensor : tensors) total += static_cast<double>(tensor.size);
    return total;
  }
};

}  // namespace fastnn::bindings
