#include "formats/keras/optimizer.hpp"

#include <algorithm>
#include <functional>
#include <memory>

#include "formats/keras/legacy.hpp"
#include "formats/keras/variables.hpp"
#include "training/model_node.hpp"

namespace rondo::keras {

namespace {

using Variables = std::vector<OptimizerVariable>;

bool is_compiled(const Model& model) {
  return static_cast<const training::ModelNode&>(*model.node()).compiled_if_any() != nullptr;
}

bool ends_with(const std::string& name, const char* end) { return name.ends_with(std::string("/") + end); }
bool is_iteration(const OptimizerVariable& variable) { return ends_with(variable.name, "iteration"); }
bool is_rate(const OptimizerVariable& variable) { return ends_with(variable.name, "learning_rate"); }

// Calls put(variable, data set in the making) for each, which must stay until the file is written.
class Writer {
 public:
  explicit Writer(const Model& model) : variables_(std::make_shared<Variables>(model.optimizer_variables())) {}

  const Variables& variables() const { return *variables_; }

  void put(std::size_t i, hdf5::GroupWriter& group, const std::string& path) const {
    const OptimizerVariable& variable = (*variables_)[i];
    const Shape& shape = variable.value.shape();
    if (is_iteration(variable)) {
      const auto number = std::make_shared<std::int64_t>(static_cast<std::int64_t>(variable.value()));
      group.dataset(path, shape, hdf5::NumberType::int64,
                    [number] { return std::as_bytes(std::span(number.get(), 1)); });
      return;
    }
    // Keras's own variables of one number are float32.
    const bool is_number = shape.rank() == 0;
    const auto value = std::make_shared<Tensor>(is_number ? variable.value.cast(DType::float32) : variable.value);
    group.dataset(path, shape, number_type(value->dtype()), [value] { return bytes_of(*value); });
  }

 private:
  std::shared_ptr<Variables> variables_;
};

// "adam" of "adam/iteration".
std::string class_of(const Variables& variables) {
  const std::string& name = variables.front().name;
  return name.substr(0, name.find('/'));
}

// ---- reading -------------------------------------------------------------------------------------------------------

// Sets all variables, or leaves them where the file's are others.
void set(const Model& model, const std::vector<Tensor>& values) {
  const Variables known = model.optimizer_variables();
  const bool fits = std::ranges::equal(known, values, [](const OptimizerVariable& variable, const Tensor& value) {
    return variable.value.shape() == value.shape();
  });
  if (fits) model.set_optimizer_variables(values);
}

// Keras 2's order is another: the steps, then for each kind of memory all weights; behind them what only some options
// need. There is no learning rate among them.
std::vector<Tensor> in_order_of_keras_3(const Variables& known, const std::vector<Tensor>& old) {
  std::vector<std::string> kinds;
  const auto kind_of = [](const OptimizerVariable& variable) {
    return variable.name.substr(variable.name.rfind('_') + 1);
  };
  for (const OptimizerVariable& variable : known) {
    if (variable.value.shape().rank() == 0 || std::ranges::count(kinds, kind_of(variable)) != 0) continue;
    kinds.push_back(kind_of(variable));
  }
  std::vector<Tensor> values;
  for (const OptimizerVariable& variable : known) values.push_back(variable.value);
  auto next = old.begin();
  if (next != old.end() && next->shape().rank() == 0) {
    for (std::size_t i = 0; i < known.size(); ++i) {
      if (is_iteration(known[i])) values[i] = *next;
    }
    ++next;
  }
  for (const std::string& kind : kinds) {
    for (std::size_t i = 0; i < known.size(); ++i) {
      if (known[i].value.shape().rank() == 0 || kind_of(known[i]) != kind) continue;
      if (next == old.end()) return {};
      values[i] = *next++;
    }
  }
  return values;
}

}  // namespace

void write_optimizer(const Model& model, hdf5::GroupWriter& root) {
  if (!is_compiled(model)) return;
  const Writer writer(model);
  hdf5::GroupWriter& group = root.group("optimizer/vars");
  group.attribute("name", class_of(writer.variables()));
  for (std::size_t i = 0; i < writer.variables().size(); ++i) writer.put(i, group, std::to_string(i));
}

void write_legacy_optimizer(const Model& model, hdf5::GroupWriter& root) {
  if (!is_compiled(model)) return;
  const Writer writer(model);
  hdf5::GroupWriter& group = root.group("optimizer_weights");
  std::vector<std::string> names;
  for (std::size_t i = 0; i < writer.variables().size(); ++i) {
    names.push_back(writer.variables()[i].name);
    writer.put(i, group, names.back());
  }
  write_texts(group, "weight_names", names);
}

void read_optimizer(const hdf5::Group& root, const Model& model) {
  const std::optional<hdf5::Group> group = find_group(root, "optimizer/vars");
  if (!group) return;
  const Variables known = model.optimizer_variables();
  const std::size_t count = group->names().size();
  const bool has_rate = count == known.size();  // Keras 2.12 wrote none
  std::vector<Tensor> values;
  std::size_t next = 0;
  for (const OptimizerVariable& variable : known) {
    const std::string number = std::to_string(next);
    if (!has_rate && is_rate(variable)) {
      values.push_back(variable.value);
    } else if (group->contains(number)) {
      const hdf5::Dataset dataset = group->dataset(number);
      if (dataset.shape() != variable.value.shape()) return;
      values.push_back(tensor_of(dataset, is_iteration(variable) ? DType::float64 : variable.value.dtype()));
      ++next;
    }
  }
  if (next == count) set(model, values);
}

void read_legacy_optimizer(const hdf5::Group& root, const Model& model) {
  if (!root.contains("optimizer_weights")) return;
  const hdf5::Group group = root.group("optimizer_weights");
  const Variables known = model.optimizer_variables();
  const std::vector<std::string> names = texts_of(group, "weight_names");
  const bool is_keras_3 = names.size() == known.size() && std::ranges::any_of(names, [](const std::string& name) {
                            return name.find("learning_rate") != std::string::npos;
                          });
  // No more memory than for what could be meant.
  Index largest = 0;
  for (const OptimizerVariable& variable : known) largest = std::max(largest, variable.value.size());
  if (names.size() > 4 * known.size()) return;
  std::vector<Tensor> values;
  for (const std::string& name : names) {
    const hdf5::Dataset dataset = group.dataset(name);
    if (dataset.elements() > largest) return;
    values.push_back(tensor_of(dataset, dataset.shape().rank() == 0 ? DType::float64 : model.dtype()));
  }
  set(model, is_keras_3 ? values : in_order_of_keras_3(known, values));
}

}  // namespace rondo::keras
