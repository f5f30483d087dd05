// A cuBLASLt for host memory, by its documentation: column-major matrices, plain loops. It answers what a GPU would
// make hard to see: whether what it was told of memory is true, and which calls were made.
#include <cstring>
#include <new>

#include "cuda/cublaslt_api.h"

using namespace fastnn::cuda::lt;

extern "C" {
int fake_cublaslt_calls = 0;            // of cublasLtMatmul
Status fake_cublaslt_status = success;  // what it answers next
}

namespace fastnn::cuda::lt {

struct HandleObject {};
struct DescObject {
  int compute = 0, type = 0;
  int32_t transposed_a = keep, transposed_b = keep, epilogue = epilogue_default;
  const void* bias = nullptr;
};
struct LayoutObject {
  int type = 0;
  int64_t rows = 0, columns = 0, line = 0, step = 0;
  int32_t batch = 1;
};
struct PreferenceObject {
  uint64_t workspace = 0;
  uint32_t alignment[4] = {256, 256, 256, 256};
};

}  // namespace fastnn::cuda::lt

namespace {

constexpr Status invalid_value = 7;
constexpr size_t workspace_of_all = 64;

template <class Value>
Status set(Value& to, const void* from, size_t bytes) {
  if (bytes != sizeof(Value)) return invalid_value;
  std::memcpy(&to, from, bytes);
  return success;
}

bool is_aligned(const void* memory, uint64_t to) { return reinterpret_cast<uintptr_t>(memory) % to == 0; }

// As tensor cores read a float: without its last 13 bits.
template <class T>
T read(T value, int compute) {
  if constexpr (sizeof(T) == 4) {
    uint32_t bits = 0;
    std::memcpy(&bits, &value, 4);
    if (compute == compute_32f_fast_tf32) bits &= 0xFFFFE000;
    std::memcpy(&value, &bits, 4);
  }
  return value;
}

template <class T>
struct Operand {
  const T* data;
  const LayoutObject& layout;
  bool transposed;
  T operator()(int64_t row, int64_t column, int compute) const {
    return read(transposed ? data[row * layout.line + column] : data[column * layout.line + row], compute);
  }
};

template <class T>
void multiply(const DescObject& desc, const Operand<T>& a, const Operand<T>& b, T beta, const LayoutObject& d, T* to) {
  const int64_t depth = a.transposed ? a.layout.rows : a.layout.columns;
  for (int64_t j = 0; j < d.columns; ++j) {
    for (int64_t i = 0; i < d.rows; ++i) {
      double sum = 0;
      for (int64_t k = 0; k < depth; ++k) sum += double{a(i, k, desc.compute)} * double{b(k, j, desc.compute)};
      T& result = to[j * d.line + i];
      if (beta != T(0)) sum += static_cast<double>(beta) * static_cast<double>(result);
      if (desc.epilogue & epilogue_bias) sum += static_cast<double>(static_cast<const T*>(desc.bias)[i]);
      result = static_cast<T>((desc.epilogue & epilogue_relu) && sum < 0 ? 0 : sum);
    }
  }
}

template <class T>
void multiply_batch(const DescObject& desc, const void* a, const LayoutObject& a_layout, const void* b,
                    const LayoutObject& b_layout, const void* beta, const LayoutObject& d, void* to) {
  for (int32_t n = 0; n < d.batch; ++n) {
    multiply<T>(desc, {static_cast<const T*>(a) + n * a_layout.step, a_layout, desc.transposed_a == transpose},
                {static_cast<const T*>(b) + n * b_layout.step, b_layout, desc.transposed_b == transpose},
                *static_cast<const T*>(beta), d, static_cast<T*>(to) + n * d.step);
  }
}

}  // namespace

