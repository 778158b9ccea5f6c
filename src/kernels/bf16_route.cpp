// Which of the ways to multiply bfloat16 pairs a layer takes.
#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rondo/error.hpp>

#include "core/fork_safe.hpp"
#include "core/names.hpp"
#include "kernels/bf16.hpp"
#include "kernels/table.hpp"

namespace rondo::kernels {

namespace {

bool is_there(Bf16Route route) {
  switch (route) {
    case Bf16Route::amx: return has_bf16_amx();
    case Bf16Route::dot: return has_bf16_dot();
    default: return true;
  }
}

Bf16Route best_route() {
  if (has_bf16_amx()) return Bf16Route::amx;
  return bf16_dot_is_faster() ? Bf16Route::dot : Bf16Route::conversion;
}

// What a test chose, else what the environment says.
std::atomic<bool> g_route_is_chosen{false};
std::atomic<Bf16Route> g_route{Bf16Route::best};

Bf16Route chosen_route() {
  if (g_route_is_chosen.load(std::memory_order_acquire)) return g_route.load(std::memory_order_relaxed);
  static constinit Lazy<Bf16Route> forced;
  return forced.get([] {
    const char* name = std::getenv("RONDO_BF16");
    return name == nullptr || *name == '\0' ? Bf16Route::best : bf16_route(name);
  });
}

}  // namespace

Bf16Route bf16_route(std::string_view name) {
  constexpr std::pair<const char*, Bf16Route> kNames[] = {
      {"amx", Bf16Route::amx}, {"dot", Bf16Route::dot}, {"conversion", Bf16Route::conversion}};
  std::vector<std::string> here;
  for (const auto& [known, route] : kNames) {
    if (!is_there(route)) continue;
    if (lower_case(name) == known) return route;
    here.emplace_back(known);
  }
  throw ConfigError("RONDO_BF16 is '" + std::string(name) + "'; this processor has " + quoted_list(here));
}

void choose_bf16_route(Bf16Route route) {
  g_route.store(route, std::memory_order_relaxed);
  g_route_is_chosen.store(true, std::memory_order_release);
}

Bf16Tile bf16_tile(const KernelTable& table) {
  static constinit Lazy<Bf16Route> best;
  constexpr Index kLanes = 16;  // of the instructions
  Bf16Route route = chosen_route();
  if (route == Bf16Route::best) route = best.get(best_route);
  if (table.f32.lanes != kLanes || !is_there(route)) return table.bf16.tile;
  switch (route) {
    case Bf16Route::amx: return bf16_amx_tile();
    case Bf16Route::dot: return bf16_dot_tile();
    default: return table.bf16.tile;
  }
}

}  // namespace rondo::kernels
