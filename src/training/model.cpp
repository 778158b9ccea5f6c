// The public Model handle.
#include <rondo/model.hpp>

#include "core/access.hpp"
#include "core/names.hpp"
#include "training/fit.hpp"
#include "training/memory.hpp"
#include "training/model_node.hpp"
#include "training/predict.hpp"
#include "training/progress_bar.hpp"

namespace rondo {

training::ModelNode& Model::model_node() const { return static_cast<training::ModelNode&>(*node()); }

void Model::compile(const CompileOptions& options) const { model_node().compile(options); }

Inputs::Inputs(std::initializer_list<std::pair<const char*, Tensor>> named) {
  for (const auto& [name, tensor] : named) {
    names_.emplace_back(name);
    tensors_.push_back(tensor);
  }
}

History Model::fit(const Tensor& X, const Tensor& y, const FitOptions& options) const { return fit_all(X, y, options); }

History Model::fit_all(const detail::Given& X, const detail::Given& y, const FitOptions& options) const {
  return training::fit(*this, model_node(), X, y, options);
}

History Model::fit(DataSource& source, const FitOptions& options) const {
  return training::fit(*this, model_node(), source, options);
}

Evaluation Model::evaluate(DataSource& source, const EvaluateOptions& options) const {
  return training::evaluate(*this, model_node(), source, options);
}

Evaluation Model::evaluate(const Tensor& X, const Tensor& y, const EvaluateOptions& options) const {
  return evaluate_all(X, y, options);
}

Evaluation Model::evaluate_all(const detail::Given& X, const detail::Given& y, const EvaluateOptions& options) const {
  return training::evaluate(*this, model_node(), X, y, options);
}

Evaluation Model::train_on_batch(const Tensor& X, const Tensor& y, const OnBatchOptions& options) const {
  return train_on_batch_all(X, y, options);
}
Evaluation Model::train_on_batch_all(const detail::Given& X, const detail::Given& y,
                                     const OnBatchOptions& options) const {
  return training::train_on_batch(model_node(), X, y, options);
}

Evaluation Model::test_on_batch(const Tensor& X, const Tensor& y, const OnBatchOptions& options) const {
  return test_on_batch_all(X, y, options);
}
Evaluation Model::test_on_batch_all(const detail::Given& X, const detail::Given& y,
                                    const OnBatchOptions& options) const {
  return training::test_on_batch(model_node(), X, y, options);
}

Tensor Model::predict_on_batch(const Tensor& X) const {
  return predict(X, {.batch_size = X.shape().empty() ? Index{1} : X.shape()[0], .verbose = 0});
}

namespace {

class PredictHooks final : public training::BatchHooks {
 public:
  PredictHooks(const Callbacks& callbacks, training::ProgressBar& bar) : callbacks_(callbacks), bar_(bar) {}
  void begin(Index batch) override {
    for (const auto& c : callbacks_) c->on_predict_batch_begin(batch);
  }
  void end(Index batch) override {
    for (const auto& c : callbacks_) c->on_predict_batch_end(batch);
    bar_.update(batch + 1, {});
  }

