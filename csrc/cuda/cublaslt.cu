#include "cuda/cublaslt.h"

#include <bit>
#include <optional>
#include <span>

#include "cuda/cublaslt_library.h"
#include "cuda/cublaslt_plan.h"
#include "cuda/launch.cuh"
#include "cuda/math.cuh"
#include "cuda/precision.h"
#include "cuda/tf32.cuh"

namespace fastnn::cuda {
namespace {

// c (count matrices of M x N): cuBLASLt's epilogues know a bias of columns only.
template <class T>
__global__ void row_bias_kernel(int64_t elements, int64_t M, int64_t N, const T* bias, bool relu, T* c) {
  for (int64_t i = thread_of_grid(); i < elements; i += threads_of_grid()) {
    const T value = bias ? c[i] + bias[i / N % M] : c[i];
    c[i] = relu ? larger(T(0), value) : value;
  }
}

__global__ void split_kernel(int64_t n, const float* x, float* big, float* small) {
  for (int64_t i = thread_of_grid(); i < n; i += threads_of_grid()) {
    const Tf32Parts parts = split_to_tf32(x[i]);
    big[i] = parts.big;
    small[i] = parts.small;
  }
}

int64_t alignment(const void* memory) {
  constexpr int64_t most = 256;
  const auto address = reinterpret_cast<uintptr_t>(memory);
  return std::min(most, int64_t{1} << std::min(62, std::countr_zero(uint64_t{address})));
}

// A factor of rows x columns, not transposed, as the other side's transposed matrix.
template <class T>
lt::Matrix matrix(const Factor<T>& f, int64_t rows, int64_t columns) {
  const bool t = f.transposed;
  return {t ? rows : columns, t ? columns : rows, f.line, f.step, t, alignment(f.data)};
}

template <class T>
lt::Shape shape_of(const Gemm<T>& g, bool tf32) {
  int device = 0;
  check("cudaGetDevice", cudaGetDevice(&device));
  const bool whole_epilogue = !g.row_bias;
  int epilogue = (g.relu && whole_epilogue ? lt::epilogue_relu : 0) | (g.column_bias ? lt::epilogue_bias : 0);
  if (epilogue == 0) epilogue = lt::epilogue_default;
  const bool is_double = sizeof(T) == 8;
  return {device,
          is_double ? lt::compute_64f
          : tf32    ? lt::compute_32f_fast_tf32
                    : lt::compute_32f,
          is_double ? lt::real_64f : lt::real_32f,
          epilogue,
          g.batch,
          matrix(g.b, g.K, g.N),
          matrix(g.a, g.M, g.K),
          {g.N, g.M, g.N, g.M * g.N, false, alignment(g.c)}};
}

template <class T>
void run(const lt::Functions& lt, lt::Plan& p, const Gemm<T>& g, void* workspace) {
  if (g.column_bias) {
    lt::check(lt, "cublasLtMatmulDescSetAttribute",
              lt.desc_set(p.desc.get(), lt::desc_bias_pointer, &g.column_bias, sizeof(g.column_bias)));
  }
  const T alpha = T(1), beta = g.accumulate ? T(1) : T(0);
  lt::check(lt, "cublasLtMatmul",
            lt.matmul(p.handle, p.desc.get(), &alpha, g.b.data, p.first.get(), g.a.data, p.second.get(), &beta, g.c,
                      p.result.get(), g.c, p.result.get(), &p.choice.algorithm, workspace, p.choice.workspace,
                      context().stream));
}

// Of the largest of them; nothing where one of them is not supported.
template <class T>
std::optional<size_t> workspace_bytes(const lt::Functions& lt, bool tf32, std::span<const Gemm<T>> products) {
  const std::lock_guard lock(lt::plan_lock());
  size_t bytes = 0;
  for (const Gemm<T>& g : products) {
    const lt::Plan& p = lt::plan(lt, shape_of(g, tf32));
    if (!p.supported) return std::nullopt;
    bytes = std::max(bytes, p.choice.workspace);
  }
  return bytes;
}

// All of the products, or none of them. Memory is asked for without the lock: that may wait for Python, and Python
// for the lock.
template <class T>
bool run_all(const lt::Functions& lt, bool tf32, std::span<const Gemm<T>> products) {
  const auto bytes = workspace_bytes(lt, tf32, products);
  if (!bytes) return false;
  void* workspace = *bytes > 0 ? scratch<char>(static_cast<int64_t>(*bytes)) : nullptr;
  const std::lock_guard lock(lt::plan_lock());
  for (const Gemm<T>& g : products) run(lt, lt::plan(lt, shape_of(g, tf32)), g, workspace);
  return true;
}

struct SplitFactor {
  Factor<float> big, small;
};

SplitFactor split(const char* name, const Factor<float>& f, int64_t lines, int64_t batch) {
  const int64_t n = lines * f.line + (batch - 1) * f.step;
  SplitFactor parts{f, f};
  auto *big = scratch<float>(n), *small = scratch<float>(n);
  parts.big.data = big;
  parts.small.data = small;
  launch(name, &split_kernel, grid_for(n), n, f.data, big, small);
  return parts;
}

// The smallest terms first.
bool run_3xtf32(const lt::Functions& lt, const Gemm<float>& g) {
  const SplitFactor a = split(g.name, g.a, g.a.transposed ? g.K : g.M, g.batch);
  const SplitFactor b = split(g.name, g.b, g.b.transposed ? g.N : g.K, g.batch);
  Gemm<float> first = g, second = g, last = g;
  first.a = a.small;
  first.b = b.big;
  first.column_bias = nullptr;
  first.relu = false;
  second = first;
  second.a = a.big;
  second.b = b.small;
  last.a = a.big;
  last.b = b.big;
  second.accumulate = last.accumulate = true;
  const Gemm<float> products[] = {first, second, last};
  return run_all<float>(lt, true, products);
}

bool run_by_precision(const lt::Functions& lt, const Gemm<double>& g) { return run_all<double>(lt, false, {&g, 1}); }

bool run_by_precision(const lt::Functions& lt, const Gemm<float>& g) {
  const MatmulPrecision precision = matmul_precision();
  if (precision == MatmulPrecision::three_tf32) return run_3xtf32(lt, g);
  return run_all<float>(lt, precision == MatmulPrecision::tf32, {&g, 1});
}

}  // namespace

template <class T>
bool cublaslt_gemm(const Gemm<T>& g) {
  const lt::Functions* lt = lt::library();
  if (!lt || g.M == 0 || g.N == 0 || g.K == 0 || g.batch == 0) return false;
  if (!run_by_precision(*lt, g)) return false;
  if (g.row_bias) {
    const int64_t elements = g.batch * g.M * g.N;
    launch(g.name, &row_bias_kernel<T>, grid_for(elements), elements, g.M, g.N, g.row_bias, g.relu, g.c);
  }
  return true;
}

template bool cublaslt_gemm(const Gemm<float>&);
template bool cublaslt_gemm(const Gemm<double>&);

}  // namespace fastnn::cuda
