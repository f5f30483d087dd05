#define FASTNN_NAMESPACE neon
#include "cpu/simd/vec_neon.h"

namespace fastnn::cpu::neon {
inline constexpr int tile_rows = 8, tile_vectors = 3;
}

#include "cpu/kernels/table.h"
