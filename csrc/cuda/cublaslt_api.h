// As much of cuBLASLt's C interface as is used, with declarations of its own: tests compare them with the real header
// where that is installed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastnn::cuda::lt {

using Status = int;
inline constexpr Status success = 0, not_supported = 15;
inline constexpr int compute_32f = 68, compute_32f_fast_tf32 = 77, compute_64f = 70;
inline constexpr int real_32f = 0, real_64f = 1;
inline constexpr int32_t keep = 0, transpose = 1;
inline constexpr int epilogue_default = 1, epilogue_relu = 2, epilogue_bias = 4;  // the last two may be combined
inline constexpr int desc_transpose_a = 3, desc_transpose_b = 4, desc_epilogue = 7, desc_bias_pointer = 8;
inline constexpr int layout_batch_count = 5, layout_batch_step = 6;
inline constexpr int preference_workspace = 1, preference_alignment_a = 5, preference_alignment_b = 6,
                     preference_alignment_c = 7, preference_alignment_d = 8;

using Handle = struct HandleObject*;
using Desc = struct DescObject*;
using Layout = struct LayoutObject*;
using Preference = struct PreferenceObject*;

struct Algorithm {
  uint64_t data[8];
};

struct Heuristic {
  Algorithm algorithm;
  size_t workspace;
  Status state;
  float waves;
  int reserved[4];
};

// F(member, the library's name, type)
#define FASTNN_FOR_EACH_CUBLASLT_FUNCTION(F)                                                                  \
  F(create, cublasLtCreate, Status (*)(Handle*))                                                              \
  F(status_name, cublasLtGetStatusName, const char* (*)(Status))                                              \
  F(desc_create, cublasLtMatmulDescCreate, Status (*)(Desc*, int compute, int scale))                         \
  F(desc_set, cublasLtMatmulDescSetAttribute, Status (*)(Desc, int, const void*, size_t))                     \
  F(desc_destroy, cublasLtMatmulDescDestroy, Status (*)(Desc))                                                \
  F(layout_create, cublasLtMatrixLayoutCreate, Status (*)(Layout*, int type, uint64_t, uint64_t, int64_t))    \
  F(layout_set, cublasLtMatrixLayoutSetAttribute, Status (*)(Layout, int, const void*, size_t))               \
  F(layout_destroy, cublasLtMatrixLayoutDestroy, Status (*)(Layout))                                          \
  F(preference_create, cublasLtMatmulPreferenceCreate, Status (*)(Preference*))                               \
  F(preference_set, cublasLtMatmulPreferenceSetAttribute, Status (*)(Preference, int, const void*, size_t))   \
  F(preference_destroy, cublasLtMatmulPreferenceDestroy, Status (*)(Preference))                              \
  F(heuristics, cublasLtMatmulAlgoGetHeuristic,                                                               \
    Status (*)(Handle, Desc, Layout, Layout, Layout, Layout, Preference, int wanted, Heuristic*, int* found)) \
  F(matmul, cublasLtMatmul,                                                                                   \
    Status (*)(Handle, Desc, const void* alpha, const void*, Layout, const void*, Layout, const void* beta,   \
               const void*, Layout, void*, Layout, const Algorithm*, void* workspace, size_t, void* stream))

template <class Function>
using Member = Function;

struct Functions {
#define FASTNN_MEMBER(member, name, ...) Member<__VA_ARGS__> member = nullptr;
  FASTNN_FOR_EACH_CUBLASLT_FUNCTION(FASTNN_MEMBER)
#undef FASTNN_MEMBER
};

}  // namespace fastnn::cuda::lt
