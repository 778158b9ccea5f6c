#include "training/optimizers/variables.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <rondo/model.hpp>

#include "core/names.hpp"
#include "core/standard_floats.hpp"
#include "training/model_node.hpp"
#include "training/predict.hpp"

namespace rondo::training {

namespace {

Tensor scalar(double value) { return Tensor(Shape{}, std::vector<double>{value}); }
double number(const Tensor& scalar) { return scalar.to_vector()[0]; }

// What stands behind the optimizer's own name; all of a name without one.
std::string_view behind_slash(const std::string& name) { return std::string_view(name).substr(name.find('/') + 1); }

// Without the numbers of automatic names: "model_lstm_1_kernel" as "model_lstm_kernel".
std::string without_numbers(std::string_view name) {
  std::string text;
  for (std::size_t i = 0; i < name.size();) {
    const std::size_t end = std::min(name.find('_', i + 1), name.size());
    const std::string_view part = name.substr(i, end - i);
    const bool is_number = part.size() > 1 && part[0] == '_' && part.find_first_not_of("0123456789", 1) == part.npos;
    if (!is_number) text += part;
    i = end;
  }
  return text;
}

std::string name_of(const engine::Parameter& parameter, const std::string& suffix) {
  if (suffix.empty()) return parameter.name();
  std::string path = parameter.path;
  std::replace(path.begin(), path.end(), '/', '_');
  return path + suffix;
}

}  // namespace

// ---- the list ------------------------------------------------------------------------------------------------------

OptimizerVariables::OptimizerVariables(std::string where, OptimizerState& state, std::vector<engine::Parameter> learned)
    : where_(std::move(where)), state_(state), learned_(std::move(learned)) {
  state_.build(learned_);
  const std::string prefix = snake_case(state_.rule().class_name()) + "/";
  all_.push_back({prefix + "iteration", scalar(static_cast<double>(state_.steps()))});
  if (has_rate()) all_.push_back({prefix + "learning_rate", scalar(state_.learning_rate())});
  std::vector<std::vector<Remembered>> remembered;
  for (std::size_t i = 0; i < learned_.size(); ++i) {
    remembered.push_back(state_.remembered(learned_[i]));
    const std::size_t count = remembered[i].size();
    for (std::size_t k = 0; k < count; ++k) places_.push_back({i, k, count, remembered[i][k].group});
  }
  std::stable_sort(places_.begin(), places_.end(), [](const Place& a, const Place& b) { return a.group < b.group; });
  for (const Place& place : places_) {
    Remembered& one = remembered[place.parameter][place.number];
    all_.push_back({prefix + name_of(learned_[place.parameter], one.name), std::move(one.value)});
  }
  if (const auto product = state_.rule().product()) all_.push_back({prefix + "variable", scalar(*product)});
}

std::vector<Tensor> OptimizerVariables::in_order(const std::vector<OptimizerVariable>& given) const {
  std::vector<const Tensor*> found(all_.size(), nullptr);
  std::vector<bool> taken(given.size(), false);
  const auto take = [&](auto&& name) {
    for (std::size_t k = 0; k < all_.size(); ++k) {
      for (std::size_t i = 0; i < given.size() && found[k] == nullptr; ++i) {
        if (taken[i] || name(given[i]) != name(all_[k])) continue;
        taken[i] = true;
        found[k] = &given[i].value;
      }
    }
  };
  take([](const OptimizerVariable& one) { return behind_slash(one.name); });
  take([](const OptimizerVariable& one) { return without_numbers(behind_slash(one.name)); });
  const auto missing = std::find(found.begin(), found.end(), nullptr);
  if (missing != found.end()) {
    const OptimizerVariable& one = all_[static_cast<std::size_t>(missing - found.begin())];
    throw ConfigError(where_ + ": the optimizer variable '" + one.name + "' of shape " + to_string(one.value.shape()) +
                      " is missing; set_optimizer_variables takes all of them");
  }
  const auto other = std::find(taken.begin(), taken.end(), false);
  if (other != taken.end()) refuse(given[static_cast<std::size_t>(other - taken.begin())].name);
  std::vector<Tensor> values;
  for (const Tensor* value : found) values.push_back(*value);
  return values;
}

void OptimizerVariables::refuse(const std::string& name) const {
  const auto has_name = [&](const OptimizerVariable& one) { return behind_slash(one.name) == behind_slash(name); };
  if (std::any_of(all_.begin(), all_.end(), has_name)) {
    throw ConfigError(where_ + ": the optimizer variable '" + name + "' was given more often than the optimizer " +
                      state_.rule().class_name() + " has it");
  }
  std::vector<std::string> names;
  for (const OptimizerVariable& one : all_) names.push_back(one.name);
  throw ConfigError(where_ + ": the optimizer " + state_.rule().class_name() + " has no variable '" + name + "'." +
                    did_you_mean(name, names) + " optimizer_variables() lists those that it has");
}

// ---- setting -------------------------------------------------------------------------------------------------------

void OptimizerVariables::set(const std::vector<Tensor>& values) const {
  if (values.size() != all_.size()) {
    throw ConfigError(where_ + ": the optimizer " + state_.rule().class_name() + " has " + std::to_string(all_.size()) +
                      " variables, " + std::to_string(values.size()) +
                      " were given; optimizer_variables() lists those that it has");
  }
  for (std::size_t i = 0; i < values.size(); ++i) require_shape(all_[i], values[i]);
  const Index steps = checked_iteration(values[0]);
  const std::optional<double> rate = has_rate() ? checked_rate(values[1]) : std::nullopt;
  const bool restarts = state_.rule().product() && number(values.back()) == 1;
  if (state_.rule().product() && !restarts) require_product(steps, values.back());

  const StandardFloats floats;
  std::vector<std::vector<Tensor>> of_learned(learned_.size());
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const Place& place = places_[i];
    of_learned[place.parameter].resize(place.count);
    of_learned[place.parameter][place.number] = values[first_array() + i];
  }
  for (std::size_t i = 0; i < learned_.size(); ++i) state_.remember(learned_[i], of_learned[i]);
  if (rate) state_.set_learning_rate(*rate);
  state_.resume(steps);
  if (restarts) state_.rule().restart_product();
}

