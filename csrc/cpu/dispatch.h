// The instruction set in use, chosen once: the best one of this processor, or the one FASTNN_ISA names.
#pragma once

#include <string>
#include <vector>

#include "cpu/kernel_table.h"

namespace fastnn::cpu {

// Throws std::invalid_argument where FASTNN_ISA is not the name of a supported instruction set.
const KernelTable& kernel_table();

// Names of the instruction sets that are built in and that this processor has, weakest first.
std::vector<std::string> supported_isas();

template <class T>
const Kernels<T>& kernels();
template <>
inline const Kernels<float>& kernels<float>() {
  return kernel_table().f32;
}
template <>
inline const Kernels<double>& kernels<double>() {
  return kernel_table().f64;
}

}  // namespace fastnn::cpu
