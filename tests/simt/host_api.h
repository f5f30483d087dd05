// The few functions of the CUDA runtime that csrc/cuda/context.cu calls: the device is the host, and a stream is done
// with its work when a launch returns.
#pragma once

#include <cstdlib>
#include <cstring>

using cudaStream_t = void*;
enum cudaError_t { cudaSuccess, cudaErrorMemoryAllocation, cudaErrorStreamCaptureUnsupported };
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };

inline const char* cudaGetErrorName(cudaError_t error) {
  return error == cudaSuccess                 ? "cudaSuccess"
         : error == cudaErrorMemoryAllocation ? "cudaErrorMemoryAllocation"
                                              : "cudaErrorStreamCaptureUnsupported";
}
inline const char* cudaGetErrorString(cudaError_t error) { return error == cudaSuccess ? "no error" : "refused"; }
inline cudaError_t cudaGetLastError() { return cudaSuccess; }

inline cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
inline cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
// What a stream that is being captured refuses; a test that sets this variable sees that a step does without it.
inline cudaError_t unless_capturing() {
  return std::getenv("FASTNN_SIMT_CAPTURE") ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
}
inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return unless_capturing(); }

template <class T>
cudaError_t cudaMalloc(T** memory, size_t bytes) {
  if (const cudaError_t refusal = unless_capturing()) return refusal;
  *memory = static_cast<T*>(std::malloc(bytes));
  return *memory ? cudaSuccess : cudaErrorMemoryAllocation;
}
inline cudaError_t cudaMemset(void* memory, int value, size_t bytes) {
  std::memset(memory, value, bytes);
  return cudaSuccess;
}
inline cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t) {
  return cudaMemset(memory, value, bytes);
}
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t) {
  // A graph would read the host's memory again at each replay, when it is somebody else's.
  if (kind != cudaMemcpyDeviceToDevice && unless_capturing()) return cudaErrorStreamCaptureUnsupported;
  std::memmove(to, from, bytes);
  return cudaSuccess;
}
