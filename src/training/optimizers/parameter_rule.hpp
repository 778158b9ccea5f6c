// Rules that look at whole parameters: at their norms, rows and columns. Such a rule walks a parameter in its logical
// order, so that neither threads nor the instruction set, which decides where elements stand, show in the bits.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/dispatch.hpp"
#include "engine/parameter.hpp"
#include "engine/sum_of_row.hpp"
#include "engine/thread_pool.hpp"

namespace rondo::training {

// The arrays of the block that a parameter stands in.
template <class T>
struct BlockArrays {
  T* weights;
  const T* gradient;
  std::array<T*, 3> slots;
};

// What is remembered of a parameter, with Keras's name of it behind the parameter's: "_momentum", or nothing. Keras
// lists groups one behind the other, each weight by weight.
struct Remembered {
  std::string name;
  Tensor value;
  Index group = 0;
};

// One parameter's part of an optimizer's memory, and its updates.
class ParameterRule {
 public:
  virtual ~ParameterRule() = default;
  // The member's share of a stage, behind a barrier after the one before.
  virtual void update(Index stage, const BlockArrays<float>&, const engine::Member&) noexcept { (void)stage; }
  virtual void update(Index stage, const BlockArrays<double>&, const engine::Member&) noexcept { (void)stage; }
  // What it remembers beside the slots, as numbers of the parameter's dtype.
  virtual std::span<std::byte> memory() { return {}; }
  virtual std::vector<Remembered> remembered() const { return {}; }
  // The same values, of their shapes and any dtype, from elsewhere.
  virtual void remember(std::span<const Tensor> /*values*/) {}
};

// A rule of one dtype: Rule has run(stage, arrays, member).
template <class Rule, class T>
class ParameterRuleOf : public ParameterRule {
 public:
  void update(Index stage, const BlockArrays<T>& arrays, const engine::Member& member) noexcept final {
    static_cast<Rule&>(*this).run(stage, arrays, member);
  }
};

// A Rule<T>(arguments..., parameter) for the parameter's dtype.
template <template <class> class Rule, class... Arguments>
std::unique_ptr<ParameterRule> make_parameter_rule(const engine::Parameter& parameter, const Arguments&... arguments) {
  return core::with_type(parameter.block->dtype(), [&]<class T>() -> std::unique_ptr<ParameterRule> {
    return std::make_unique<Rule<T>>(arguments..., parameter);
  });
}

inline double sum_of(std::span<const double> rows) noexcept {
  double sum = 0;
  for (const double row : rows) sum += row;
  return sum;
}

}  // namespace rondo::training
