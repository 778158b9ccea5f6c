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

bool is_compiled(const Model& model) { return training::node_of(model).compiled_if_any() != nullptr; }

bool ends_with(const std::string& name, const char* end) { return name.ends_with(std::string("/") + end); }
bool is_iteration(const OptimizerVariable& variable) { return ends_with(variable.name, "iteration"); }
bool is_rate(const OptimizerVariable& variable) { return ends_with(variable.name, "learning_rate"); }
bool is_product(const OptimizerVariable& variable) { return ends_with(variable.name, "variable"); }  // Nadam's
bool is_number(const hdf5::Dataset& dataset) { return dataset.shape().rank() == 0; }

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
                    [number](const hdf5::Sink& sink) { sink(std::as_bytes(std::span(number.get(), 1))); });
      return;
    }
    // Keras's own variables of one number are float32.
    const bool is_scalar = shape.rank() == 0;
    const auto value = std::make_shared<Tensor>(is_scalar ? variable.value.cast(DType::float32) : variable.value);
    group.dataset(path, shape, number_type(value->dtype()),
                  [value](const hdf5::Sink& sink) { sink(bytes_of(*value)); });
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
bool set(const Model& model, const std::vector<Tensor>& values) {
  const Variables known = model.optimizer_variables();
  const bool fits = std::ranges::equal(known, values, [](const OptimizerVariable& variable, const Tensor& value) {
    return variable.value.shape() == value.shape();
  });
  if (fits) model.set_optimizer_variables(values);
  return fits;
}

// Whether there is Nadam's product behind the steps, as in Keras 2.3 and TensorFlow's to 2.10.
bool has_product(const std::vector<hdf5::Dataset>& old) {
  return old.size() > 1 && is_number(old[0]) && is_number(old[1]);
}

// "momentum" of "adam/sequential_lstm_lstm_cell_kernel_momentum"; none of a single number.
std::string kind_of(const OptimizerVariable& variable) {
  return variable.value.shape().rank() == 0 ? "" : variable.name.substr(variable.name.rfind('_') + 1);
}

// The order before Keras 3 is another: the steps, of some versions Nadam's product, then for each kind of memory all
// weights, in the parts that the file keeps them in; behind them what only some options need. There is no learning rate
// among them. None where they do not fit.
std::vector<Tensor> in_order_of_keras_3(const Variables& known, const std::vector<hdf5::Dataset>& old,
                                        const Parts& weights) {
  std::vector<std::string> kinds;
  for (const OptimizerVariable& variable : known) {
    const std::string kind = kind_of(variable);
    if (!kind.empty() && std::ranges::count(kinds, kind) == 0) kinds.push_back(kind);
  }
  std::vector<Tensor> values;
  for (const OptimizerVariable& variable : known) values.push_back(variable.value);
  std::size_t first = 0;
  if (!old.empty() && is_number(old[0])) values[0] = tensor_of(old[first++], DType::float64);
  if (has_product(old)) ++first;
  for (const std::string& kind : kinds) {
    auto weight = weights.begin();
    std::size_t taken = 0;
    for (std::size_t i = 0; i < known.size(); ++i) {
      if (kind_of(known[i]) != kind) continue;
      if (weight == weights.end()) return {};
      std::vector<hdf5::Dataset> parts;
      for (const std::size_t part : *weight++) {
        if (first + part >= old.size()) return {};
        parts.push_back(old[first + part]);
      }
      taken += parts.size();
      const Shape expected = part_shape(known[i].value.shape(), parts.size());
      const auto fits = [&](const hdf5::Dataset& part) { return part.shape() == expected; };
      if (!std::ranges::all_of(parts, fits)) return {};
      values[i] = tensor_of(parts, known[i].value.dtype());
    }
    first += taken;
  }
  return values;
}

// The rate is kept in float32, so that it does not take the place of one that it was rounded from.
DType type_of(const OptimizerVariable& variable) {
  if (is_rate(variable)) return DType::float32;
  return is_iteration(variable) ? DType::float64 : variable.value.dtype();
}

// The file's data sets in Keras 3's order, to which Keras 2 wrote neither the learning rate nor Nadam's product, which
// it began again. None where they do not fit.
std::vector<Tensor> in_order(const Variables& known, const std::vector<hdf5::Dataset>& given) {
  const bool has_rate = given.size() > 1 && is_number(given[1]);
  std::vector<Tensor> values;
  auto next = given.begin();
  for (const OptimizerVariable& variable : known) {
    if ((!has_rate && is_rate(variable)) || (next == given.end() && is_product(variable))) {
      values.push_back(variable.value);
    } else if (next == given.end() || next->shape() != variable.value.shape()) {
      return {};
    } else {
      values.push_back(tensor_of(*next++, type_of(variable)));
    }
  }
  return next == given.end() ? values : std::vector<Tensor>();
}

// Nadam's product after so many steps, which is more exact than a file's.
double product_after(const Model& model, double steps) {
  if (!(steps >= 0 && steps <= 0x1p53)) return 1;  // refused when it is set
  const auto rule = training::node_of(model).compiled("load_model").optimizer.rule().clone();
  rule->resume(static_cast<Index>(steps) / rule->accumulated_steps);
  return *rule->product();
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

bool read_optimizer(const hdf5::Group& root, const Model& model) {
  const std::optional<hdf5::Group> group = find_group(root, "optimizer/vars");
  if (!group) return false;
  std::vector<hdf5::Dataset> given;
  for (std::size_t i = 0; group->contains(std::to_string(i)); ++i) given.push_back(group->dataset(std::to_string(i)));
  return given.size() == group->names().size() && set(model, in_order(model.optimizer_variables(), given));
}

bool read_legacy_optimizer(const hdf5::Group& root, const Model& model, const detail::KerasDefaults& version) {
  if (!root.contains("optimizer_weights")) return false;
  const hdf5::Group group = root.group("optimizer_weights");
  const Variables known = model.optimizer_variables();
  const std::vector<std::string> names = texts_of(group, "weight_names");
  // Some versions kept what Rondo does not remember, such as moments without momentum.
  if (names.size() > 4 * (known.size() + model.node()->parameters().size())) return false;
  std::vector<hdf5::Dataset> given;
  for (const std::string& name : names) given.push_back(group.dataset(name));
  // Since TensorFlow's 2.11 the order is that of Keras 3.
  const bool is_new = !names.empty() && (names[0] == "iteration:0" || names[0].ends_with("/iteration"));
  std::vector<Tensor> values =
      is_new ? in_order(known, given)
             : in_order_of_keras_3(known, given, parts_of_learned_weights(root.group("model_weights"), *model.node()));
  // Keras 2.3 on TensorFlow 2 read the number of steps when it had been raised already.
  if (version.version == std::string("2.3") && !values.empty()) values[0].set({}, values[0]() + 1);
  if (!is_new && !values.empty() && is_product(known.back()) && has_product(given)) {
    values.back().set({}, product_after(model, values[0]()));
  }
  return set(model, values);
}

}  // namespace rondo::keras
