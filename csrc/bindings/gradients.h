// The gradients by x, weight and bias: those that are wanted, fresh or in the caller's arrays.
#pragma once

#include <optional>

#include "bindings/output.h"

namespace fastnn::bindings {

// `out` as three arrays or None, checked against what is wanted.
inline py::tuple three_outputs(const char* op, py::handle out, const py::tuple& needs, bool accumulate) {
  if (needs.size() != 3) fail_value(op, "expected needs to be three booleans, got ", needs.size(), " values");
  if (out.is_none()) {
    if (accumulate) fail_value(op, "expected out with accumulate=True, got None: there is nothing to add to");
    return py::make_tuple(py::none(), py::none(), py::none());
  }
  if (!py::isinstance<py::tuple>(out) || py::len(out) != 3) {
    fail_type(op, "expected out to be a tuple of three arrays or None, got ", type_name(out));
  }
  auto outs = py::reinterpret_borrow<py::tuple>(out);
  for (size_t i = 1; accumulate && i < 3; ++i) {
    if (needs[i].cast<bool>() && outs[i].is_none()) {
      fail_value(op, "expected out[", i, "] to be an array with accumulate=True, got None");
    }
  }
  return outs;
}

template <class T>
class GradientOutputs {
 public:
  T* data[3] = {};  // null where not wanted

  template <class... Inputs>
  GradientOutputs(const char* op, const py::tuple& needs, const py::tuple& out, const Shape (&shapes)[3],
                  bool accumulate, const Inputs&... inputs) {
    const char* names[] = {"out[0]", "out[1]", "out[2]"};
    for (size_t i = 0; i < 3; ++i) {
      if (!needs[i].template cast<bool>()) continue;
      outputs_[i].emplace(op, py::handle(out[i]), py::dtype::of<T>(), shapes[i], names[i]);
      outputs_[i]->apart_from(Aliasing::none, inputs...);
      for (size_t j = 0; j < i; ++j) {
        if (outputs_[j] && outputs_[i]->overlaps(*outputs_[j])) {
          fail_value(op, "expected the arrays of out not to overlap, got ", names[j], " and ", names[i], " that do");
        }
      }
      if (accumulate && i > 0) outputs_[i]->keep_contents();
      data[i] = outputs_[i]->template data<T>();
    }
  }

  // (grad_x, grad_weight, grad_bias), None where not wanted.
  py::tuple finish() {
    py::tuple results(3);
    for (size_t i = 0; i < 3; ++i) results[i] = outputs_[i] ? py::object(outputs_[i]->finish()) : py::none();
    return results;
  }

 private:
  std::optional<Output> outputs_[3];
};

}  // namespace fastnn::bindings
