// The one list of elementwise activations; the enum, the kernels, the bindings and the costs follow from it.
// Without includes, because the units of the instruction sets see it.
#pragma once

namespace fastnn {

// X(name, kernel, what the backward takes besides grad_output, names of up to two parameters, cost)
// The backward takes the output y where the derivative is cheaper by it (relu, sigmoid, tanh), else the input x.
// The cost is that of an element in FLOPs, of memory traffic too.
#define FASTNN_FOR_EACH_ACTIVATION(X)                         \
  X(relu, ReLU, "y", nullptr, nullptr, 4)                     \
  X(relu6, ReLU6, "x", nullptr, nullptr, 4)                   \
  X(leaky_relu, LeakyReLU, "x", "negative_slope", nullptr, 4) \
  X(hardtanh, Hardtanh, "x", "min_val", "max_val", 4)         \
  X(hardsigmoid, Hardsigmoid, "x", "alpha", "beta", 4)        \
  X(sigmoid, Sigmoid, "y", nullptr, nullptr, 16)              \
  X(tanh, Tanh, "y", nullptr, nullptr, 16)                    \
  X(silu, SiLU, "x", nullptr, nullptr, 16)                    \
  X(gelu, GELU, "x", nullptr, nullptr, 32)                    \
  X(gelu_tanh, GELUTanh, "x", nullptr, nullptr, 16)           \
  X(elu, ELU, "x", "alpha", nullptr, 16)                      \
  X(softplus, Softplus, "x", "beta", "threshold", 32)         \
  X(logsigmoid, LogSigmoid, "x", nullptr, nullptr, 32)

enum class Activation {
#define FASTNN_NAME(name, ...) name,
  FASTNN_FOR_EACH_ACTIVATION(FASTNN_NAME)
#undef FASTNN_NAME
};

inline constexpr int activation_count = 0
#define FASTNN_ONE_MORE(...) +1
    FASTNN_FOR_EACH_ACTIVATION(FASTNN_ONE_MORE)
#undef FASTNN_ONE_MORE
    ;

// In the order of the list.
struct ActivationParameters {
  double first = 0.0, second = 0.0;
};

}  // namespace fastnn
