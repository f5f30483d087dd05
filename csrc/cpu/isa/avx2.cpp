#define FASTNN_NAMESPACE avx2
#include "cpu/simd/vec_avx2.h"

namespace fastnn::cpu::avx2 {
inline constexpr int tile_rows = 6, tile_vectors = 2;
}

#include "cpu/kernels/table.h"
