// Finds cuBLASLt and its functions.
#pragma once

#include <string>

#include "cuda/cublaslt_api.h"

namespace fastnn::cuda::lt {

// Null where it is not found or not wanted.
const Functions* library();

// Throws for an error, naming the function.
void check(const Functions& lt, const char* function, Status status);

}  // namespace fastnn::cuda::lt