extern "C" {

Status cublasLtCreate(Handle* handle) {
  static HandleObject only;
  *handle = &only;
  return success;
}

const char* cublasLtGetStatusName(Status status) {
  return status == invalid_value ? "CUBLAS_STATUS_INVALID_VALUE" : "CUBLAS_STATUS_EXECUTION_FAILED";
}

Status cublasLtMatmulDescCreate(Desc* desc, int compute, int type) {
  *desc = new DescObject{.compute = compute, .type = type};
  return success;
}
Status cublasLtMatmulDescDestroy(Desc desc) {
  delete desc;
  return success;
}
Status cublasLtMatmulDescSetAttribute(Desc desc, int attribute, const void* value, size_t bytes) {
  if (attribute == desc_transpose_a) return set(desc->transposed_a, value, bytes);
  if (attribute == desc_transpose_b) return set(desc->transposed_b, value, bytes);
  if (attribute == desc_epilogue) return set(desc->epilogue, value, bytes);
  if (attribute == desc_bias_pointer) return set(desc->bias, value, bytes);
  return invalid_value;
}

Status cublasLtMatrixLayoutCreate(Layout* layout, int type, uint64_t rows, uint64_t columns, int64_t line) {
  *layout = new LayoutObject{type, static_cast<int64_t>(rows), static_cast<int64_t>(columns), line};
  return line < static_cast<int64_t>(rows) ? invalid_value : success;
}
Status cublasLtMatrixLayoutDestroy(Layout layout) {
  delete layout;
  return success;
}
Status cublasLtMatrixLayoutSetAttribute(Layout layout, int attribute, const void* value, size_t bytes) {
  if (attribute == layout_batch_count) return set(layout->batch, value, bytes);
  if (attribute == layout_batch_step) return set(layout->step, value, bytes);
  return invalid_value;
}

Status cublasLtMatmulPreferenceCreate(Preference* preference) {
  *preference = new PreferenceObject;
  return success;
}
Status cublasLtMatmulPreferenceDestroy(Preference preference) {
  delete preference;
  return success;
}
Status cublasLtMatmulPreferenceSetAttribute(Preference preference, int attribute, const void* value, size_t bytes) {
  if (attribute == preference_workspace) return set(preference->workspace, value, bytes);
  if (attribute < preference_alignment_a || attribute > preference_alignment_d) return invalid_value;
  return set(preference->alignment[attribute - preference_alignment_a], value, bytes);
}

// The first choice cannot be used, and the algorithm holds what was said of the memory. Doubles have no epilogue.
Status cublasLtMatmulAlgoGetHeuristic(Handle, Desc desc, Layout a, Layout b, Layout, Layout d, Preference preference,
                                      int wanted, Heuristic* results, int* found) {
  const int64_t depth = desc->transposed_a == transpose ? a->rows : a->columns;
  const int64_t other_depth = desc->transposed_b == transpose ? b->columns : b->rows;
  const int64_t rows = desc->transposed_a == transpose ? a->columns : a->rows;
  if (depth != other_depth || rows != d->rows || wanted < 2) return invalid_value;
  if (desc->type == real_64f && desc->epilogue != epilogue_default) return not_supported;
  if (preference->workspace < workspace_of_all) return not_supported;
  *found = 2;
  results[0].state = not_supported;
  results[1] = {};
  results[1].workspace = workspace_of_all;
  for (int i = 0; i < 4; ++i) results[1].algorithm.data[i] = preference->alignment[i];
  return success;
}

Status cublasLtMatmul(Handle, Desc desc, const void*, const void* a, Layout a_layout, const void* b, Layout b_layout,
                      const void* beta, const void* c, Layout, void* d, Layout d_layout, const Algorithm* algorithm,
                      void* workspace, size_t workspace_bytes, void*) {
  ++fake_cublaslt_calls;
  if (fake_cublaslt_status != success) return fake_cublaslt_status;
  if (!is_aligned(a, algorithm->data[0]) || !is_aligned(b, algorithm->data[1]) || !is_aligned(d, algorithm->data[3])) {
    return invalid_value;
  }
  if (c != d || workspace_bytes < workspace_of_all) return invalid_value;
  std::memset(workspace, 1, workspace_of_all);
  if (desc->type == real_64f) {
    multiply_batch<double>(*desc, a, *a_layout, b, *b_layout, beta, *d_layout, d);
  } else {
    multiply_batch<float>(*desc, a, *a_layout, b, *b_layout, beta, *d_layout, d);
  }
  return success;
}

}  // extern "C"
