#include "training/optimizers/variables.hpp"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <stdexcept>

#include <rondo/rondo.hpp>

namespace rondo {
namespace {

using Variables = std::vector<OptimizerVariable>;

Tensor normal(const Shape& shape, std::uint64_t seed) {
  const RandomStream random(seed, Purpose::user);
  Tensor tensor(shape, DType::float32);
  std::uint64_t i = 0;
  for (float& v : tensor.data<float>()) v = static_cast<float>(random.normal(i++));
  return tensor;
}

Sequential model_of(const Optimizer& optimizer) {
  set_random_seed(3);
  const Sequential model({LSTM(3, {.return_sequences = true, .name = "lstm", .input_shape = {5, 2}}),
                          GRU(4, {.name = "gru"}), Dense(2, {.name = "dense"})},
                         {.name = "model"});
  model.compile({.optimizer = optimizer, .loss = "mse"});
  return model;
}

Tensor samples() { return normal({60, 5, 2}, 1); }
Tensor labels() { return normal({60, 2}, 2); }

Tensor rows(const Tensor& tensor, Index begin, Index end) { return Tensor(tensor.view<float>().slice(0, begin, end)); }

void take_steps(const Sequential& model, Index first, Index end) {
  const Tensor X = samples(), y = labels();
  for (Index i = first; i < end; ++i) {
    (void)model.train_on_batch(rows(X, 6 * i, 6 * i + 6), rows(y, 6 * i, 6 * i + 6));
  }
}

void expect_same(const Sequential& a, const Sequential& b, const std::string& what) {
  const std::vector<Tensor> weights = a.get_weights(), others = b.get_weights();
  for (std::size_t i = 0; i < weights.size(); ++i) EXPECT_TRUE(weights[i].identical(others[i])) << what << ' ' << i;
  const Variables variables = a.optimizer_variables(), of_b = b.optimizer_variables();
  ASSERT_EQ(variables.size(), of_b.size()) << what;
  for (std::size_t i = 0; i < variables.size(); ++i) {
    EXPECT_EQ(variables[i].name, of_b[i].name) << what;
    EXPECT_TRUE(variables[i].value.identical(of_b[i].value)) << what << ' ' << variables[i].name;
  }
}

std::vector<Optimizer> all_kinds() {
  const LearningRate falling = ExponentialDecay(0.05, 3, 0.7);
  return {SGD({.learning_rate = 0.05}),
          SGD({.learning_rate = falling, .momentum = 0.9, .nesterov = true}),
          RMSprop({.momentum = 0.5, .centered = true}),
          Adam({.amsgrad = true}),
          Adam({.learning_rate = falling, .use_ema = true, .ema_overwrite_frequency = 3}),
          Adam({.use_ema = true, .gradient_accumulation_steps = 3}),
          AdamW({.weight_decay = 0.1, .global_clipnorm = 0.5}),
          Nadam(),
          Nadam({.gradient_accumulation_steps = 2}),
          Adamax(),
          Adagrad({.learning_rate = 0.05, .clipnorm = 0.1}),
          Adadelta({.learning_rate = 1.0}),
          Ftrl({.learning_rate = 0.1, .l1_regularization_strength = 0.001}),
          Lion(),
          Lamb({.gradient_accumulation_steps = 3}),
          Adafactor({.learning_rate = 0.05}),
          Adafactor({.learning_rate = falling, .gradient_accumulation_steps = 2}),
          Muon({.learning_rate = 0.02, .ns_steps = 3}),
          Muon({.gradient_accumulation_steps = 3}),
          ScheduleFreeAdamW({.warmup_steps = 7}),
          ScheduleFreeAdamW({.weight_decay = 0.1, .gradient_accumulation_steps = 3})};
}

TEST(OptimizerVariables, CarryATrainingOnToTheBit) {
  for (const Optimizer& optimizer : all_kinds()) {
    const Sequential straight = model_of(optimizer), before = model_of(optimizer), after = model_of(optimizer);
    take_steps(straight, 0, 10);
    take_steps(before, 0, 5);
    after.set_weights(before.get_weights());
    after.set_optimizer_variables(before.optimizer_variables());
    expect_same(after, before, optimizer.class_name());
    take_steps(after, 5, 10);
    expect_same(after, straight, optimizer.class_name());
  }
}

// A model that has learned something else meanwhile, and has other ranges to update, forgets it.
TEST(OptimizerVariables, ReplaceWhatWasRemembered) {
  for (const Optimizer& optimizer : all_kinds()) {
    const Sequential straight = model_of(optimizer), before = model_of(optimizer), after = model_of(optimizer);
    take_steps(straight, 0, 10);
    take_steps(before, 0, 5);
    take_steps(after, 3, 7);
    after.set_weights(before.get_weights());
    std::vector<Tensor> values;
    for (const OptimizerVariable& one : before.optimizer_variables()) values.push_back(one.value);
    after.set_optimizer_variables(values);
    take_steps(after, 5, 10);
    expect_same(after, straight, optimizer.class_name());
  }
}

TEST(OptimizerVariables, GoOnInAFitWithShards) {
  const auto course = [](bool cut) {
    const FitOptions options{.batch_size = 12, .verbose = 0, .shuffle = false, .shards = 3};
    const Sequential first = model_of(Adam({.gradient_accumulation_steps = 2}));
    first.fit(samples(), labels(), options);  // five steps
    if (!cut) {
      first.fit(samples(), labels(), options);
      return first.get_weights();
    }
    const Sequential second = model_of(Adam({.gradient_accumulation_steps = 2}));
    second.set_weights(first.get_weights());
    second.set_optimizer_variables(first.optimizer_variables());
    second.fit(samples(), labels(), options);
    return second.get_weights();
  };
  const std::vector<Tensor> straight = course(false), cut = course(true);
  for (std::size_t i = 0; i < straight.size(); ++i) EXPECT_TRUE(straight[i].identical(cut[i])) << i;
}

TEST(OptimizerVariables, GoOnAlsoInFloat64) {
  const auto make = [] {
    set_random_seed(3);
    const Sequential model{LSTM(3, {.dtype = DType::float64, .input_shape = {5, 2}}),
                           Dense(2, {.dtype = DType::float64})};
    model.compile({.optimizer = Adafactor({.learning_rate = 0.05}), .loss = "mse"});
    return model;
  };
  const Sequential straight = make(), before = make(), after = make();
  take_steps(straight, 0, 6);
  take_steps(before, 0, 3);
  after.set_weights(before.get_weights());
  after.set_optimizer_variables(before.optimizer_variables());
  take_steps(after, 3, 6);
  const std::vector<Tensor> a = straight.get_weights(), b = after.get_weights();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(a[i].identical(b[i])) << i;
}

// ---- names ---------------------------------------------------------------------------------------------------------

std::vector<std::string> names_of(const Optimizer& optimizer) {
  const Sequential model({GRU(5, {.name = "gru", .input_shape = {4, 3}}), Dense(1, {.name = "dense"})},
                         {.name = "sequential"});
  model.compile({.optimizer = optimizer, .loss = "mse"});
  std::vector<std::string> names;
  for (const OptimizerVariable& one : model.optimizer_variables()) {
    names.push_back(one.name + " " + to_string(one.value.shape()));
  }
  return names;
}

TEST(OptimizerVariables, AreNamedAndOrderedAsInKeras) {
  EXPECT_EQ(
      names_of(Adam()),
      (std::vector<std::string>{
          "adam/iteration ()", "adam/learning_rate ()", "adam/sequential_gru_gru_cell_kernel_momentum (3, 15)",
          "adam/sequential_gru_gru_cell_kernel_velocity (3, 15)",
          "adam/sequential_gru_gru_cell_recurrent_kernel_momentum (5, 15)",
          "adam/sequential_gru_gru_cell_recurrent_kernel_velocity (5, 15)",
          "adam/sequential_gru_gru_cell_bias_momentum (2, 15)", "adam/sequential_gru_gru_cell_bias_velocity (2, 15)",
          "adam/sequential_dense_kernel_momentum (5, 1)", "adam/sequential_dense_kernel_velocity (5, 1)",
          "adam/sequential_dense_bias_momentum (1,)", "adam/sequential_dense_bias_velocity (1,)"}));
  const auto of_dense = [](const Optimizer& optimizer) {
    std::vector<std::string> names;
    for (const std::string& name : names_of(optimizer)) {
      if (name.find("gru") == std::string::npos && name.find("recurrent") == std::string::npos) names.push_back(name);
    }
    return names;
  };
  EXPECT_EQ(of_dense(RMSprop({.learning_rate = ExponentialDecay(0.1, 1, 0.5), .momentum = 0.5, .use_ema = true})),
            (std::vector<std::string>{
                "rm_sprop/iteration ()", "rm_sprop/sequential_dense_kernel_average (5, 1)",
                "rm_sprop/sequential_dense_bias_average (1,)", "rm_sprop/sequential_dense_kernel_velocity (5, 1)",
                "rm_sprop/sequential_dense_bias_velocity (1,)", "rm_sprop/sequential_dense_kernel_momentum (5, 1)",
                "rm_sprop/sequential_dense_bias_momentum (1,)"}));
  EXPECT_EQ(of_dense(AdamW({.weight_decay = 0.1, .gradient_accumulation_steps = 2}))[2],
            "adam_w/sequential_dense_kernel_gradient_accumulator (5, 1)");
  const std::vector<std::string> adafactor = names_of(Adafactor());
  EXPECT_EQ(std::vector<std::string>(adafactor.end() - 6, adafactor.end()),
            (std::vector<std::string>{"adafactor/kernel (5,)", "adafactor/kernel (1,)",
                                      "adafactor/sequential_dense_kernel_velocity (5, 1)", "adafactor/bias ()",
                                      "adafactor/bias ()", "adafactor/sequential_dense_bias_velocity (1,)"}));
  EXPECT_EQ(of_dense(Muon({.exclude_layers = {"gru"}})),
            (std::vector<std::string>{
                "muon/iteration ()", "muon/learning_rate ()", "muon/sequential_dense_kernel_momentum (5, 1)",
                "muon/sequential_dense_bias_momentum (1,)", "muon/sequential_dense_bias_velocity (1,)"}));
  EXPECT_EQ(names_of(Nadam()).back(), "nadam/variable ()");
}

TEST(OptimizerVariables, FrozenWeightsHaveNone) {
  const Sequential model{Dense(2, {.trainable = false, .name = "still", .input_shape = {3}}), Dense(1)};
  model.compile({.optimizer = Adam(), .loss = "mse"});
  for (const OptimizerVariable& one : model.optimizer_variables()) {
    EXPECT_EQ(one.name.find("still"), std::string::npos) << one.name;
  }
}

// ---- what does not fit ---------------------------------------------------------------------------------------------

OptimizerVariable& named(Variables& variables, const std::string& end) {
  for (OptimizerVariable& one : variables) {
    if (one.name.ends_with(end)) return one;
  }
  throw std::logic_error("no " + end);
}

TEST(OptimizerVariables, MayComeInAnyOrderAndWithKerasNumbers) {
  const Sequential model = model_of(Adam()), other = model_of(Adam());
  take_steps(model, 0, 2);
  other.set_weights(model.get_weights());
  Variables variables = model.optimizer_variables();
  std::reverse(variables.begin(), variables.end());
  for (OptimizerVariable& one : variables) one.name.replace(0, 4, "adam_7");
  other.set_optimizer_variables(variables);
  expect_same(model, other, "reversed");
}

// "sequential/lstm" and "sequential_1/lstm_2", and of two such layers the first for the first.
TEST(OptimizerVariables, MayBeOfAModelWithOtherAutomaticNames) {
  const auto make = [] {
    set_random_seed(3);
    const Sequential model{LSTM(3, {.return_sequences = true, .input_shape = {5, 2}}), LSTM(3), Dense(2)};
    model.compile({.optimizer = Nadam(), .loss = "mse"});
    return model;
  };
  const Sequential model = make(), other = make();
  take_steps(model, 0, 2);
  const Variables variables = model.optimizer_variables();
  other.set_optimizer_variables(variables);
  const Variables set = other.optimizer_variables();
  EXPECT_NE(set[2].name, variables[2].name);
  for (std::size_t i = 0; i < set.size(); ++i) EXPECT_TRUE(set[i].value.identical(variables[i].value)) << set[i].name;
}

TEST(OptimizerVariables, SayWhatDoesNotFitAndChangeNothing) {
  const Sequential model = model_of(Nadam());
  take_steps(model, 0, 2);
  const Variables good = model.optimizer_variables();
  const auto refused = [&](const std::function<void(Variables&)>& spoil) {
    Variables bad = good;
    for (OptimizerVariable& one : bad) one.value = one.value * 2.0;
    named(bad, "/iteration").value = Tensor(Shape{}, std::vector<double>{2});
    named(bad, "/variable").value = named(const_cast<Variables&>(good), "/variable").value;
    spoil(bad);
    try {
      model.set_optimizer_variables(bad);
    } catch (const Error& error) {
      const Variables now = model.optimizer_variables();
      for (std::size_t i = 0; i < now.size(); ++i) EXPECT_TRUE(now[i].value.identical(good[i].value)) << now[i].name;
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  const auto number = [](double v) { return Tensor(Shape{}, std::vector<double>{v}); };
  EXPECT_EQ(refused([](Variables& v) {
              named(v, "dense_kernel_velocity").value = Tensor::zeros({2, 4});
            }),
            "model 'model': the optimizer variable 'nadam/model_dense_kernel_velocity' has shape (4, 2); a tensor of "
            "shape (2, 4) was given");
  EXPECT_EQ(
      refused([](Variables& v) { v.erase(v.begin() + 2); }),
      "model 'model': the optimizer variable 'nadam/model_lstm_lstm_cell_kernel_momentum' of shape (2, 12) is missing; "
      "set_optimizer_variables takes all of them");
  EXPECT_EQ(refused([](Variables& v) {
              v.push_back({"nadam/model_dense_kernel_velocitty", Tensor()});
            }),
            "model 'model': the optimizer Nadam has no variable 'nadam/model_dense_kernel_velocitty'. Did you mean "
            "'nadam/model_dense_kernel_velocity'? optimizer_variables() lists those that it has");
  EXPECT_EQ(refused([](Variables& v) { v.push_back(v[1]); }),
            "model 'model': the optimizer variable 'nadam/learning_rate' was given more often than the optimizer Nadam "
            "has it");
  EXPECT_EQ(refused([&](Variables& v) { v[0].value = number(2.5); }),
            "model 'model': the optimizer variable 'nadam/iteration' is 2.5; it must be a whole number of steps, 0 or "
            "more");
  EXPECT_EQ(refused([&](Variables& v) { v[1].value = number(-1); }),
            "model 'model': the optimizer variable 'nadam/learning_rate' is -1; it must be finite and 0 or more");
  const std::string product = refused([&](Variables& v) { v[0].value = number(5); });
  EXPECT_NE(product.find("'nadam/variable' is 0.2"), std::string::npos) << product;
  EXPECT_NE(product.find("after 5 steps of this Nadam it is 0.0"), std::string::npos) << product;
  EXPECT_THROW(model.set_optimizer_variables(std::vector<Tensor>(3)), ConfigError);
}

TEST(OptimizerVariables, AreThereOnceAModelIsCompiledAndBuilt) {
  const Sequential model{Dense(1)};
  EXPECT_THROW((void)model.optimizer_variables(), StateError);
  model.compile({.optimizer = Adagrad({.learning_rate = 0.1, .initial_accumulator_value = 0.5}), .loss = "mse"});
  EXPECT_THROW((void)model.optimizer_variables(), StateError);
  model.predict(Tensor::zeros({1, 2}), {.verbose = 0});
  const Variables variables = model.optimizer_variables();
  ASSERT_EQ(variables.size(), 4u);
  EXPECT_EQ(variables[0].value(), 0);
  EXPECT_EQ(variables[1].value(), 0.1);
  EXPECT_EQ(variables[2].value(1, 0), 0.5);
}

// As files of Keras have it.
TEST(OptimizerVariables, ALearningRateInFloat32SaysNoMoreThanItsDigits) {
  const Sequential model{Dense(1, {.input_shape = {2}})};
  model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "mse"});
  const auto set_rate = [&](float rate) {
    model.set_optimizer_variables(
        std::vector<Tensor>{Tensor(Shape{}, std::vector<double>{0}), Tensor(Shape{}, std::vector<float>{rate})});
    return model.learning_rate();
  };
  EXPECT_EQ(set_rate(0.1F), 0.1);
  EXPECT_EQ(set_rate(0.2F), static_cast<double>(0.2F));
}

}  // namespace
}  // namespace rondo
