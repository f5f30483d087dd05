// The declarations of csrc/cuda/cublaslt_api.h against the real header: it compiles, or it does not.
#include <cublasLt.h>

#include <type_traits>

#include "cuda/cublaslt_api.h"

using namespace fastnn::cuda::lt;

// A call looks the same to both sides: pointers for pointers, numbers of one size for numbers.
template <class A, class B>
constexpr bool same_value = sizeof(A) == sizeof(B) && std::is_pointer_v<A> == std::is_pointer_v<B> &&
                            std::is_floating_point_v<A> == std::is_floating_point_v<B>;

template <class A, class B>
struct SameCall : std::false_type {};
template <class A, class... As, class B, class... Bs>
  requires(sizeof...(As) == sizeof...(Bs))
struct SameCall<A (*)(As...), B (*)(Bs...)> : std::bool_constant<same_value<A, B> && (same_value<As, Bs> && ...)> {};

#define CHECK_FUNCTION(member, name, ...) static_assert(SameCall<decltype(&name), __VA_ARGS__>::value, #name);
FASTNN_FOR_EACH_CUBLASLT_FUNCTION(CHECK_FUNCTION)

static_assert(success == CUBLAS_STATUS_SUCCESS && not_supported == CUBLAS_STATUS_NOT_SUPPORTED);
static_assert(compute_32f == CUBLAS_COMPUTE_32F && compute_32f_fast_tf32 == CUBLAS_COMPUTE_32F_FAST_TF32);
static_assert(compute_64f == CUBLAS_COMPUTE_64F && real_32f == CUDA_R_32F && real_64f == CUDA_R_64F);
static_assert(keep == CUBLAS_OP_N && transpose == CUBLAS_OP_T);
static_assert(epilogue_default == CUBLASLT_EPILOGUE_DEFAULT && epilogue_relu == CUBLASLT_EPILOGUE_RELU);
static_assert(epilogue_bias == CUBLASLT_EPILOGUE_BIAS &&
              (epilogue_relu | epilogue_bias) == CUBLASLT_EPILOGUE_RELU_BIAS);
static_assert(desc_transpose_a == CUBLASLT_MATMUL_DESC_TRANSA && desc_transpose_b == CUBLASLT_MATMUL_DESC_TRANSB);
static_assert(desc_epilogue == CUBLASLT_MATMUL_DESC_EPILOGUE && desc_bias_pointer == CUBLASLT_MATMUL_DESC_BIAS_POINTER);
static_assert(layout_batch_count == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT &&
              layout_batch_step == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET);
static_assert(preference_workspace == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES);
static_assert(preference_alignment_a == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES &&
              preference_alignment_b == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES &&
              preference_alignment_c == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES &&
              preference_alignment_d == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES);

using RealHeuristic = cublasLtMatmulHeuristicResult_t;
static_assert(sizeof(Algorithm) == sizeof(cublasLtMatmulAlgo_t) && sizeof(Heuristic) == sizeof(RealHeuristic));
static_assert(offsetof(Heuristic, algorithm) == offsetof(RealHeuristic, algo) &&
              offsetof(Heuristic, workspace) == offsetof(RealHeuristic, workspaceSize) &&
              offsetof(Heuristic, state) == offsetof(RealHeuristic, state) &&
              offsetof(Heuristic, waves) == offsetof(RealHeuristic, wavesCount));

int main() { return 0; }
