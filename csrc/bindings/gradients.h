// What a backward with parameters returns: grad_x, grad_weight, grad_bias, each one fresh, into `out`, or None.
#pragma once

#include <array>
#include <initializer_list>
#include <optional>

#include "bindings/output.h"

namespace fastnn::bindings {

// Which of the three are wanted, and whether the parameters' are added to those in `out`.
struct GradientChoice {
  std::array<bool, 3> needs{true, true, true};
  bool accumulate = false;

  static GradientChoice make(const char* op, const py::tuple& needs, bool accumulate) {
    if (needs.size() != 3) fail_value(op, "expected needs to be three booleans, got ", needs.size(), " values");
    const auto wanted = [&](size_t i) { return as_bool(op, "needs", needs[i]); };
    return {{wanted(0), wanted(1), wanted(2)}, accumulate};
  }
};

template <class T>
class Gradients {
 public:
  Gradients(const char* op, const GradientChoice& choice, py::handle out) : op_(op), choice_(choice) {
    if (out.is_none()) {
      if (choice.accumulate) fail_value(op, "expected out with accumulate=True, got None: there is nothing to add to");
      return;
    }
    if (!py::isinstance<py::tuple>(out) || py::len(out) != 3) {
      fail_type(op, "expected out to be a tuple of three arrays or None, got ", type_name(out));
    }
    for (size_t i = 0; i < 3; ++i) given_[i] = out.cast<py::tuple>()[i];
    for (size_t i = 1; choice.accumulate && i < 3; ++i) {
      if (choice.needs[i] && given_[i].is_none()) {
        fail_value(op, "expected out[", i, "] to be an array with accumulate=True, got None");
      }
    }
  }

  // Takes or makes the arrays that are wanted, apart from all inputs but for `replaceable`, whose place grad_x may
  // take element by element.
  template <class... Inputs>
  void prepare(const std::array<Shape, 3>& shapes, std::initializer_list<const Array*> replaceable,
               const Inputs&... inputs) {
    static constexpr const char* names[] = {"out[0]", "out[1]", "out[2]"};
    for (size_t i = 0; i < 3; ++i) {
      if (!choice_.needs[i]) continue;
      outputs_[i].emplace(op_, given_[i], py::dtype::of<T>(), shapes[i], names[i]);
      for (const Array* array : replaceable) {
        outputs_[i]->apart_from(i == 0 ? Aliasing::elementwise : Aliasing::none, *array);
      }
      outputs_[i]->apart_from(Aliasing::none, inputs...);
      for (size_t j = 0; j < i; ++j) {
        if (outputs_[j] && outputs_[i]->overlaps(*outputs_[j])) {
          fail_value(op_, "expected the arrays of out not to overlap, got ", names[j], " and ", names[i], " that do");
        }
      }
      if (choice_.accumulate && i > 0) outputs_[i]->keep_contents();
    }
  }

  // Null where not wanted.
  T* data(size_t i) { return outputs_[i] ? outputs_[i]->template data<T>() : nullptr; }

  py::tuple finish() {
    py::tuple results(3);
    for (size_t i = 0; i < 3; ++i) results[i] = outputs_[i] ? py::object(outputs_[i]->finish()) : py::none();
    return results;
  }

 private:
  const char* op_;
  const GradientChoice& choice_;
  std::array<py::object, 3> given_{py::none(), py::none(), py::none()};
  std::array<std::optional<Output>, 3> outputs_;
};

}  // namespace fastnn::bindings
