// The default number of threads: environment, affinity, and control groups as laid out in a folder made here.
#include "cpu/thread_count.h"

#include <sched.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "check.h"
#include "cpu/parallel.h"

namespace cpu = fastnn::cpu;
namespace fs = std::filesystem;

namespace {

std::string refusal(const char* value) {
  setenv("FASTNN_NUM_THREADS", value, 1);
  try {
    cpu::num_threads();
    return "";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

void test_environment() {
  for (const char* value : {"", "0", "-2", "1025", "two", "4 ", " 4", "4.0", "99999999999999999999"}) {
    const std::string message = refusal(value);
    CHECK(message == "[FASTNN_NUM_THREADS] expected an integer from 1 to 1024, got '" + std::string(value) + "'");
  }
  setenv("FASTNN_NUM_THREADS", "7", 1);
  CHECK(cpu::default_num_threads() == 7);
  CHECK(cpu::num_threads() == 7);
  unsetenv("FASTNN_NUM_THREADS");
  CHECK(cpu::num_threads() == 7);  // read once
}

void test_affinity() {
  cpu_set_t before, one;
  sched_getaffinity(0, sizeof before, &before);
  CHECK(cpu::affinity_cpus() == CPU_COUNT(&before));
  CHECK(cpu::default_num_threads() >= 1 && cpu::default_num_threads() <= cpu::affinity_cpus());
  CPU_ZERO(&one);
  CPU_SET(static_cast<size_t>(sched_getcpu()), &one);
  sched_setaffinity(0, sizeof one, &one);
  CHECK(cpu::default_num_threads() == 1);
  sched_setaffinity(0, sizeof before, &before);
}

void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << text << "\n";
}

void test_control_groups(const fs::path& root) {
  const fs::path mount = root / "sys/fs/cgroup";
  CHECK(!cpu::cgroup_cpus(root));
  write(root / "proc/self/cgroup", "0::/job/step");
  CHECK(!cpu::cgroup_cpus(root));
  write(mount / "job/step/cpu.max", "max 100000");
  CHECK(!cpu::cgroup_cpus(root));
  write(mount / "job/cpu.max", "350000 100000");
  CHECK(cpu::cgroup_cpus(root) == 4);  // a parent's quota, rounded up
  write(mount / "job/step/cpu.max", "20000 100000");
  CHECK(cpu::cgroup_cpus(root) == 1);
  write(mount / "job/step/cpu.max", "900000 100000");
  CHECK(cpu::cgroup_cpus(root) == 4);
  write(mount / "cpu.max", "200000 100000");
  CHECK(cpu::cgroup_cpus(root) == 2);  // the mount point itself, as inside a container

  write(root / "proc/self/cgroup", "4:memory:/job\n3:cpu,cpuacct:/seen/by/the/host\n2:cpuset:/");
  CHECK(!cpu::cgroup_cpus(root));
  write(mount / "cpu/cpu.cfs_quota_us", "-1");
  write(mount / "cpu/cpu.cfs_period_us", "100000");
  CHECK(!cpu::cgroup_cpus(root));
  write(mount / "cpu/cpu.cfs_quota_us", "250000");
  CHECK(cpu::cgroup_cpus(root) == 3);
  write(root / "proc/self/cgroup", "nonsense\n3:cpu:/");
  CHECK(cpu::cgroup_cpus(root) == 3);
}

}  // namespace

int main() {
  test_environment();
  test_affinity();
  std::string folder = fs::temp_directory_path() / "fastnn_cgroup_XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) return 1;
  test_control_groups(folder);
  fs::remove_all(folder);
  return check::finish("test_thread_count");
}
