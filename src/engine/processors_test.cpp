#include "engine/processors.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sched.h>
#include <string>
#include <thread>
#include <unistd.h>

#include <rondo/compute.hpp>

#include "support/other_locale.hpp"

namespace rondo::engine {
namespace {

// A folder with the files that tell a process its limits.
class Cgroups : public testing::Test {
 protected:
  ~Cgroups() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  Index processors() const { return processors_by_cgroup(root_); }

 private:
  std::string root_ = std::filesystem::temp_directory_path() / ("rondo_cgroups_" + std::to_string(getpid()));
};

TEST_F(Cgroups, NoFilesOrNoQuotaMeansNoLimit) {
  EXPECT_EQ(processors(), 0);
  write("/proc/self/cgroup", "0::/\n");
  write("/sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(processors(), 0);
}

TEST_F(Cgroups, AQuotaIsReadWhateverTheLocale) {
  write("/proc/self/cgroup", "0::/\n");
  write("/sys/fs/cgroup/cpu.max", "300000 100000\n");
  const test::OtherLocale other;  // where a blank may group the digits of one number
  EXPECT_EQ(processors(), 3);
}

TEST_F(Cgroups, AContainersRootIsItsOwnGroup) {
  write("/proc/self/cgroup", "0::/\n");
  write("/sys/fs/cgroup/cpu.max", "150000 100000\n");
  EXPECT_EQ(processors(), 2) << "one and a half, rounded up";
}

TEST_F(Cgroups, AServiceIsLimitedByItsGroupAndByThoseAroundIt) {
  write("/proc/self/cgroup", "0::/system.slice/forecast.service\n");
  write("/sys/fs/cgroup/system.slice/cpu.max", "300000 100000\n");
  EXPECT_EQ(processors(), 3);
  write("/sys/fs/cgroup/system.slice/forecast.service/cpu.max", "100000 100000\n");
  EXPECT_EQ(processors(), 1);
  write("/sys/fs/cgroup/system.slice/forecast.service/cpu.max", "800000 100000\n");
  EXPECT_EQ(processors(), 3);
}

TEST_F(Cgroups, VersionOneHasAHierarchyForTheProcessor) {
  write("/proc/self/cgroup", "9:name=systemd:/\n5:memory:/box\n1:cpuacct,cpu:/box\n");
  write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(processors(), 0);
  write("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "400000\n");
  write("/sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(processors(), 4);
}

TEST(Processors, AThreadHeldOnOneProcessorCountsOneAndTheOthersAllTheirs) {
  const Index before = num_threads();
  Index held = 0;
  std::thread([&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(sched_getcpu()), &one);
    if (sched_setaffinity(0, sizeof one, &one) == 0) held = num_threads();
  }).join();
  EXPECT_EQ(held, 1);
  EXPECT_EQ(num_threads(), before);
}

}  // namespace
}  // namespace rondo::engine
