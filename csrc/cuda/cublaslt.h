// Matrix products by cuBLASLt, which is opened at run time and not needed to build; plain C++, for bindings.
#pragma once

#include <string>

namespace fastnn::cuda {

// Whether products go through it where it is found; true at first.
void set_cublaslt(bool use);

// A file to try after what the process has loaded already, and before the system's libraries: the wheel's. Tries again
// where nothing was found before.
void set_cublaslt_path(const std::string& path);

// Why it is not used; empty where it is.
std::string reason_without_cublaslt();

template <class T>
struct Gemm;

// false where it is not used, or does not know such a product; nothing has been written then.
template <class T>
bool cublaslt_gemm(const Gemm<T>& product);

}  // namespace fastnn::cuda
