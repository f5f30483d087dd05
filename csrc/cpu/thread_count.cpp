// The default number of threads; see the header.
//
// Control groups: docs.kernel.org/admin-guide/cgroup-v2.html (cpu.max: "quota period" or "max period") and
// docs.kernel.org/scheduler/sched-bwc.html (version 1: a quota of -1 means none).
#include "cpu/thread_count.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <thread>

#include "cpu/environment.h"

namespace fastnn::cpu {
namespace {

using Quota = std::optional<double>;

// A quota of "max" or -1 reads as none.
Quota read_ratio(std::istream& quota, std::istream& period) {
  double allowed = 0, per = 0;
  if (quota >> allowed && period >> per && allowed > 0 && per > 0) return allowed / per;
  return std::nullopt;
}

Quota read_v2(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  return read_ratio(file, file);
}

Quota read_v1(const std::string& folder) {
  std::ifstream quota(folder + "/cpu.cfs_quota_us"), period(folder + "/cpu.cfs_period_us");
  return read_ratio(quota, period);
}

// A parent's quota binds its children, and inside a container the path may name folders that only the host
// sees: so every folder from `path` up to the mount point is asked.
Quota smallest_quota(const std::string& mount, std::string path, Quota (*read)(const std::string&)) {
  Quota smallest;
  while (true) {
    const Quota quota = read(mount + path);
    if (quota) smallest = std::min(*quota, smallest.value_or(*quota));
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos) return smallest;
    path.resize(slash);
  }
}

// A line of /proc/self/cgroup is "id:controllers:path"; version 2 has id 0 and no controllers.
Quota quota_of_line(const std::string& line, const std::string& mount) {
  const size_t first = line.find(':');
  const size_t second = line.find(':', first + 1);
  if (first == std::string::npos || second == std::string::npos) return std::nullopt;
  const std::string controllers = concat(",", line.substr(first + 1, second - first - 1), ",");
  const std::string path = line.substr(second + 1);
  if (controllers == ",,") return smallest_quota(mount, path, read_v2);
  if (controllers.find(",cpu,") != std::string::npos) return smallest_quota(mount + "/cpu", path, read_v1);
  return std::nullopt;
}

}  // namespace

int affinity_cpus() {
  cpu_set_t cpus;
  // Fails only on machines with more processors than cpu_set_t holds.
  if (sched_getaffinity(0, sizeof cpus, &cpus) == 0) return CPU_COUNT(&cpus);
  return static_cast<int>(std::thread::hardware_concurrency());
}

std::optional<int> cgroup_cpus(const std::string& root) {
  std::ifstream groups(root + "/proc/self/cgroup");
  Quota smallest;
  for (std::string line; std::getline(groups, line);) {
    const Quota quota = quota_of_line(line, root + "/sys/fs/cgroup");
    if (quota) smallest = std::min(*quota, smallest.value_or(*quota));
  }
  if (!smallest) return std::nullopt;
  return static_cast<int>(std::clamp(std::ceil(*smallest), 1.0, double{max_threads}));
}

int default_num_threads() {
  if (const auto wanted = environment_integer("FASTNN_NUM_THREADS", 1, max_threads)) {
    return static_cast<int>(*wanted);
  }
  const int cpus = std::clamp(affinity_cpus(), 1, max_threads);
  return std::min(cpus, cgroup_cpus("").value_or(cpus));
}

}  // namespace fastnn::cpu
