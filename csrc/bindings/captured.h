// Calls in a graph: the values that differ from replay to replay lie in device memory as bytes, which Python fills
// before a replay with what the functions here work out.
#pragma once

#include <array>

#include "bindings/bind_adagrad.h"
#include "bindings/bind_adam.h"
#include "bindings/bind_dropout.h"
#include "bindings/bind_rmsprop.h"
#include "bindings/bind_sgd.h"
#include "cuda/captured.h"

namespace fastnn::bindings {

// An optimizer steps parameters of either dtype in one call.
template <template <class> class Constants>
struct BothDtypes {
  Constants<float> f32;
  Constants<double> f64;

  template <class T>
  const Constants<T>* of() const {
    if constexpr (sizeof(T) == sizeof(float)) {
      return &f32;
    } else {
      return &f64;
    }
  }
};

template <class Value>
const Value* value_in_memory(const char* op, const char* name, const Array& bytes) {
  const py::dtype dtype = bytes.dtype();
  if (dtype.kind() != 'u' || dtype.itemsize() != 1 || !same(shape_of(bytes), std::array{int64_t{sizeof(Value)}})) {
    fail_value(op, "expected ", name, " of ", sizeof(Value), " bytes of uint8, got shape ", to_string(shape_of(bytes)),
               " of ", dtype_name(bytes));
  }
  if (!is_contiguous(bytes) || reinterpret_cast<uintptr_t>(bytes.data()) % alignof(Value) != 0) {
    fail_value(op, "expected ", name, " to be contiguous and aligned to ", alignof(Value), " bytes");
  }
  return static_cast<const Value*>(bytes.data());
}

template <template <class> class Constants>
py::array bytes_of(const Constants<float>& f32, const Constants<double>& f64) {
  const BothDtypes<Constants> constants{f32, f64};
  return py::array_t<uint8_t>(static_cast<py::ssize_t>(sizeof(constants)),
                              reinterpret_cast<const uint8_t*>(&constants));
}

// What surrounds a call with a value in memory, which settles the device.
template <class Value>
struct CapturedCall {
  Array bytes;
  CallScope call;
  const Value* value;

  CapturedCall(const char* op, const char* name, py::handle object)
      : bytes(as_array(op, name, object)), call(bytes), value(value_in_memory<Value>(op, name, bytes)) {}
};

inline void captured_sgd_step(py::handle params, py::handle grads, py::handle momentum_buffers, py::handle constants) {
  const CapturedCall<BothDtypes<SGDConstants>> captured("sgd", "constants", constants);
  step_sgd(params, grads, momentum_buffers, py::len(momentum_buffers) > 0,
           [&]<class T>(std::span<const SGDTensor<T>> tensors) { cuda::sgd_step(tensors, captured.value->of<T>()); });
}

inline void captured_rmsprop_step(py::handle params, py::handle grads, py::handle square_avgs, py::handle grad_avgs,
                                  py::handle momentum_buffers, py::handle constants) {
  const CapturedCall<BothDtypes<RMSpropConstants>> captured("rmsprop", "constants", constants);
  step_rmsprop(params, grads, square_avgs, grad_avgs, momentum_buffers, py::len(grad_avgs) > 0,
               py::len(momentum_buffers) > 0, [&]<class T>(std::span<const RMSpropTensor<T>> tensors) {
                 cuda::rmsprop_step(tensors, captured.value->of<T>());
               });
}

inline void captured_adagrad_step(py::handle params, py::handle grads, py::handle sums, py::handle constants) {
  const CapturedCall<BothDtypes<AdagradConstants>> captured("adagrad", "constants", constants);
  step_adagrad(params, grads, sums, [&]<class T>(std::span<const AdagradTensor<T>> tensors) {
    cuda::adagrad_step(tensors, captured.value->of<T>());
  });
}

inline void captured_adam_step(py::handle params, py::handle grads, py::handle exp_avgs, py::handle exp_avg_sqs,
                               py::handle max_exp_avg_sqs, py::handle constants) {
  const CapturedCall<BothDtypes<AdamConstants>> captured("adam", "constants", constants);
  step_adam(
      params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs,
      [&]<class T>(std::span<const AdamTensor<T>> tensors) { cuda::adam_step(tensors, captured.value->of<T>()); });
}

inline py::object captured_dropout(py::handle x, double p, py::handle key, py::handle out) {
  const CapturedCall<DropoutKey> captured("dropout", "key", key);
  return dropout_elements(
      x, p, out, [&](int64_t n, const auto* from, auto* to) { cuda::dropout(n, p, captured.value, from, to); });
}

inline py::object captured_dropout2d(py::handle x, double p, py::handle key, py::handle out) {
  const CapturedCall<DropoutKey> captured("dropout2d", "key", key);
  return dropout_planes(x, p, out, [&](const Planes& planes, const auto* from, auto* to) {
    cuda::dropout2d(planes, p, captured.value, from, to);
  });
}

inline void bind_captured_steps(py::module_& m) {
  m.def("captured_sgd_step", &captured_sgd_step, py::arg("params"), py::arg("grads"), py::arg("momentum_buffers"),
        py::arg("constants"));
  m.def("captured_rmsprop_step", &captured_rmsprop_step, py::arg("params"), py::arg("grads"), py::arg("square_avgs"),
        py::arg("grad_avgs"), py::arg("momentum_buffers"), py::arg("constants"));
  m.def("captured_adagrad_step", &captured_adagrad_step, py::arg("params"), py::arg("grads"), py::arg("sums"),
        py::arg("constants"));
  m.def("captured_adam_step", &captured_adam_step, py::arg("params"), py::arg("grads"), py::arg("exp_avgs"),
        py::arg("exp_avg_sqs"), py::arg("max_exp_avg_sqs"), py::arg("constants"));
}

inline void bind_captured(py::module_& m) {
  m.def(
      "sgd_constants", [](const SGDOptions& o) { return bytes_of(sgd_constants<float>(o), sgd_constants<double>(o)); },
      py::arg("options"));
  m.def(
      "rmsprop_constants",
      [](const RMSpropOptions& o) { return bytes_of(rmsprop_constants<float>(o), rmsprop_constants<double>(o)); },
      py::arg("options"));
  m.def(
      "adagrad_constants",
      [](const AdagradOptions& o) { return bytes_of(adagrad_constants<float>(o), adagrad_constants<double>(o)); },
      py::arg("options"));
  m.def(
      "adam_constants",
      [](const AdamOptions& o) { return bytes_of(adam_constants<float>(o), adam_constants<double>(o)); },
      py::arg("options"));
  bind_captured_steps(m);
  m.def("captured_dropout", &captured_dropout, py::arg("x"), py::arg("p"), py::arg("key"), py::arg("out"));
  m.def("captured_dropout2d", &captured_dropout2d, py::arg("x"), py::arg("p"), py::arg("key"), py::arg("out"));
}

}  // namespace fastnn::bindings
