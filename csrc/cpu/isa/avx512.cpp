#define FASTNN_NAMESPACE avx512
#include "cpu/simd/vec_avx512.h"

namespace fastnn::cpu::avx512 {
inline constexpr int tile_rows = 14, tile_vectors = 2;
}

#include "cpu/kernels/table.h"
