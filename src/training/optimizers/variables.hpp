// What an optimizer remembers of the weights that it learns, as Keras lists it.
#pragma once

#include <string>
#include <vector>

#include <rondo/optimizers.hpp>

#include "training/optimizers/state.hpp"

namespace rondo::training {

class OptimizerVariables {
 public:
  // Makes the state's memory of these weights where it is not there yet. `where` is for messages.
  OptimizerVariables(std::string where, OptimizerState& state, std::vector<engine::Parameter> learned);

  const std::vector<OptimizerVariable>& all() const { return all_; }
  // Variables of any order in the order of all(). Names are compared without the optimizer's own, and where there is
  // none such, without the numbers of automatic names. ConfigError for one that is missing, or not among them.
  std::vector<Tensor> in_order(const std::vector<OptimizerVariable>& given) const;
  // Sets the state from values in the order of all(), which itself stays. ConfigError or ShapeError before anything
  // changes.
  void set(const std::vector<Tensor>& values) const;

 private:
  // Where an array stands: of which weight, and which of how many of it.
  struct Place {
    std::size_t parameter, number, count;
    Index group;
  };

  bool has_rate() const { return state_.rule().given_rate.schedule() == nullptr; }
  std::size_t first_array() const { return has_rate() ? 2 : 1; }
  void require_shape(const OptimizerVariable& known, const Tensor& given) const;
  Index checked_iteration(const Tensor& given) const;
  std::optional<double> checked_rate(const Tensor& given) const;  // none where it is to stay
  void require_product(Index steps, const Tensor& given) const;
  [[noreturn]] void refuse(const std::string& name) const;

  std::string where_;
  OptimizerState& state_;
  std::vector<engine::Parameter> learned_;
  std::vector<OptimizerVariable> all_;
  std::vector<Place> places_;  // of the arrays, in the order of all_
};

}  // namespace rondo::training
