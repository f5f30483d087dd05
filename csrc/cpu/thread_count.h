// How many threads to use where nobody has said: FASTNN_NUM_THREADS, or the processors that the scheduler's
// affinity mask and the control group's quota leave to this process.
#pragma once

#include <optional>
#include <string>

namespace fastnn::cpu {

inline constexpr int max_threads = 1024;

// In [1, max_threads]. Throws std::invalid_argument where FASTNN_NUM_THREADS is not such a number.
int default_num_threads();

// Processors in the affinity mask.
int affinity_cpus();

// Smallest quota on the way from this process's control group to the root, in processors rounded up; empty
// where there is none. `root` is the folder that holds proc/ and sys/.
std::optional<int> cgroup_cpus(const std::string& root);

}  // namespace fastnn::cpu
