#include "cuda/context.h"

#include <array>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "cuda/check.cuh"
#include "cuda/device.h"
#include "cuda/offences.h"

namespace fastnn::cuda {
namespace {

constexpr size_t most_devices = 64;

struct Checks {
  std::mutex mutex;
  std::unordered_map<std::string, int> numbers;
  std::vector<Refuse> refusals;  // of check number i + 1
};

Checks& checks() {
  static Checks all;
  return all;
}

Offence* new_record() {
  Offence* record = nullptr;
  check("offence record", cudaMalloc(&record, sizeof(Offence)));
  check("offence record", cudaMemset(record, 0, sizeof(Offence)));
  return record;
}

// Of this device, null where nobody asked for it yet.
Offence*& record_of_device() {
  static std::array<Offence*, most_devices> records{};
  int device = 0;
  check("cudaGetDevice", cudaGetDevice(&device));
  return records.at(static_cast<size_t>(device));
}

[[noreturn]] void refuse(const Offence& offence) {
  Refuse throw_it;
  {
    const std::lock_guard lock(checks().mutex);
    throw_it = checks().refusals.at(static_cast<size_t>(offence.check - 1));
  }
  throw_it(offence);
  throw std::logic_error("[synchronize] expected the check of a wrong value to throw");
}

}  // namespace

Context& context() {
  thread_local Context of_this_thread;
  return of_this_thread;
}

Offence* offence_record() {
  const std::lock_guard lock(checks().mutex);
  Offence*& record = record_of_device();
  if (!record) record = new_record();
  return record;
}

int register_check(const std::string& key, const Refuse& refuse) {
  Checks& all = checks();
  const std::lock_guard lock(all.mutex);
  const auto [at, is_new] = all.numbers.try_emplace(key, static_cast<int>(all.refusals.size()) + 1);
  if (is_new) all.refusals.push_back(refuse);
  return at->second;
}

std::string reason_unavailable() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) {
    cudaGetLastError();
    return error_text(error);
  }
  return count > 0 ? "" : "cudaErrorNoDevice: no CUDA-capable device is detected";
}

int device_count() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) cudaGetLastError();
  return error == cudaSuccess ? count : 0;
}

void synchronize() {
  const auto stream = static_cast<cudaStream_t>(context().stream);
  Offence* record = offence_record();
  Offence found{};
  check("synchronize", cudaMemcpyAsync(&found, record, sizeof(found), cudaMemcpyDeviceToHost, stream));
  check("synchronize", cudaStreamSynchronize(stream));
  if (found.check == 0) return;
  check("synchronize", cudaMemsetAsync(record, 0, sizeof(Offence), stream));
  check("synchronize", cudaStreamSynchronize(stream));
  refuse(found);
}

}  // namespace fastnn::cuda