void OptimizerVariables::require_shape(const OptimizerVariable& known, const Tensor& given) const {
  if (given.shape() == known.value.shape()) return;
  throw ShapeError(where_ + ": the optimizer variable '" + known.name + "' has shape " +
                   to_string(known.value.shape()) + "; a tensor of shape " + to_string(given.shape()) + " was given");
}

Index OptimizerVariables::checked_iteration(const Tensor& given) const {
  const double steps = number(given);
  if (steps >= 0 && steps <= 0x1p53 && steps == std::floor(steps)) return static_cast<Index>(steps);
  throw ConfigError(where_ + ": the optimizer variable '" + all_[0].name + "' is " + number_text(steps) +
                    "; it must be a whole number of steps, 0 or more");
}

std::optional<double> OptimizerVariables::checked_rate(const Tensor& given) const {
  const double rate = number(given), now = state_.learning_rate();
  if (given.dtype() == DType::float32 && static_cast<float>(now) == static_cast<float>(rate)) return std::nullopt;
  if (rate >= 0 && std::isfinite(rate)) return rate;
  throw ConfigError(where_ + ": the optimizer variable '" + all_[1].name + "' is " + number_text(rate) +
                    "; it must be finite and 0 or more");
}

// It follows from the number of updates, but for rounding: another one belongs to other options.
void OptimizerVariables::require_product(Index steps, const Tensor& given) const {
  const auto rule = state_.rule().clone();
  rule->resume(steps / rule->accumulated_steps);
  const double expected = *rule->product(), product = number(given);
  if (std::abs(product - expected) <= 1e-3 * expected + 1e-15) return;
  throw ConfigError(where_ + ": the optimizer variable '" + all_.back().name + "' is " + number_text(product) +
                    ", but after " + std::to_string(steps) + " steps of this " + state_.rule().class_name() +
                    " it is " + number_text(expected) +
                    "; compile with the options of the optimizer that the variables are from");
}

// ---- what only this needs of the optimizer's state -----------------------------------------------------------------

void OptimizerState::build(const std::vector<engine::Parameter>& learned) {
  for (const engine::Parameter& parameter : learned) {
    if (memory_of(parameter.block.get()) != memory_.end()) continue;
    prepare({{parameter.block, {0}, {{0, parameter.block->size()}}}}, learned);
  }
}

void OptimizerState::remember(const engine::Parameter& parameter, std::span<const Tensor> values) {
  const auto memory = memory_of(parameter.block.get());
  std::vector<std::size_t> arrays;
  if (rule_->averaging.on) arrays.push_back(average());
  if (accumulates()) arrays.push_back(accumulator());
  for (std::size_t i = 0; i < slots_.size(); ++i) arrays.push_back(i);
  for (std::size_t i = 0; i < arrays.size(); ++i) parameter.pack(values[i], memory->array(arrays[i]));
  for (const PerParameter& own : memory->parameters) {
    if (own.map(0) == parameter.map(0)) own.rule->remember(values.subspan(arrays.size()));
  }
}

void OptimizerState::resume(Index steps) {
  steps_ = steps;
  rule_->resume(iterations());
  has_swapped_ = at_mean_ = false;
  safe_steps_ = 0;
  for (Memory& memory : memory_) memory.ranges = {{0, memory.block->size()}};
}

}  // namespace rondo::training

// ---- of a model ----------------------------------------------------------------------------------------------------

namespace rondo {

namespace {

training::OptimizerVariables variables_of(training::ModelNode& node, const char* call) {
  training::Compiled& compiled = node.compiled(call);
  training::require_built(node);
  std::vector<engine::Parameter> learned;
  for (const engine::Parameter& parameter : node.parameters()) {
    if (parameter.block->trainable()) learned.push_back(parameter);
  }
  return {node.where(), compiled.optimizer, std::move(learned)};
}

}  // namespace

std::vector<OptimizerVariable> Model::optimizer_variables() const {
  return variables_of(model_node(), "optimizer_variables").all();
}

void Model::set_optimizer_variables(const std::vector<OptimizerVariable>& variables) const {
  const auto known = variables_of(model_node(), "set_optimizer_variables");
  known.set(known.in_order(variables));
}

void Model::set_optimizer_variables(const std::vector<Tensor>& values) const {
  variables_of(model_node(), "set_optimizer_variables").set(values);
}

}  // namespace rondo
