#include "training/from_config.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <rondo/rondo.hpp>

#include "graph/layer_node.hpp"
#include "support/expect_error.hpp"
#include "training/losses.hpp"
#include "training/metrics/metric.hpp"

namespace rondo::training {
namespace {

using graph::Json;
using test::expect_error;

// ---- what a model is compiled with ----------------------------------------------------------------------------------

TEST(OptimizerFromConfig, ReadsWhatEachWrites) {
  for (const Optimizer& optimizer :
       {Optimizer(SGD({.learning_rate = 0.5, .momentum = 0.25, .nesterov = true, .clipnorm = 0.5})),
        Optimizer(RMSprop(
            {.learning_rate = 0.5, .rho = 0.25, .momentum = 0.1, .epsilon = 1e-3, .centered = true, .clipvalue = 2.0})),
        Optimizer(Adam({.learning_rate = 2,
        .beta_1 = 0.5,
        .beta_2 = 0.25,
        .epsilon = 1,
        .amsgrad = true,
        .global_clipnorm = 1.0})),
        Optimizer(AdamW({.learning_rate = ExponentialDecay(0.5, 3, 0.25),
        .weight_decay = 0.5,
        .use_ema = true,
        .ema_momentum = 0.5,
        .ema_overwrite_frequency = 7,
        .loss_scale_factor = 8,
        .gradient_accumulation_steps = 3})),
        Optimizer(Nadam({.beta_1 = 0.5, .beta_2 = 0.25, .epsilon = 1})),
        Optimizer(Adamax({.beta_1 = 0.5, .beta_2 = 0.25, .epsilon = 1})),
        Optimizer(Adagrad({.initial_accumulator_value = 0.5, .epsilon = 1})),
        Optimizer(Adadelta({.rho = 0.5, .epsilon = 1, .weight_decay = 0.5})),
        Optimizer(Ftrl({.learning_rate_power = -0.25,
        .initial_accumulator_value = 1,
        .l1_regularization_strength = 2,
        .l2_regularization_strength = 3,
        .l2_shrinkage_regularization_strength = 4,
        .beta = 5})),
        Optimizer(Lion({.beta_1 = 0.5, .beta_2 = 0.25})),
        Optimizer(Lamb({.beta_1 = 0.5, .beta_2 = 0.25, .epsilon = 1})),
        Optimizer(ScheduleFreeAdamW({.beta_1 = 0.5, .beta_2 = 0.25, .epsilon = 1, .warmup_steps = 3})),
        Optimizer(Adafactor(
            {.beta_2_decay = -0.5, .epsilon_1 = 1, .epsilon_2 = 2, .clip_threshold = 3, .relative_step = false})),
        Optimizer(Muon({.weight_decay = {},
        .adam_beta_1 = 0.5,
        .adam_beta_2 = 0.25,
        .adam_weight_decay = 0.125,
        .epsilon = 1,
        .exclude_layers = {"dense"},
        .exclude_embeddings = false,
        .muon_a = 1,
        .muon_b = 2,
        .muon_c = 3,
        .adam_lr_ratio = 4,
        .momentum = 0.5,
        .ns_steps = 6,
        .nesterov = false,
        .rms_rate = {}}))}) {
    const Json config = to_config(optimizer);
    EXPECT_EQ(to_config(optimizer_from_config(config)).dump(), config.dump());
    EXPECT_EQ(optimizer_from_config(config).learning_rate(), optimizer.learning_rate());
    Json wrong = config;
    wrong["config"]["epsylon"] = 0.5;
    const std::string class_name = optimizer.class_name();
    expect_error<ConfigError>([&] { (void)optimizer_from_config(wrong); },
                              {class_name + ": the option epsylon = 0.5 is not known"});
    Json with = config;
    with["config"]["slots"] = 1;
    expect_error<ConfigError>([&] { (void)optimizer_from_config(with); },
                              {class_name + ": the option slots = 1 is not known"});
  }
}

TEST(OptimizerFromConfig, ReadsNamesAndOtherVersions) {
  EXPECT_EQ(optimizer_from_config("Adam").class_name(), "Adam");
  EXPECT_EQ(optimizer_from_config({{"class_name", "SGD"}, {"config", {{"lr", 0.25}, {"decay", 0.0}}}}).learning_rate(),
            0.25);
  (void)optimizer_from_config({{"class_name", "Adam"},
                               {"config",
                                {{"name", "adam_7"},
                                 {"use_ema", false},
                                 {"ema_momentum", 0.99},
                                 {"jit_compile", true},
                                 {"clipnorm", nullptr}}}});
  expect_error<ConfigError>(
      [] {
        (void)optimizer_from_config({{"class_name", "LossScaleOptimizer"}, {"config", Json::object()}});
      },
      {"optimizer 'LossScaleOptimizer' is not in Rondo", "float16", "inner_optimizer"});
  expect_error<ConfigError>(
      [] {
        const Json schedule = {{"class_name", "ExponentialDecay"}, {"config", Json::object()}};
        (void)optimizer_from_config({{"class_name", "Adam"}, {"config", {{"learning_rate", schedule}}}});
      },
      {"ExponentialDecay: its configuration cannot be read: the option 'initial_learning_rate' is missing"});
}

TEST(OptimizerFromConfig, WritesWhatKerasDoes) {
  EXPECT_EQ(to_config(SGD())["config"].dump(),
            R"({"name":"SGD","learning_rate":0.01,"weight_decay":null,"clipnorm":null,"global_clipnorm":null,)"
            R"("clipvalue":null,"use_ema":false,"ema_momentum":0.99,"ema_overwrite_frequency":null,)"
            R"("loss_scale_factor":null,"gradient_accumulation_steps":null,"momentum":0.0,"nesterov":false})");
}

TEST(LossFromConfig, ReadsWhatEachWrites) {
  for (const Loss& loss : {Loss(losses::MeanSquaredError()),
                           Loss(losses::MeanAbsoluteError()),
                           Loss(losses::BinaryCrossentropy({.from_logits = true, .label_smoothing = 0.25})),
                           Loss(losses::CategoricalCrossentropy({.from_logits = true, .label_smoothing = 0.25})),
                           Loss(losses::SparseCategoricalCrossentropy({.from_logits = true})),
                           Loss("crossentropy"),
                           Loss(losses::MeanSquaredError({.reduction = "sum"})),
                           Loss(losses::CosineSimilarity()),
                           Loss(losses::KLDivergence({.reduction = "mean_with_sample_weight"})),
                           Loss(losses::Huber({.delta = 0.25})),
                           Loss(losses::Quantile({.quantiles = {0.25, 0.75}})),
                           Loss(losses::BinaryFocalCrossentropy({.apply_class_balancing = true, .gamma = 1.5})),
                           Loss(losses::CategoricalFocalCrossentropy({.alpha = 0.5, .reduction = "sum"})),
                           Loss(losses::CategoricalGeneralizedCrossEntropy({.q = 0.75})),
                           Loss(losses::SparseCategoricalCrossentropy({.ignore_class = 0, .reduction = "none"})),
                           Loss(losses::Hinge({.reduction = "sum"})),
                           Loss(losses::SquaredHinge()),
                           Loss(losses::Dice({.axis = {1, 2}})),
                           Loss(losses::Tversky({.alpha = 0.3, .beta = 0.7})),
                           Loss(losses::Circle({.gamma = 2, .margin = 0.5, .remove_diagonal = false})),
                           Loss(losses::CTC()),
                           Loss(losses::GaussianLikelihood()),
                           Loss(losses::StudentTLikelihood({.reduction = "sum"})),
                           Loss(losses::MeanAbsoluteScaledError({.scale = 2.5}))}) {
    const Json config = to_config(loss);
    const Loss again = loss_from_config(config);
    EXPECT_EQ(to_config(again).dump(), config.dump());
    EXPECT_EQ(again.name(), loss.name());
    if (!config.is_object()) continue;
    for (const auto& [key, value] : {std::pair("reduction", Json("median")), std::pair("reduction", Json()),
                                     std::pair("from_logit", Json(true))}) {
      Json wrong = config;
      wrong["config"][key] = value;
      expect_error<ConfigError>([&] { (void)loss_from_config(wrong); },
                                {config["class_name"].get<std::string>() + ": ", std::string("the option ") + key});
    }
  }
  const std::shared_ptr<const BoundLoss> logits =
      loss_from_config({{"class_name", "BinaryCrossentropy"}, {"config", {{"from_logits", true}}}})
          .impl()
          .bind({1}, {1});
  EXPECT_TRUE(logits->traits().from_logits);
}

TEST(LossFromConfig, RefusesWhatIsNoLoss) {
  expect_error<ConfigError>([] { (void)loss_from_config(3); }, {"loss 3", "give a name"});
}

TEST(MetricFromConfig, ReadsWhatEachWrites) {
  for (const Metric& metric :
       {Metric(metrics::MeanSquaredError({.name = "a"})), Metric(metrics::MeanAbsoluteError({.name = "b"})),
        Metric(metrics::RootMeanSquaredError({.name = "c"})),
        Metric(metrics::BinaryAccuracy({.name = "d", .threshold = 0.25})),
        Metric(metrics::CategoricalAccuracy({.name = "e"})), Metric(metrics::SparseCategoricalAccuracy({.name = "f"})),
        Metric(metrics::LogCoshError()), Metric(metrics::CosineSimilarity({.name = "g"})), Metric("mape"),
        Metric("kl_divergence"), Metric(metrics::BinaryCrossentropy({.from_logits = true, .label_smoothing = 0.25})),
        Metric(metrics::SparseCategoricalCrossentropy({.from_logits = true})), Metric("accuracy"), Metric("acc"),
        Metric("bce"), Metric("categorical_crossentropy"), Metric("sparse_categorical_crossentropy")}) {
    const Json config = to_config(metric);
    const Metric again = metric_from_config(config);
    EXPECT_EQ(to_config(again).dump(), config.dump());
    EXPECT_EQ(again.name(), metric.name());
    if (!config.is_object()) continue;
    Json wrong = config;
    wrong["config"]["treshold"] = 1;
    expect_error<ConfigError>([&] { (void)metric_from_config(wrong); },
                              {config["class_name"].get<std::string>() + ": the option treshold = 1 is not known"});
  }
  EXPECT_EQ(to_config(metrics::BinaryAccuracy({.threshold = 0.25}))["config"]["threshold"], 0.25);
  EXPECT_EQ(metric_from_config({{"class_name", "MeanSquaredError"}, {"config", {{"dtype", "float32"}}}}).name(),
            "mean_squared_error");
}

TEST(MetricFromConfig, ReadsWhatEveryFamilyWrites) {
  using namespace metrics;
  for (const Metric& metric :
       {Metric(Accuracy({.name = "a"})),
        Metric(TopKCategoricalAccuracy({.k = 2})),
        Metric(SparseTopKCategoricalAccuracy({.k = 1, .from_sorted_ids = true})),
        Metric(Hinge()),
        Metric(SquaredHinge()),
        Metric(SparseCategoricalCrossentropy({.ignore_class = -1})),
        Metric(MeanMetricWrapper(losses::Huber({.delta = 2}), {.name = "h"})),
        Metric(Mean()),
        Metric(Sum()),
        Metric(TruePositives({.thresholds = {0.25, 0.75}})),
        Metric(FalseNegatives()),
        Metric(Precision({.thresholds = {0.25}, .top_k = 3, .class_id = 1})),
        Metric(Recall({.name = "r"})),
        Metric(AUC({.num_thresholds = 5, .curve = "PR", .summation_method = "minoring"})),
        Metric(AUC({.thresholds = {0.5, 0.25}, .multi_label = true, .num_labels = 2, .label_weights = {1, 3}})),
        Metric(SensitivityAtSpecificity(0.25, {.num_thresholds = 7, .class_id = 0})),
        Metric(SpecificityAtSensitivity(0.5)),
        Metric(PrecisionAtRecall(0.5, {.name = "p"})),
        Metric(RecallAtPrecision(1)),
        Metric(FBetaScore({.average = "macro", .beta = 2, .threshold = 0.25})),
        Metric(F1Score()),
        Metric(R2Score({.class_aggregation = std::nullopt, .num_regressors = 2})),
        Metric(PearsonCorrelation()),
        Metric(ConcordanceCorrelation()),
        Metric(IoU(3, {0, 2}, {.ignore_class = 255, .sparse_y_pred = false})),
        Metric(MeanIoU(2)),
        Metric(OneHotIoU(3, {1})),
        Metric(OneHotMeanIoU(3, {.name = "o"})),
        Metric(BinaryIoU({.threshold = 0.25}))}) {
    const Json config = to_config(metric);
    const Metric again = metric_from_config(config);
    EXPECT_EQ(to_config(again).dump(), config.dump());
    EXPECT_EQ(again.name(), metric.name());
    EXPECT_EQ(again.direction(), metric.direction());
    EXPECT_TRUE(config["config"].contains("name"));
  }
}

TEST(MetricFromConfig, ReadsKerasSpellings) {
  const auto config = [](const char* class_name, const Json& options) {
    return to_config(metric_from_config({{"class_name", class_name}, {"config", options}}))["config"];
  };
  EXPECT_EQ(config("Precision", {{"thresholds", 0.25}})["thresholds"].dump(), "[0.25]");
  EXPECT_EQ(config("Precision", {{"thresholds", nullptr}})["thresholds"].dump(), "null");
  const Json weights = {{"class_name", "__tensor__"}, {"config", {{"value", {1.0, 3.0}}, {"dtype", "float64"}}}};
  EXPECT_EQ(config("AUC", {{"multi_label", true}, {"label_weights", weights}})["label_weights"].dump(), "[1.0,3.0]");
  const Json function = {{"class_name", "function"}, {"config", "mean_absolute_error"}};
  EXPECT_EQ(metric_from_config({{"class_name", "MeanMetricWrapper"}, {"config", {{"fn", function}}}}).name(),
            "mean_absolute_error");
  EXPECT_EQ(metric_from_config({{"class_name", "Accuracy"}, {"config", Json::object()}}).impl().class_name(),
            "Accuracy");
}

TEST(MetricFromConfig, RefusesWhatRondoDoesNotHave) {
  expect_error<ConfigError>(
      [] {
        (void)metric_from_config({{"class_name", "MeanIoU"}, {"config", {{"num_classes", 3}, {"dtype", "float32"}}}});
      },
      {"MeanIoU: the option dtype = \"float32\" is not supported"});
  expect_error<ConfigError>(
      [] {
        (void)metric_from_config({{"class_name", "IoU"}, {"config", {{"num_classes", 3}}}});
      },
      {"IoU", "target_class_ids"});
  expect_error<ConfigError>(
      [] {
        (void)metric_from_config({{"class_name", "Fmeasure"}, {"config", Json::object()}});
      },
      {"'Fmeasure' is in Keras"});
}

// ---- models ---------------------------------------------------------------------------------------------------------

Json parsed(const Model& model) {
  return {{"class_name", model.class_name()}, {"config", Json::parse(model.get_config())}};
}

// Fan-out, a layer that is called twice, initial states, two inputs and outputs, and models inside.
Model graph_model() {
  const Input sequence({4, 2}, {.name = "sequence"}), row({3}, {.name = "row"});
  const Dense shared(3, {.activation = "tanh", .name = "shared"});
  const Input inner_row({3});
  const Model inner(inner_row, Add()({Dense(3)(inner_row), inner_row}), {.name = "inner"});
  const Sequential line({Dense(4, {.input_shape = {3}}), Dense(3)}, {.name = "line"});
  const Sequential step({Dense(2, {.input_shape = {3}})}, {.name = "step"});
  const Symbols encoded = LSTM(3, {.return_state = true})(sequence);
  const Symbol decoded =
      LSTM(3, {.return_sequences = true, .name = "decoder"})(sequence, {.initial_state = {encoded[1], encoded[2]}});
  const Symbol once = shared(row), twice = shared(once);
  return Model({sequence, row}, {TimeDistributed(step)(decoded), Add()({inner(twice), inner(once), line(once)})},
               {.name = "outer"});
}

TEST(ModelFromConfig, ReadsAGraph) {
  set_random_seed(3);
  const Model model = graph_model();
  model.layers()[0].set_trainable(false);
  const Model again = model_from_config(parsed(model));
  EXPECT_EQ(again.get_config(), model.get_config());
  EXPECT_EQ(again.name(), "outer");

  again.set_weights(model.get_weights());
  const Tensor X = Tensor({2, 4, 2}, std::vector<double>(16, 0.5)), row = Tensor{{0.1, 0.2, 0.3}, {0.4, 0.5, 0.6}};
  const std::vector<Tensor> expected = model.predict_outputs(Inputs{X, row}),
                            got = again.predict_outputs(Inputs{X, row});
  ASSERT_EQ(got.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(got[i].identical(expected[i])) << i;
}

TEST(ModelFromConfig, TakesLayersInAnyOrder) {
  const Model model = graph_model();
  Json config = parsed(model);
  std::reverse(config["config"]["layers"].begin(), config["config"]["layers"].end());
  EXPECT_EQ(model_from_config(config).get_config(), model.get_config());
}

TEST(ModelFromConfig, KeepsWhatIsTrainable) {
  const Model model = graph_model();
  model.set_trainable(false);
  model.layers().back().set_trainable(true);
  const Model again = model_from_config(parsed(model));
  EXPECT_EQ(again.get_config(), model.get_config());
  EXPECT_FALSE(again.trainable());
  EXPECT_TRUE(again.layers().back().trainable());
}

TEST(ModelFromConfig, IgnoresArgumentsThatAreOff) {
  const Input in({4, 2}, {.name = "in"});
  const Model model(in, LSTM(3, {.name = "lstm"})(in));
  Json config = parsed(model);
  config["config"]["layers"][1]["inbound_nodes"][0]["kwargs"] = {{"mask", {nullptr}}, {"training", nullptr}};
  EXPECT_EQ(model_from_config(config).get_config(), model.get_config());
}

TEST(ModelFromConfig, NamesWhatCannotBeRead) {
  const Input in({4, 2}, {.name = "in"});
  const Model model(in, Dense(3, {.name = "dense"})(LSTM(3, {.name = "lstm"})(in)));
  const auto refused = [&](const std::vector<std::string>& texts, auto change) {
    Json config = parsed(model);
    change(config["config"]);
    expect_error<ConfigError>([&] { (void)model_from_config(config); }, texts);
  };
  const auto call = [](Json& config) -> Json& { return config["layers"][1]["inbound_nodes"][0]; };
  refused({"Functional: a call of layer 'lstm'", "the argument training = true", "not supported"},
          [&](Json& config) { call(config)["kwargs"]["training"] = true; });
  refused({"a call of layer 'lstm'", "no tensor: 3"}, [&](Json& config) { call(config)["args"].push_back(3); });
  refused({"a call of layer 'dense'", "initial_state"}, [&](Json& config) {
    config["layers"][2]["inbound_nodes"][0]["kwargs"]["initial_state"] = call(config)["args"];
  });
  refused({"a call of layer 'lstm'", "Keras 2"}, [&](Json& config) {
    call(config) = Json::array({Json::array({"in", 0, 0, Json::object()})});
  });
  refused({"a call of layer 'lstm'", "output 0 of call 1 of layer 'in'", "nothing makes"},
          [&](Json& config) { call(config)["args"][0]["config"]["keras_history"][1] = 1; });
  for (const Json& wrong : {Json(0.5), Json(1e300), Json("0"), Json()}) {
    refused({"a tensor is named by its layer", "[\"in\",0," + wrong.dump() + "] was given"},
            [&](Json& config) { call(config)["args"][0]["config"]["keras_history"][2] = wrong; });
  }
  refused({"among its outputs is output 2 of call 0 of layer 'dense'"}, [](Json& config) {
    config["output_layers"] = {"dense", 0, 2};
  });
  refused({"two layers have the name 'in'"}, [](Json& config) { config["layers"].push_back(config["layers"][0]); });
  refused({"Functional: its configuration cannot be read", "'input_layers' is missing"},
          [](Json& config) { config.erase("input_layers"); });
  refused({"Functional: its configuration cannot be read"}, [&](Json& config) { call(config).erase("args"); });
  refused({"Functional: the option call = 3 is not known"}, [](Json& config) { config["call"] = 3; });
  expect_error<ConfigError>(
      [] {
        (void)model_from_config({{"class_name", "Dense"}, {"config", {{"units", 2}}}});
      },
      {"Dense is a layer"});
}

TEST(ModelFromConfig, ReadsALine) {
  const Sequential model({LSTM(3, {.input_shape = {4, 2}}), Dense(1)}, {.name = "line"});
  model.layers()[0].set_trainable(false);
  Json config = parsed(model);
  EXPECT_EQ(model_from_config(config).get_config(), model.get_config());
  config["config"]["build_input_shape"] = {nullptr, 4, 2};
  EXPECT_EQ(model_from_config(config).get_config(), model.get_config());
}

}  // namespace
}  // namespace rondo::training
