#define FASTNN_NAMESPACE scalar
#include "cpu/simd/vec_scalar.h"

namespace fastnn::cpu::scalar {
inline constexpr int tile_rows = 4, tile_vectors = 2;
}

#include "cpu/kernels/table.h"
