// Writes models of every kind of layer as ONNX files, and what they predict, to be compared by check_models.py.
//
//   write_onnx_models FOLDER
//
// Of each model: NAME.onnx, and for some batches NAME.NUMBER.x0, x1, ... and .y0, ...: the sizes in a line, then the
// numbers. With lengths, NAME.NUMBER.l0, ... too.
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include <rondo/rondo.hpp>

#include "onnx/tensor_file.hpp"
#include "support/telling_weights.hpp"

using namespace rondo;

namespace {

struct Batch {
  Index rows, steps;
};

class Writer {
 public:
  explicit Writer(std::string folder) : folder_(std::move(folder)) {}

  // The model, and its predictions for batches of these sizes; its inputs have these sample shapes, of which a first
  // axis of 0 is as long as the batch says.
  void operator()(const std::string& name, const Model& model, const std::vector<Shape>& samples,
                  const std::vector<Batch>& batches = {{6, 5}, {1, 9}, {3, 1}},
                  const ExportOnnxOptions& options = {}) const {
    test::set_telling_weights(model);
    export_onnx(model, folder_ + "/" + name + ".onnx", options);
    for (std::size_t i = 0; i < batches.size(); ++i) {
      std::vector<Tensor> x;
      for (const Shape& sample : samples) {
        const Shape of_batch = sample[0] == 0 ? sample.with(0, batches[i].steps) : sample;
        x.push_back(test::telling_numbers(of_batch.prepend(batches[i].rows), static_cast<Index>(i)));
      }
      predict(name + "." + std::to_string(i), model, x, options.sequence_lengths);
    }
    std::cout << name << '\n';
  }

 private:
  // Sequences end here and there, with the mask's value behind.
  static Tensor fill_up(Tensor& x) {
    const Index rows = x.shape()[0], steps = x.shape()[1];
    std::vector<double> lengths;
    for (Index row = 0; row < rows; ++row) {
      const Index length = 1 + (row * 2 + steps - 1) % steps;
      lengths.push_back(static_cast<double>(length));
      for (Index t = length; t < steps; ++t) {
        for (Index f = 0; f < x.shape()[2]; ++f) x.set({row, t, f}, -9);
      }
    }
    return Tensor(lengths);
  }

  void predict(const std::string& name, const Model& model, std::vector<Tensor> x, bool has_lengths) const {
    const std::string path = folder_ + "/" + name;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (has_lengths) test::write_tensor(path + ".l" + std::to_string(i), fill_up(x[i]));
      test::write_tensor(path + ".x" + std::to_string(i), x[i]);
    }
    const std::vector<Tensor> y = model.predict_outputs(Inputs(x), {.verbose = 0});
    for (std::size_t i = 0; i < y.size(); ++i) test::write_tensor(path + ".y" + std::to_string(i), y[i]);
  }

  std::string folder_;
};

const Shape kOpen = {Shape::kUnknown, 3};

void write_recurrent(const Writer& write) {
  for (const bool sequences : {false, true}) {
    for (const bool backwards : {false, true}) {
      const std::string end = std::string(sequences ? "_sequences" : "") + (backwards ? "_backwards" : "");
      write("lstm" + end,
            Sequential{LSTM(4, {.return_sequences = sequences, .go_backwards = backwards, .input_shape = kOpen})},
            {{0, 3}});
      write("gru" + end,
            Sequential{GRU(4, {.return_sequences = sequences, .go_backwards = backwards, .input_shape = kOpen})},
            {{0, 3}});
      write(
          "gru_reset_before" + end,
          Sequential{GRU(
              4,
              {.return_sequences = sequences, .go_backwards = backwards, .reset_after = false, .input_shape = kOpen})},
          {{0, 3}});
    }
  }
  write("lstm_without_bias", Sequential{LSTM(4, {.use_bias = false, .input_shape = kOpen})}, {{0, 3}});
  write("gru_without_bias", Sequential{GRU(4, {.use_bias = false, .input_shape = kOpen})}, {{0, 3}});
  write("lstm_stacked", Sequential{LSTM(4, {.return_sequences = true, .input_shape = kOpen}), LSTM(3), Dense(2)},
        {{0, 3}});
  write("rnn_cells",
        Sequential{RNN(LSTMCell(4), {.return_sequences = true, .input_shape = kOpen}),
                   RNN(StackedRNNCells({GRUCell(3), LSTMCell(2)}), {.go_backwards = true})},
        {{0, 3}});
  for (const char* name : {"linear", "relu", "hard_sigmoid", "hard_sigmoid_2", "sparse_sigmoid", "elu", "leaky_relu",
                           "softplus", "softsign", "sigmoid", "tanh"}) {
    write(std::string("lstm_with_") + name,
          Sequential{LSTM(3, {.activation = name, .recurrent_activation = "hard_sigmoid", .input_shape = kOpen})},
          {{0, 3}});
    write(std::string("gru_gates_") + name, Sequential{GRU(3, {.recurrent_activation = name, .input_shape = kOpen})},
          {{0, 3}});
  }
  const Input in(kOpen);
  const auto [y, h, c] = LSTM(4, {.return_sequences = true, .return_state = true})(in).unpack<3>();
  const Input decoder(kOpen);
  const Symbol decoded = LSTM(4, {.return_sequences = true})(decoder, {.initial_state = {h, c}});
  write("encoder_decoder", Model({in, decoder}, {Dense(2)(decoded), y, c}), {{0, 3}, {0, 3}});
  const Input x(kOpen);
  const auto [gru_y, gru_h] = GRU(4, {.return_state = true})(x).unpack<2>();
  write("gru_state", Model(x, {gru_y, gru_h}), {{0, 3}});
}

