// Rules that update each element by itself.
#pragma once

#include <algorithm>
#include <utility>

#include "training/optimizers/rule.hpp"

namespace rondo::training {

// The two typed updates from one template apply(ops, w, g, slots, n).
template <class Rule, class Options>
class ElementwiseRule : public RuleOf<Rule, Options> {
 public:
  using RuleOf<Rule, Options>::RuleOf;

  void update(const kernels::Ops<float>& ops, float* w, const float* g, const Slots<float>& slots,
              Index n) const noexcept override {
    static_cast<const Rule&>(*this).apply(ops, w, g, slots, n);
  }
  void update(const kernels::Ops<double>& ops, double* w, const double* g, const Slots<double>& slots,
              Index n) const noexcept override {
    static_cast<const Rule&>(*this).apply(ops, w, g, slots, n);
  }
};

// Updates by a kernel that takes whole vectors: what is left at the end is copied into one.
template <class Args, class T>
void update_in_vectors(kernels::Update<Args, T> kernel, Index lanes, const Args& args, T* w, const T* g,
                       const Slots<T>& slots, Index n) noexcept {
  const Index whole = n / lanes * lanes, rest = n - whole;
  if (whole > 0) kernel(args, w, g, slots[0], slots[1], whole);
  if (rest == 0) return;
  constexpr std::size_t kMostLanes = 16;  // of float in 64 bytes
  std::array<std::array<T, kMostLanes>, 4> parts{};
  const std::array<T*, 3> written = {w, slots[0], slots[1]};
  for (std::size_t i = 0; i < written.size(); ++i) {
    if (written[i] != nullptr) std::copy_n(written[i] + whole, rest, parts[i].begin());
  }
  std::copy_n(g + whole, rest, parts[3].begin());
  kernel(args, parts[0].data(), parts[3].data(), parts[1].data(), parts[2].data(), lanes);
  for (std::size_t i = 0; i < written.size(); ++i) {
    if (written[i] != nullptr) std::copy_n(parts[i].begin(), rest, written[i] + whole);
  }
}

}  // namespace rondo::training
