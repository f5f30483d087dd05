// What a call on the GPU runs on. The binding sets it up for the time of one call, and the drivers ask for it;
// plain C++, so that bindings need no CUDA header.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastnn::cuda {

struct Context {
  void* stream = nullptr;
  // Device memory in the stream's order, kept until the end of the call; throws where there is none left.
  void* (*allocate)(void* owner, size_t bytes) = nullptr;
  void* owner = nullptr;
};

// Of the call that this thread is in.
Context& context();

template <class T>
T* scratch(int64_t count) {
  Context& call = context();
  return static_cast<T*>(call.allocate(call.owner, static_cast<size_t>(count) * sizeof(T)));
}

}  // namespace fastnn::cuda
