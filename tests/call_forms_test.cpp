// The ways in which people write the same call, all of which must compile and mean the same.
#include <gtest/gtest.h>

#include <rondo/rondo.hpp>

namespace rondo {
namespace {

Sequential line() {
  clear_session();
  set_random_seed(1);
  Sequential model{Dense(1, {.input_shape = {1}})};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  return model;
}

const Tensor kColumn = {{1.0}, {2.0}};
const Tensor kTwiceAndOne = {{3.0}, {5.0}};

TEST(ValidationData, TakesXAndYInEveryForm) {
  const std::pair<Tensor, Tensor> pair{kColumn, kTwiceAndOne};
  const ValidationData named{kColumn, kTwiceAndOne};
  const std::vector<FitOptions> forms = {
      {.verbose = 0, .validation_data = {kColumn, kTwiceAndOne}},
      {.verbose = 0, .validation_data = {{kColumn, kTwiceAndOne}}},
      {.verbose = 0, .validation_data = pair},
      {.verbose = 0, .validation_data = std::make_pair(kColumn, kTwiceAndOne)},
      {.verbose = 0, .validation_data = std::pair{kColumn, kTwiceAndOne}},
      {.verbose = 0, .validation_data = named},
      {.verbose = 0, .validation_data = {{{1.0}, {2.0}}, {{3.0}, {5.0}}}},
      {.verbose = 0, .validation_data = {Tensor{{1.0}, {2.0}}, kTwiceAndOne}},
  };
  for (std::size_t i = 0; i < forms.size(); ++i) {
    const Sequential model = line();
    const History history = model.fit(kColumn, kTwiceAndOne, forms[i]);
    EXPECT_EQ(history["val_loss"].back(), model.evaluate(kColumn, kTwiceAndOne, {.verbose = 0}).loss()) << "form " << i;
  }
}

TEST(ValidationData, IsNoneWhereNothingIsGiven) {
  for (const ValidationData& none : {ValidationData(), ValidationData(std::nullopt)}) {
    EXPECT_FALSE(line().fit(kColumn, kTwiceAndOne, {.verbose = 0, .validation_data = none}).contains("val_loss"));
  }
}

TEST(Metrics, TakeNamesAndObjectsInEveryForm) {
  const std::string mae = "mae";
  const std::vector<std::string> names = {"mae", "mse"};
  const std::vector<Metric> objects = {"mae", metrics::MeanSquaredError({.name = "mse"})};
  const std::vector<Metrics> forms = {{"mae", "mse"}, {mae, "mse"},           names,   {names},
                                      Metrics(names), {Metric("mae"), "mse"}, objects, {objects}};
  for (std::size_t i = 0; i < forms.size(); ++i) {
    ASSERT_EQ(forms[i].size(), 2U) << "form " << i;
    EXPECT_EQ(forms[i][0].name(), "mae") << "form " << i;
    EXPECT_EQ(forms[i][1].name(), "mse") << "form " << i;
  }
  const Sequential model = line();
  model.compile({.loss = "mse", .metrics = names});
  EXPECT_TRUE(model.fit(kColumn, kTwiceAndOne, {.verbose = 0}).contains("mae"));
  model.compile({.loss = "mse", .metrics = {"mae"}});
  EXPECT_FALSE(model.fit(kColumn, kTwiceAndOne, {.verbose = 0}).contains("mse"));
  EXPECT_THROW(model.compile({.metrics = std::vector<std::string>{"mea"}}), ConfigError);
}

struct CountsEpochs : Callback {
  CountsEpochs(int from, const std::string& label) : count(from), name(label) {}
  void on_epoch_end(Index, Logs&) override { ++count; }
  int count;
  std::string name;
};

TEST(MakeCallback, PassesOnWhatTheConstructorTakes) {
  const auto counter = make_callback<CountsEpochs>(10, "epochs");
  line().fit(kColumn, kTwiceAndOne,
             {.epochs = 3, .verbose = 0, .callbacks = {counter, make_callback<CountsEpochs>(0, "others")}});
  EXPECT_EQ(counter->count, 13);
  EXPECT_EQ(counter->name, "epochs");
}

}  // namespace
}  // namespace rondo
