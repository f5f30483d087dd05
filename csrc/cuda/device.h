// The device as the bindings see it; plain C++.
#pragma once

#include <string>

namespace fastnn::cuda {

// Why nothing can run here, by the CUDA error's name; empty where a device is at hand.
std::string reason_unavailable();

// 0 where there is none.
int device_count();

// Waits for the stream of the call, and throws for the first wrong index value that kernels have met on this device
// since the last time.
void synchronize();

}  // namespace fastnn::cuda
