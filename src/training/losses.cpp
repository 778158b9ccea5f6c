#include "training/losses.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include <rondo/error.hpp>

#include "core/access.hpp"
#include "core/fork_safe.hpp"
#include "core/keras_names.hpp"
#include "core/names.hpp"
#include "core/options.hpp"

namespace rondo {

namespace training {

bool labels_fit(Labels labels, const Shape& prediction, const Shape& truth) {
  const Index rank = prediction.rank();
  const bool last_axis_dropped = truth.rank() == rank - 1 && truth == prediction.without_last();
  if (labels == Labels::sparse) return last_axis_dropped || (truth.rank() == rank && truth == prediction.with(-1, 1));
  if (truth == prediction) return true;
  if (prediction.back() == 1 && last_axis_dropped) return true;
  return truth.rank() == rank + 1 && truth.back() == 1 && truth.without_last() == prediction;
}

std::string labels_mismatch(const std::string& who, Labels expected, const Shape& prediction, const Shape& truth) {
  const auto text = [](const Shape& sample) { return to_string(sample.prepend(Shape::kUnknown)); };
  std::string message =
      who + ": the labels y have shape " + text(truth) + ", the model's output has shape " + text(prediction) + ". ";
  if (expected == Labels::sparse) {
    message += "It expects class numbers, y of shape " + text(prediction.with(-1, 1)) + " or without the last axis";
    if (truth == prediction) message += "; for one-hot labels use categorical_crossentropy";
    return message;
  }
  message += "It expects labels of the output's shape";
  if (prediction.back() > 1 && labels_fit(Labels::sparse, prediction, truth)) {
    return message + "; if y holds class numbers, use sparse_categorical_crossentropy (or Dense(1) for a single value)";
  }
  if (prediction.rank() == 2 && truth.rank() == 1) {
    return message +
           ". The output has a value for every time step: leave out return_sequences on the last recurrent "
           "layer for one per sample";
  }
  return message + ": change y, or the number of units of the last layer";
}

}  // namespace training

namespace {

using Json = nlohmann::ordered_json;
using kernels::LossKind;
using training::BoundLoss;
using training::Labels;

class KernelLoss final : public detail::LossImpl {
 public:
  KernelLoss(std::string name, LossKind kind, Labels labels, Json options = Json::object(), double smoothing = 0)
      : name_(std::move(name)), bound_{kind, smoothing, labels}, options_(std::move(options)) {}

  const std::string& name() const override { return name_; }
  Json config() const override {
    Json config{{"name", name_}, {"reduction", "sum_over_batch_size"}};
    config.update(options_);
    return config;
  }
  BoundLoss bind(const Shape& prediction, const Shape& truth) const override {
    if (!training::labels_fit(bound_.labels, prediction, truth)) {
      throw ShapeError(training::labels_mismatch("loss '" + name_ + "'", bound_.labels, prediction, truth));
    }
    return bound_;
  }

 private:
  std::string name_;
  BoundLoss bound_;
  Json options_;
};

// Keras's "crossentropy": one of three, by the shapes.
class AnyCrossentropy final : public detail::LossImpl {
 public:
  const std::string& name() const override { return name_; }
  Json config() const override { return {{"name", name_}}; }
  BoundLoss bind(const Shape& prediction, const Shape& truth) const override {
    if (prediction.back() == 1) return losses::BinaryCrossentropy().impl().bind(prediction, truth);
    const bool sparse = truth.rank() < prediction.rank() || truth.back() == 1;
    if (sparse) return losses::SparseCategoricalCrossentropy().impl().bind(prediction, truth);
    return losses::CategoricalCrossentropy().impl().bind(prediction, truth);
  }

 private:
  std::string name_ = "crossentropy";
};

double checked_smoothing(const char* loss, Real smoothing) {
  return checked_option(loss, "label_smoothing", smoothing, Allowed::between_0_and_1);
}

template <class... Options>
Loss kernel_loss(const char* name, Options&&... options) {
  return detail::Access::make<Loss>(std::make_shared<KernelLoss>(name, std::forward<Options>(options)...));
}

// Keras's function names and short forms.
const std::map<std::string, Loss>& known_losses() {
  static constinit Lazy<std::map<std::string, Loss>> known;
  return known.get([] {
    std::map<std::string, Loss> m;
    for (const char* name : {"mean_squared_error", "mse", "MSE"}) m.emplace(name, losses::MeanSquaredError());
    for (const char* name : {"mean_absolute_error", "mae", "MAE"}) m.emplace(name, losses::MeanAbsoluteError());
    for (const char* name : {"binary_crossentropy", "bce", "BCE"}) m.emplace(name, losses::BinaryCrossentropy());
    m.emplace("categorical_crossentropy", losses::CategoricalCrossentropy());
    m.emplace("sparse_categorical_crossentropy", losses::SparseCategoricalCrossentropy());
    const Loss any = detail::Access::make<Loss>(std::make_shared<AnyCrossentropy>());
    for (const char* name : {"crossentropy", "ce"}) m.emplace(name, any);
    return m;
  });
}

}  // namespace

Loss::Loss(const std::string& name) {
  const auto& known = known_losses();
  auto found = known.find(name);
  if (found == known.end()) found = known.find(snake_case(name));
  if (found == known.end()) {
    std::vector<std::string> names;
    for (const auto& [n, loss] : known) {
      if (n == lower_case(n)) names.push_back(n);
    }
    throw ConfigError(unknown_name(NameKind::loss, name, names));
  }
  impl_ = found->second.impl_;
}

const std::string& Loss::name() const { return impl_->name(); }

namespace losses {

MeanSquaredError::MeanSquaredError()
    : Loss(kernel_loss("mean_squared_error", LossKind::mean_squared_error, Labels::same)) {}

MeanAbsoluteError::MeanAbsoluteError()
    : Loss(kernel_loss("mean_absolute_error", LossKind::mean_absolute_error, Labels::same)) {}

BinaryCrossentropy::BinaryCrossentropy(BinaryCrossentropyOptions o)
    : Loss(kernel_loss("binary_crossentropy",
                       o.from_logits ? LossKind::binary_crossentropy_from_logits : LossKind::binary_crossentropy,
                       Labels::same,
                       Json{{"from_logits", o.from_logits}, {"label_smoothing", o.label_smoothing.value}, {"axis", -1}},
                       checked_smoothing("BinaryCrossentropy", o.label_smoothing))) {}

CategoricalCrossentropy::CategoricalCrossentropy(CategoricalCrossentropyOptions o)
    : Loss(kernel_loss(
          "categorical_crossentropy",
          o.from_logits ? LossKind::categorical_crossentropy_from_logits : LossKind::categorical_crossentropy,
          Labels::same,
          Json{{"from_logits", o.from_logits}, {"label_smoothing", o.label_smoothing.value}, {"axis", -1}},
          checked_smoothing("CategoricalCrossentropy", o.label_smoothing))) {}

SparseCategoricalCrossentropy::SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions o)
    : Loss(kernel_loss("sparse_categorical_crossentropy",
                       o.from_logits ? LossKind::sparse_categorical_crossentropy_from_logits
                                     : LossKind::sparse_categorical_crossentropy,
                       Labels::sparse, Json{{"from_logits", o.from_logits}, {"ignore_class", nullptr}, {"axis", -1}})) {
}

}  // namespace losses
}  // namespace rondo
