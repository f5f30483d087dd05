// Launches a kernel in the stream of the call. In place of <<<>>>, which the host shim could not read, and which
// checks nothing.
#pragma once

#include <algorithm>
#include <tuple>
#include <utility>

#include "cuda/check.cuh"
#include "cuda/context.h"

namespace fastnn::cuda {

struct Grid {
  dim3 blocks, threads;
  size_t shared_bytes = 0;  // dynamic shared memory
};

inline constexpr int block_threads = 256;  // where a kernel has no reason for another number

// Blocks for `items` threads or more, which stride over what is left beyond the largest grid.
inline Grid grid_for(int64_t items) {
  const int64_t blocks = (items + block_threads - 1) / block_threads;
  return {static_cast<unsigned>(std::min<int64_t>(blocks, 0x7FFFFFFF)), block_threads};
}

// Calls body with the type to count `items` by: division of 64 bits is many times slower.
template <class Body>
void with_index_type(int64_t items, const Body& body) {
  if (items <= 0x7FFFFFFF) {
    body(uint32_t{});
  } else {
    body(int64_t{});
  }
}

#ifdef __CUDACC__

template <class... Parameters>
void launch_converted(const char* name, void (*kernel)(Parameters...), const Grid& grid,
                      std::tuple<Parameters...>& values) {
  constexpr size_t shared_by_default = 48 << 10;
  const void* function = reinterpret_cast<const void*>(kernel);
  if (grid.shared_bytes > shared_by_default) {
    check(name, cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                     static_cast<int>(grid.shared_bytes)));
  }
  std::apply(
      [&](auto&... value) {
        void* addresses[] = {static_cast<void*>(&value)..., nullptr};
        check(name, cudaLaunchKernel(function, grid.blocks, grid.threads, addresses, grid.shared_bytes,
                                     static_cast<cudaStream_t>(context().stream)));
      },
      values);
}

#else

template <class... Parameters>
void launch_converted(const char* name, void (*kernel)(Parameters...), const Grid& grid,
                      std::tuple<Parameters...>& values) {
  const std::pair call{kernel, &values};
  const auto body = [](const void* of) {
    std::apply(*static_cast<decltype(&call)>(of)->first, *static_cast<decltype(&call)>(of)->second);
  };
  simt::launch(name, grid.blocks, grid.threads, grid.shared_bytes, body, &call);
}

#endif

// `name` is for errors. The arguments are converted to the kernel's parameter types; no blocks, no launch.
template <class... Parameters, class... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), const Grid& grid, const Arguments&... arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments));
  if (grid.blocks.x == 0 || grid.blocks.y == 0 || grid.blocks.z == 0) return;
  std::tuple<Parameters...> values{static_cast<Parameters>(arguments)...};
  launch_converted(name, kernel, grid, values);
}

}  // namespace fastnn::cuda