void write_bidirectional(const Writer& write) {
  for (const char* mode : {"concat", "sum", "mul", "ave"}) {
    for (const bool sequences : {false, true}) {
      const std::string end = std::string("_") + mode + (sequences ? "_sequences" : "");
      write("bidirectional_lstm" + end,
            Sequential{
                Bidirectional(LSTM(3, {.return_sequences = sequences}), {.merge_mode = mode, .input_shape = kOpen})},
            {{0, 3}});
    }
  }
  write("bidirectional_gru",
        Sequential{Bidirectional(GRU(3, {.return_sequences = true}), {.input_shape = kOpen}), Bidirectional(GRU(2))},
        {{0, 3}});
  write("bidirectional_unlike",
        Sequential{Bidirectional(
            LSTM(3, {.return_sequences = true}),
            {.backward_layer = GRU(2, {.return_sequences = true, .go_backwards = true}), .input_shape = kOpen})},
        {{0, 3}});
  write("bidirectional_backwards",
        Sequential{Bidirectional(LSTM(3, {.return_sequences = true, .go_backwards = true}), {.input_shape = kOpen})},
        {{0, 3}});
  write("bidirectional_activations",
        Sequential{Bidirectional(LSTM(3, {.activation = "elu", .recurrent_activation = "hard_sigmoid"}),
                                 {.input_shape = kOpen})},
        {{0, 3}});
  const Input in(kOpen);
  const auto out =
      Bidirectional(LSTM(3, {.return_sequences = true, .return_state = true}), {.merge_mode = "none"})(in).unpack<6>();
  write("bidirectional_none_states", Model(in, std::vector<Symbol>(out.begin(), out.end())), {{0, 3}});
  const Input x(kOpen);
  write("bidirectional_cells", Model(x, Symbol(Bidirectional(RNN(GRUCell(3)))(x))), {{0, 3}});
}

void write_others(const Writer& write) {
  write("dense", Sequential{Dense(4, {.activation = "relu", .input_shape = {3}}), Dense(2, {.use_bias = false})},
        {{3}});
  write("dense_on_steps",
        Sequential{Dense(4, {.activation = "tanh", .input_shape = kOpen}), Dense(2, {.use_bias = false})}, {{0, 3}});
  for (const std::string& name : activation_names()) {
    write("activation_" + name, Sequential{Dense(6, {.input_shape = {3}}), Activation(name)}, {{3}});
  }
  write("activation_on_steps",
        Sequential{Activation("softmax", {.input_shape = kOpen}), Activation("sparsemax"),
                   Dense(4, {.activation = "glu"})},
        {{0, 3}});
  write("nothing", Sequential{Dropout(0.5, {.input_shape = {3}}), ActivityRegularization({.l2 = 0.1})}, {{3}});
  write("normalization", Sequential{BatchNormalization({.input_shape = {4}}), Dense(2)}, {{4}});
  write("normalization_on_steps",
        Sequential{LSTM(4, {.return_sequences = true, .input_shape = kOpen}), BatchNormalization({.center = false}),
                   LSTM(3)},
        {{0, 3}});
  write("normalization_of_steps", Sequential{BatchNormalization({.axis = 1, .scale = false, .input_shape = {5, 3}})},
        {{5, 3}}, {{6, 0}, {1, 0}});
  write("reshaping",
        Sequential{Dense(6, {.input_shape = {4, 3}}), Reshape({6, -1}), Permute({2, 1}), Flatten(), RepeatVector(3),
                   LSTM(2)},
        {{4, 3}}, {{6, 0}, {1, 0}});
  write("permute", Sequential{Permute({3, 1, 2}, {.input_shape = {2, 3, 4}})}, {{2, 3, 4}}, {{6, 0}, {1, 0}});
  write("repeated",
        Sequential{LSTM(4, {.input_shape = kOpen}), RepeatVector(5), LSTM(3, {.return_sequences = true}),
                   TimeDistributed(Dense(2))},
        {{0, 3}});
  write("days_of_hours", Sequential{TimeDistributed(LSTM(4), {.input_shape = {Shape::kUnknown, 7, 3}}), LSTM(3)},
        {{0, 7, 3}});
  write("steps_by_model",
        Sequential{TimeDistributed(Sequential{Dense(4, {.activation = "tanh", .input_shape = {3}}), Dense(2)},
                                   {.input_shape = kOpen})},
        {{0, 3}});
  const Layer hours = TimeDistributed(Bidirectional(GRU(2, {.return_sequences = true})));
  write("weeks", Sequential{TimeDistributed(hours, {.input_shape = {2, 3, 4, 3}})}, {{2, 3, 4, 3}}, {{2, 0}, {1, 0}});

  const Input a(kOpen), b({3});
  const Symbol sequence = LSTM(3, {.return_sequences = true})(a);
  const Symbol sum = Add()({sequence, a, b});
  write("add_and_concatenate", Model({a, b}, {Concatenate()({sum, sequence}), Concatenate({.axis = 1})({a, sum})}),
        {{0, 3}, {3}});

  const Input first(kOpen), second(kOpen);
  const Sequential inner{LSTM(3, {.return_sequences = true, .name = "inner_lstm", .input_shape = kOpen}), Dense(2)};
  const Layer shared = GRU(2);
  write("shared_and_nested", Model({first, second}, {shared(inner(first)), shared(inner(second))}), {{0, 3}, {0, 3}});
  const Input twice(kOpen);
  const Symbol once = Dense(2)(twice);
  write("out_twice", Model(twice, {once, once, twice}), {{0, 3}});
}

