#include "support/saved_layer.hpp"

#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>

#include <rondo/layers.hpp>
#include <rondo/model.hpp>
#include <rondo/saving.hpp>

#include "support/layer_probe.hpp"

namespace rondo::test {

namespace {

class File {
 public:
  explicit File(const char* end)
      : path_(std::filesystem::path(testing::TempDir()) / ("rondo_saved_" + std::to_string(getpid()) + end)) {}
  ~File() { std::filesystem::remove(path_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

Model trained_model(const SavedLayerCase& layer_case) {
  std::vector<Symbol> inputs;
  for (const Tensor& x : layer_case.inputs) {
    inputs.push_back(Input(x.shape().from(1), {.dtype = layer_case.layer.dtype()}));
  }
  const Symbols outputs = layer_case.layer(inputs);
  Model model(inputs, {outputs.begin(), outputs.end()});
  set_weights(*layer_case.layer.node(), layer_case.weights);
  model.compile({.optimizer = "adam", .loss = "mse"});
  (void)model.train_on_batch(Inputs(layer_case.inputs), Outputs(layer_case.targets));
  return model;
}

void expect_same(const std::vector<Tensor>& got, const std::vector<Tensor>& expected, const char* what) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(got[i].identical(expected[i])) << what << ' ' << i;
}

std::vector<Tensor> predictions(const Model& model, const std::vector<Tensor>& inputs) {
  model.reset_states();
  return model.predict_outputs(Inputs(inputs), {.verbose = 0});
}

std::vector<Tensor> optimizer_values(const Model& model) {
  std::vector<Tensor> values;
  for (const OptimizerVariable& variable : model.optimizer_variables()) values.push_back(variable.value);
  return values;
}

}  // namespace

void check_saved(const SavedLayerCase& layer_case) {
  const Model model = trained_model(layer_case);
  const std::vector<Tensor> expected = predictions(model, layer_case.inputs);
  if (layer_case.in_configuration) {
    for (const char* end : {".keras", ".h5"}) {
      SCOPED_TRACE(end);
      const File file(end);
      model.save(file.path());
      const Model again = load_model(file.path());
      expect_same(again.get_weights(), model.get_weights(), "weights");
      expect_same(predictions(again, layer_case.inputs), expected, "predictions");
      expect_same(optimizer_values(again), optimizer_values(model), "optimizer variables");
    }
  }
  const File file(".weights.h5");
  model.save_weights(file.path());
  const Model again = clone_model(model);
  again.load_weights(file.path());
  expect_same(again.get_weights(), model.get_weights(), "weights alone");
  expect_same(predictions(again, layer_case.inputs), expected, "predictions with weights alone");
}

}  // namespace rondo::test
