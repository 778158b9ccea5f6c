// One table per instruction set, collected once, chosen by processor or by name.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/table.cpp"
#include "kernels/table.hpp"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

// One function per source of kernels; each is compiled for every target.
void FillRecurrentForward(KernelTable& table);
void FillRecurrentStep(KernelTable& table);
void FillRecurrentBackward(KernelTable& table);
void FillRecurrentGradients(KernelTable& table);
void FillDense(KernelTable& table);
void FillActivations(KernelTable& table);
void FillElementwise(KernelTable& table);
void FillDropout(KernelTable& table);
void FillLosses(KernelTable& table);
void FillUpdates(KernelTable& table);
void FillMoreUpdates(KernelTable& table);
void FillRowUpdates(KernelTable& table);
void FillBf16Tiles(KernelTable& table);
void FillLstmBf16(KernelTable& table);

const KernelTable* GetTable() {
  static const KernelTable table = [] {
    KernelTable t;
    t.target = hwy::TargetName(HWY_TARGET);
    FillRecurrentForward(t);
    FillRecurrentStep(t);
    FillRecurrentBackward(t);
    FillRecurrentGradients(t);
    FillDense(t);
    FillActivations(t);
    FillElementwise(t);
    FillDropout(t);
    FillLosses(t);
    FillUpdates(t);
    FillMoreUpdates(t);
    FillRowUpdates(t);
    FillBf16Tiles(t);
    FillLstmBf16(t);
    return t;
  }();
  return &table;
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <atomic>
#include <cstdlib>

#include <rondo/compute.hpp>
#include <rondo/error.hpp>

#include "core/fork_safe.hpp"
#include "core/names.hpp"

namespace rondo::kernels {

HWY_EXPORT(GetTable);

namespace {

// Highway's target mask is process-wide, so it is touched only here, by one thread at a time.
std::vector<const KernelTable*> collect_tables() {
  static char collecting;
  const ForkSafeLock lock(&collecting);
  std::vector<const KernelTable*> found;
  const std::int64_t supported = hwy::SupportedTargets() & HWY_TARGETS;
  for (std::int64_t rest = supported; rest != 0; rest &= rest - 1) {  // lower bits are better targets
    hwy::SetSupportedTargetsForTest(rest & -rest);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    found.push_back(HWY_DYNAMIC_DISPATCH(GetTable)());
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  return found;
}

const KernelTable& find(std::string_view name) {
  std::string wanted = lower_case(name);
  if (wanted == "avx512" || wanted == "avx-512") wanted = "avx3";
  std::vector<std::string> known;
  for (const KernelTable* table : tables()) {
    if (lower_case(table->target) == wanted) return *table;
    known.emplace_back(table->target);
  }
  throw ConfigError("instruction set '" + std::string(name) +
                    "' is not available here; this build and processor have " + quoted_list(known));
}

// Null until somebody asks or chooses.
std::atomic<const KernelTable*> g_chosen{nullptr};

const KernelTable* first_choice() {
  const char* forced = std::getenv("RONDO_TARGET");
  return forced != nullptr && *forced != '\0' ? &find(forced) : tables().front();
}

}  // namespace

const std::vector<const KernelTable*>& tables() {
  static constinit Lazy<std::vector<const KernelTable*>> all;
  return all.get(collect_tables);
}

const KernelTable& chosen() {
  const KernelTable* table = g_chosen.load(std::memory_order_acquire);
  if (table != nullptr) return *table;
  const KernelTable* first = first_choice();
  return g_chosen.compare_exchange_strong(table, first) ? *first : *table;
}

void choose(std::string_view target) { g_chosen.store(&find(target), std::memory_order_release); }

}  // namespace rondo::kernels

namespace rondo {

std::vector<std::string> simd_targets() {
  std::vector<std::string> names;
  for (const kernels::KernelTable* table : kernels::tables()) names.emplace_back(table->target);
  return names;
}

std::string simd_target() { return kernels::chosen().target; }

void set_simd_target(std::string_view name) { kernels::choose(name); }

}  // namespace rondo
#endif  // HWY_ONCE
