// What losses of resolved labels share on the CPU.
#pragma once

#include <cstdint>

namespace fastnn::cpu {

// The sum of the weights of the labels used, which a weighted mean divides by; without weights their number.
template <class T>
double sum_label_weights(const int64_t* labels, int64_t count, const T* weight);

}  // namespace fastnn::cpu
