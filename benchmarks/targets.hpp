// Walks the instruction sets of code that was compiled with Highway's foreach_target.
#pragma once

#include <cstdint>
#include <hwy/targets.h>

namespace rondo::benchmarks {

// f() for each target that is in `compiled` and that this processor has, the best first, while HWY_DYNAMIC_DISPATCH
// leads to it. The choice is the process's, so this is for the start of a program.
template <class F>
void for_each_target(std::int64_t compiled, F&& f) {
  const auto choose = [](std::int64_t targets) {
    hwy::SetSupportedTargetsForTest(targets);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  };
  const std::int64_t supported = hwy::SupportedTargets() & compiled;
  for (std::int64_t rest = supported; rest != 0; rest &= rest - 1) {  // lower bits are better targets
    choose(rest & -rest);
    f();
  }
  choose(0);
}

}  // namespace rondo::benchmarks
