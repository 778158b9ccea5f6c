#include "engine/processors.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <locale>
#include <sched.h>
#include <thread>

#include "core/fork_safe.hpp"

namespace rondo::engine {

namespace {

Index processors_by_affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());  // more processors than a cpu_set_t holds
}

// Reads the numbers that a file begins with. A French global locale would take "100000 100000" for one number.
template <class... Numbers>
bool numbers_in(const std::string& path, Numbers&... numbers) {
  std::ifstream file;
  file.imbue(std::locale::classic());
  file.open(path);
  return static_cast<bool>((file >> ... >> numbers));
}

// The limit that one cgroup's folder states; 0 for none. Version 2 has "quota period" in one file and the word max for
// no limit, version 1 two files and -1.
Index limit_of(const std::string& folder) {
  double quota = 0, period = 0;
  if (!numbers_in(folder + "/cpu.max", quota, period)) {
    if (!numbers_in(folder + "/cpu.cfs_quota_us", quota) || !numbers_in(folder + "/cpu.cfs_period_us", period))
      return 0;
  }
  return quota > 0 && period > 0 ? static_cast<Index>(std::ceil(quota / period)) : 0;
}

// The least limit from /sys/fs/cgroup/<hierarchy><path> up to the hierarchy's root: a parent's quota binds its
// children. Inside a container the path may be the host's, which is not mounted here; the root then is the container's
// own group.
Index least_limit(const std::string& hierarchy, std::string path) {
  Index least = 0;
  while (true) {
    const Index limit = limit_of(hierarchy + path);
    if (limit > 0) least = least > 0 ? std::min(least, limit) : limit;
    if (path.empty()) return least;
    path.erase(path.find_last_of('/') == std::string::npos ? 0 : path.find_last_of('/'));
  }
}

}  // namespace

Index processors_by_cgroup(const std::string& root) {
  // Lines "id:controllers:path"; version 2 has one without controllers. The path of the root group is "/".
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool v2 = controllers == ",,", v1 = controllers.find(",cpu,") != std::string::npos;
    const Index limit =
        v1 || v2 ? least_limit(root + "/sys/fs/cgroup" + (v1 ? "/cpu" : ""), line.substr(second + 1)) : 0;
    if (limit > 0) return limit;
  }
  return 0;
}

Index available_processors() {
  static constinit Lazy<Index> once;
  const Index quota = once.get([] { return processors_by_cgroup(); });
  const Index affinity = processors_by_affinity();
  return quota > 0 ? std::min(affinity, quota) : affinity;
}

}  // namespace rondo::engine