 private:
  const Callbacks& callbacks_;
  training::ProgressBar& bar_;
};

}  // namespace

namespace {

std::vector<Tensor> predict_all(const Model& model, training::ModelNode& node, const training::Tensors& X,
                                const PredictOptions& options) {
  training::check_verbose(node, options.verbose);
  const Index batch_size = training::checked_batch_size(node, options.batch_size);
  if (!node.built()) node.build_for(training::check_inputs(node, X, ""));
  std::vector<Tensor> out = training::prediction_tensors(node, X);
  std::vector<Tensor*> places;
  for (Tensor& tensor : out) places.push_back(&tensor);
  const Index batches = training::batches_of(X[0]->shape()[0], batch_size);
  training::attach(options.callbacks, model, {options.verbose, 1, batches});
  training::ProgressBar bar(options.verbose, batches);
  PredictHooks hooks(options.callbacks, bar);
  for (const auto& c : options.callbacks) c->on_predict_begin();
  training::predict_into(node, X, batch_size, places, &hooks);
  for (const auto& c : options.callbacks) c->on_predict_end();
  bar.finish({});
  return out;
}

void require_one_tensor(const training::ModelNode& node, const char* call) {
  const std::size_t outputs = node.network().outputs().size();
  if (outputs == 1) return;
  throw ShapeError(node.where() + " has " + std::to_string(outputs) + " outputs, " + call +
                   " returns one tensor; take predict_outputs, which returns them all");
}

}  // namespace

Tensor Model::predict(const Tensor& X, const PredictOptions& options) const {
  require_one_tensor(model_node(), "predict");
  return predict_all(*this, model_node(), {&X}, options).front();
}

Tensor Model::predict_only(const Inputs& X, const PredictOptions& options) const {
  require_one_tensor(model_node(), "predict");
  return predict_all(*this, model_node(), training::in_order(model_node(), X), options).front();
}

std::vector<Tensor> Model::predict_outputs(const Inputs& X, const PredictOptions& options) const {
  return predict_all(*this, model_node(), training::in_order(model_node(), X), options);
}

void Model::predict_into(const Tensor& X, Tensor& out, Dim batch_size) const {
  training::ModelNode& node = model_node();
  require_one_tensor(node, "predict_into");
  if (!node.built()) node.build_for(training::check_inputs(node, {&X}, ""));
  const Tensor* const in = &X;
  Tensor* const to = &out;
  training::predict_into(node, {&in, 1}, training::checked_batch_size(node, batch_size), {&to, 1}, nullptr);
}

MemoryRequired Model::memory_required(const Shape& X, const MemoryOptions& options) const {
  training::ModelNode& node = model_node();
  const Index batch_size = training::checked_batch_size(node, options.batch_size);
  return training::memory_required(node, X, options.y, batch_size);
}

std::vector<Index> Model::predict_classes(const Tensor& X, const PredictOptions& options) const {
  const Tensor outputs = predict(X, options);
  if (outputs.shape().back() > 1) return argmax(outputs);
  std::vector<Index> classes;
  for (const double p : outputs.to_vector()) classes.push_back(p > 0.5 ? 1 : 0);
  return classes;
}

std::vector<Symbol> Model::inputs() const {
  training::require_built(model_node());
  return model_node().input_symbols();
}

std::vector<Symbol> Model::outputs() const { return model_node().network().outputs_for(inputs()); }

std::vector<Layer> Model::layers() const {
  std::vector<Layer> handles;
  for (const auto& node : model_node().layers()) handles.push_back(detail::Access::make<Layer>(node));
  return handles;
}

Layer Model::get_layer(Index index) const {
  const std::vector<Layer> all = layers();
  const auto count = static_cast<Index>(all.size());
  const Index i = index < 0 ? index + count : index;
  if (i < 0 || i >= count) {
    throw ConfigError(node()->where() + ": get_layer(" + std::to_string(index) + "), but the model has " +
                      std::to_string(count) + " layers");
  }
  return all[static_cast<std::size_t>(i)];
}

Layer Model::get_layer(const std::string& name) const {
  std::vector<std::string> names;
  for (const Layer& layer : layers()) {
    if (layer.name() == name) return layer;
    names.push_back(layer.name());
  }
  throw ConfigError(node()->where() + " has no layer '" + name + "'." + did_you_mean(name, names) + " It has " +
                    quoted_list(names));
}

double Model::learning_rate() const { return model_node().compiled("learning_rate").optimizer.learning_rate(); }

void Model::set_learning_rate(Real rate) const {
  model_node().compiled("set_learning_rate").optimizer.set_learning_rate(rate);
}

void Model::swap_to_eval() const { model_node().compiled("swap_to_eval").optimizer.swap_to_mean(true); }
void Model::swap_to_train() const { model_node().compiled("swap_to_train").optimizer.swap_to_mean(false); }

void Model::stop_training() const { model_node().stop_training = true; }

}  // namespace rondo
