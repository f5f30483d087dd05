// What a loss gives back: a number or an array of losses, and with it the gradient where it is wanted.
#pragma once

#include "bindings/class_labels.h"
#include "bindings/output.h"

namespace fastnn::bindings {

// `out` takes the gradient where there is one, and the losses of "none" otherwise.
template <class T>
class LossResult {
 public:
  LossResult(const char* op, Reduction reduction, bool want_grad, py::handle out, Shape input, Shape losses) {
    const bool reduced = reduction != Reduction::none;
    if (reduced && !want_grad) refuse_out_of_reduced(op, out);
    if (want_grad) grad_.emplace(op, out, py::dtype::of<T>(), input);
    if (reduced) {
      reduced_.emplace();
    } else {
      losses_.emplace(op, want_grad ? py::none() : out, py::dtype::of<T>(), losses);
    }
  }

  template <class... Inputs>
  void apart_from(Aliasing aliasing, const Inputs&... inputs) {
    for (std::optional<Output>* output : {&grad_, &losses_}) {
      if (*output) (*output)->apart_from(aliasing, inputs...);
    }
  }

  T* losses() { return losses_ ? losses_->data<T>() : nullptr; }
  double* reduced() { return reduced_ ? reduced_->data() : nullptr; }
  T* grad() { return grad_ ? grad_->data<T>() : nullptr; }

  py::object finish() {
    py::object value = losses_ ? py::object(losses_->finish()) : reduced_->finish();
    if (!grad_) return value;
    return py::make_tuple(value, grad_->finish());
  }

 private:
  std::optional<Output> grad_, losses_;
  std::optional<Scalar> reduced_;
};

}  // namespace fastnn::bindings
