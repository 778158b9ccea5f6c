// Writes logs of a few fits for TensorBoard, and what must be in them, to be compared by read_logs.py.
//
//   write_logs FOLDER
#include <iostream>

#include <rondo/rondo.hpp>

using namespace rondo;

namespace {

Tensor numbers(const Shape& shape) {
  Tensor x = Tensor::zeros(shape, DType::float32);
  for (std::size_t i = 0; i < x.data<float>().size(); ++i) {
    x.data<float>()[i] = static_cast<float>((i * 7919) % 201) / 100 - 1;
  }
  return x;
}

// A fit whose logs, history, graph and last weights go to a folder of their own.
void fit(const std::string& folder, const Model& model, const Tensor& x, const Tensor& y, Index epochs) {
  const auto board = make_callback<TensorBoard>(
      {.log_dir = folder, .histogram_freq = epochs - 1, .write_steps_per_second = true, .update_freq = 2});
  const History history = model.fit(
      x, y, {.batch_size = 8, .epochs = epochs, .verbose = 0, .callbacks = {board}, .validation_data = {x, y}});
  history.save(folder + "/history.json");
  NamedTensors weights;
  for (const WeightInfo& info : model.weights()) weights.add(info.path, model.get_weight(info.path));
  write_npz(folder + "/weights.npz", weights);
  std::cout << folder << '\n';
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::cerr << "write_logs FOLDER\n";
    return 1;
  }
  const std::string folder = argv[1];
  set_random_seed(1);
  const Tensor x = numbers({64, 5, 3}), y = numbers({64, 1});

  Sequential row({LSTM(8, {.return_sequences = true, .input_shape = {5, 3}}), Dropout(0.1), GRU(4), Dense(1)},
                 {.name = "row"});
  row.compile({.optimizer = Adam({.learning_rate = CosineDecay(0.01, 24)}), .loss = "mse", .metrics = {"mae"}});
  fit(folder + "/row", row, x, y, 4);

  const Input in({5, 3}, {.name = "in"});
  const Symbol sequence = LSTM(3, {.return_sequences = true, .name = "sequence"})(in);
  const Symbol both = Add({.name = "sum"})({sequence, in});
  const Model graph(in, Dense(1, {.name = "out"})(GRU(2, {.name = "last"})(both)), {.name = "graph"});
  graph.compile({.optimizer = "sgd", .loss = "mae"});
  fit(folder + "/graph", graph, x, y, 3);
  return 0;
} catch (const Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
