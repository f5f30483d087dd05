// How float32 products may be computed on tensor cores; plain C++, for bindings. A class is what is allowed: where
// cuBLASLt is not at hand, products are those of fp32.
#pragma once

#include <string_view>

namespace fastnn::cuda {

enum class MatmulPrecision {
  fp32,
  three_tf32,  // "3xtf32": three products of operands split into two tf32 parts, nearly as accurate as fp32; infinite
               // operands may give NaN
  tf32,        // one product of operands rounded to 10 bits of mantissa
};

MatmulPrecision parse_matmul_precision(std::string_view name);
const char* name_of(MatmulPrecision precision);

// Of the whole process; fp32 at first.
void set_matmul_precision(MatmulPrecision precision);
MatmulPrecision matmul_precision();

}  // namespace fastnn::cuda