void write_with_options(const Writer& write) {
  const ExportOnnxOptions lengths{.sequence_lengths = true};
  const Masking masking({.mask_value = -9, .input_shape = kOpen});
  const std::vector<Batch> batches{{6, 5}, {4, 9}, {1, 3}};
  const auto masked = [&](const std::string& name, const std::vector<Layer>& layers) {
    Sequential model{Masking({.mask_value = -9, .input_shape = kOpen})};
    for (const Layer& layer : layers) model.add(layer);
    write("lengths_" + name, model, {{0, 3}}, batches, lengths);
  };
  masked("lstm", {LSTM(4), Dense(2)});
  masked("lstm_sequences", {LSTM(4, {.return_sequences = true}), LSTM(3, {.return_sequences = true}), Dense(2)});
  masked("zeros", {LSTM(4, {.return_sequences = true, .zero_output_for_mask = true})});
  masked("gru_backwards", {GRU(4, {.return_sequences = true, .go_backwards = true}), GRU(3)});
  masked("bidirectional", {Bidirectional(LSTM(3, {.return_sequences = true})), Bidirectional(GRU(2))});
  masked("cells", {RNN(StackedRNNCells({LSTMCell(3), GRUCell(2)}), {.return_sequences = true}), Dense(2)});
  masked("masking_alone", {Dense(2)});
  masked("bidirectional_sum",
         {Bidirectional(GRU(3, {.return_sequences = true, .go_backwards = true}), {.merge_mode = "sum"})});

  const ExportOnnxOptions states{.states = true};
  write("states_lstm",
        Sequential{LSTM(4, {.return_sequences = true, .input_shape = kOpen}), GRU(3, {.return_sequences = true}),
                   Dense(2)},
        {{0, 3}}, {{6, 5}, {1, 9}}, states);
  write("states_cells",
        Sequential{RNN(StackedRNNCells({LSTMCell(3), GRUCell(2)}), {.return_sequences = true, .input_shape = kOpen})},
        {{0, 3}}, {{6, 5}, {1, 9}}, states);
}

void write_doubles(const Writer& write) {
  set_floatx("float64");
  write("doubles_lstm",
        Sequential{LSTM(4, {.return_sequences = true, .input_shape = kOpen}), GRU(3),
                   Dense(2, {.activation = "softmax"})},
        {{0, 3}});
  write("doubles_others",
        Sequential{Dense(4, {.activation = "gelu", .input_shape = kOpen}), BatchNormalization(),
                   Dense(2, {.activation = "softplus"})},
        {{0, 3}});
  set_floatx("float32");
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::cerr << "write_onnx_models FOLDER\n";
    return 1;
  }
  const Writer writer(argv[1]);
  write_recurrent(writer);
  write_bidirectional(writer);
  write_others(writer);
  write_with_options(writer);
  write_doubles(writer);
  return 0;
} catch (const Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
