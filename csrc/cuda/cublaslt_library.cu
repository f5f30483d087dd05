#include "cuda/cublaslt_library.h"

#include <dlfcn.h>

#include <mutex>
#include <stdexcept>

#include "cuda/cublaslt.h"
#include "cuda/device.cuh"
#include "ops/check.h"

namespace fastnn::cuda {
namespace {

struct State {
  std::mutex mutex;
  bool wanted = true, tried = false, found = false;
  std::string path, reason;
  lt::Functions functions;
};

State& state() {
  static State one;
  return one;
}

// What another library of the process uses comes first: two copies would cost memory, and time to start.
void* open(const std::string& path) {
#ifdef __CUDACC__
  constexpr const char* name = "libcublasLt.so.13";
  if (void* library = dlopen(name, RTLD_NOW | RTLD_NOLOAD)) return library;
  if (!path.empty()) {
    if (void* library = dlopen(path.c_str(), RTLD_NOW)) return library;
  }
  return dlopen(name, RTLD_NOW);
#else
  return path.empty() ? nullptr : dlopen(path.c_str(), RTLD_NOW);
#endif
}

std::string last_error() {
  const char* text = dlerror();
  return text ? text : "no path was given";
}

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

// The library stays open.
std::string load(State& s) {
  void* library = open(s.path);
  if (!library) return concat("cuBLASLt 13 was not found (", last_error(), "): pip install nvidia-cublas");
#define FASTNN_FIND(member, name, ...) \
  if (!find(library, #name, s.functions.member)) return "cuBLASLt has no function " #name;
  FASTNN_FOR_EACH_CUBLASLT_FUNCTION(FASTNN_FIND)
#undef FASTNN_FIND
  return "";
}

void try_once(State& s) {
  if (s.tried) return;
  s.reason = load(s);
  s.found = s.reason.empty();
  s.tried = true;
}

}  // namespace

void set_cublaslt(bool use) {
  const std::lock_guard lock(state().mutex);
  state().wanted = use;
}

void set_cublaslt_path(const std::string& path) {
  const std::lock_guard lock(state().mutex);
  state().path = path;
  state().tried = state().found;
}

std::string reason_without_cublaslt() {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  if (!s.wanted) return "cuBLASLt is switched off";
  try_once(s);
  return s.reason;
}

namespace lt {

const Functions* library() {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  if (!s.wanted) return nullptr;
  try_once(s);
  return s.found ? &s.functions : nullptr;
}

void check(const Functions& lt, const char* function, Status status) {
  if (status != success) throw std::runtime_error(concat(function, ": ", lt.status_name(status)));
}

}  // namespace lt
}  // namespace fastnn::cuda
