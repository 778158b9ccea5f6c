// Writes models of every kind of layer as files for Keras, and what they predict, to be compared by read_models.py.
//
//   write_models FOLDER
#include <cstdio>
#include <fstream>
#include <iomanip>
#include <iostream>

#include <rondo/rondo.hpp>

using namespace rondo;

namespace {

void write(const std::string& path, const Tensor& tensor) {
  std::ofstream out(path);
  out << std::setprecision(9);
  for (const Index size : tensor.shape()) out << size << ' ';
  out << '\n';
  for (const float value : tensor.data<float>()) out << value << '\n';
}

Tensor numbers(const Shape& shape) {
  Tensor x = Tensor::zeros(shape, DType::float32);
  for (std::size_t i = 0; i < x.data<float>().size(); ++i) {
    x.data<float>()[i] = static_cast<float>((i * 7919) % 201) / 100 - 1;
  }
  return x;
}

// The model and what it predicts; where it is compiled, after a step.
void keep(const std::string& folder, const std::string& name, const Model& model, const Shape& x_shape) {
  const Tensor x = numbers(x_shape);
  if (model.built()) {
    model.save(folder + "/" + name + ".keras");
    model.save(folder + "/" + name + ".h5");
    model.save_weights(folder + "/" + name + ".weights.h5");
  }
  write(folder + "/" + name + ".x", x);
  write(folder + "/" + name + ".y", model.predict(x, {.verbose = 0}));
  std::cout << name << '\n';
}

void compile_and_fit(const Model& model, const CompileOptions& options, const Shape& x, const Shape& y) {
  model.compile(options);
  model.fit(numbers(x), numbers(y), {.batch_size = 2, .epochs = 2, .verbose = 0});
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::cerr << "write_models FOLDER\n";
    return 1;
  }
  const std::string folder = argv[1];
  const Shape x = {6, 5, 3};

  Sequential lstm{LSTM(4, {.return_sequences = true, .input_shape = {5, 3}}), LSTM(3, {.go_backwards = true}),
                  Dense(1)};
  compile_and_fit(lstm, {.optimizer = "adam", .loss = "mse", .metrics = {"mae"}}, x, {6, 1});
  keep(folder, "lstm", lstm, x);

  Sequential gru{Masking({.mask_value = 0.5, .input_shape = {5, 3}}), GRU(4, {.return_sequences = true}),
                 GRU(3, {.reset_after = false}), Dropout(0.2), Dense(2, {.activation = "softmax"})};
  compile_and_fit(gru,
                  {.optimizer = RMSprop({.momentum = 0.9, .centered = true}), .loss = losses::Huber({.delta = 0.5})}, x,
                  {6, 2});
  keep(folder, "gru", gru, x);

  Sequential wrapped{Bidirectional(LSTM(3, {.return_sequences = true}), {.merge_mode = "sum", .input_shape = {5, 3}}),
                     BatchNormalization(), TimeDistributed(Dense(2, {.activation = "relu"})), Bidirectional(GRU(2)),
                     Dense(1)};
  compile_and_fit(wrapped,
                  {.optimizer = SGD({.learning_rate = 0.01, .momentum = 0.9, .nesterov = true}), .loss = "mae"}, x,
                  {6, 1});
  keep(folder, "wrapped", wrapped, x);

  Sequential cells{RNN(LSTMCell(4), {.return_sequences = true, .input_shape = {5, 3}}),
                   RNN(StackedRNNCells({GRUCell(3), LSTMCell(2)})),
                   RepeatVector(2),
                   Flatten(),
                   Reshape({2, 2}),
                   Permute({2, 1}),
                   Flatten(),
                   Dense(1)};
  keep(folder, "cells", cells, x);

  Sequential ruled{LSTM(4, {.unit_forget_bias = false,
                            .kernel_regularizer = "l2",
                            .recurrent_constraint = MaxNorm({.max_value = 1}),
                            .input_shape = {5, 3}}),
                   ActivityRegularization({.l2 = 0.01}), Dense(3, {.activation = "relu"}), Activation("gelu"),
                   Dense(1)};
  compile_and_fit(
      ruled,
      {.optimizer = AdamW({.learning_rate = ExponentialDecay(0.01, 10, 0.9), .clipnorm = 1.0}), .loss = "log_cosh"}, x,
      {6, 1});
  keep(folder, "ruled", ruled, x);

  const Input in({5, 3});
  const Symbol sequence = LSTM(3, {.return_sequences = true})(in);
  const Symbol sum = Add()({sequence, in}), both = Concatenate()({sum, sequence});
  const Model inner = Sequential{Dense(2, {.activation = "tanh", .input_shape = {6}}), Dense(2)};
  const Model graph(in, Dense(1)(GRU(2)(TimeDistributed(inner)(both))));
  compile_and_fit(graph, {.optimizer = "nadam", .loss = "mse"}, x, {6, 1});
  keep(folder, "graph", graph, x);

  const Sequential stateful{Input({5, 3}, {.batch_size = 6}), GRU(3, {.return_sequences = true, .stateful = true}),
                            LSTM(2, {.stateful = true})};
  keep(folder, "stateful", stateful, x);

  // Options that Keras 3 does not have.
  const std::pair<const char*, Optimizer> others[] = {{"decay", SGD({.lr = 0.1, .decay = 0.5})},
                                                      {"excluded", AdamW({.exclude_from_weight_decay = {"bias"}})},
                                                      {"outside_root", RMSprop({.epsilon_outside_root = true})},
                                                      {"schedule_decay", Nadam({.schedule_decay = 0.004})}};
  for (const auto& [name, optimizer] : others) {
    const Sequential model{LSTM(2, {.input_shape = {5, 3}}), Dense(1)};
    compile_and_fit(model, {.optimizer = optimizer, .loss = "mse", .loss_weights = {0.5}}, x, {6, 1});
    keep(folder, name, model, x);
  }
  return 0;
} catch (const Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
