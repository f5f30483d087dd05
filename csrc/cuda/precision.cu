#include "cuda/precision.h"

#include <atomic>

#include "ops/check.h"

namespace fastnn::cuda {
namespace {

std::atomic<MatmulPrecision> of_process{MatmulPrecision::fp32};

}  // namespace

MatmulPrecision parse_matmul_precision(std::string_view name) {
  if (name == "fp32") return MatmulPrecision::fp32;
  if (name == "3xtf32") return MatmulPrecision::three_tf32;
  if (name == "tf32") return MatmulPrecision::tf32;
  fail_value("matmul_precision", "expected precision \"fp32\", \"3xtf32\" or \"tf32\", got \"", name, "\"");
}

const char* name_of(MatmulPrecision precision) {
  if (precision == MatmulPrecision::fp32) return "fp32";
  return precision == MatmulPrecision::tf32 ? "tf32" : "3xtf32";
}

void set_matmul_precision(MatmulPrecision precision) { of_process = precision; }
MatmulPrecision matmul_precision() { return of_process; }

}  // namespace fastnn::cuda
