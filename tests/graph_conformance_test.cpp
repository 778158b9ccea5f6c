// Models that are graphs keep the promises of a layer: fan-out, shared layers, models inside models, merging layers.
#include <gtest/gtest.h>

#include <rondo/rondo.hpp>

#include "support/layer_conformance.hpp"
#include "support/layer_probe.hpp"

namespace rondo {
namespace {

using test::check_layer;
using test::NanReach;

Model graph(const std::vector<Symbol>& inputs, const std::vector<Symbol>& outputs) { return Model(inputs, outputs); }

TEST(GraphConformance, AResidualAddsItsInputToWhatALayerMakesOfIt) {
  check_layer({.label = "residual",
               .make =
                   [](DType dtype) {
                     const Input in({4, 3}, {.dtype = dtype});
                     const Symbol y = LSTM(3, {.return_sequences = true, .dtype = dtype})(in);
                     return graph({in}, {Add({.dtype = dtype})({in, y})});
                   },
               .samples = {{4, 3}},
               .nan_reach = NanReach::onward});
}

TEST(GraphConformance, ATensorMayBeReadManyTimes) {
  check_layer({.label = "read by five",
               .make =
                   [](DType dtype) {
                     const Input in({6}, {.dtype = dtype});
                     const Symbol x = Dense(5, {.activation = "tanh", .dtype = dtype})(in);
                     const Symbol a = Dense(5, {.dtype = dtype})(x), b = Dense(5, {.dtype = dtype})(x);
                     const Symbol sum = Add({.dtype = dtype})({x, a, x, b});
                     return graph({in}, {Concatenate({.dtype = dtype})({sum, x})});
                   },
               .samples = {{6}}});
}

TEST(GraphConformance, ALayerCalledTwiceSumsItsGradients) {
  for (const Index steps : {1, 4, 11}) {
    check_layer({.label = "shared GRU, " + std::to_string(steps) + " steps",
                 .make =
                     [steps](DType dtype) {
                       const Input a({steps, 2}, {.dtype = dtype}), b({steps, 2}, {.dtype = dtype});
                       const GRU gru(3, {.dtype = dtype}), before(3, {.reset_after = false, .dtype = dtype});
                       return graph({a, b}, {Add({.dtype = dtype})({gru(a), gru(b), before(a), before(b)})});
                     },
                 .samples = {{steps, 2}, {steps, 2}},
                 .nan_reach = NanReach::onward});
    check_layer({.label = "shared LSTM, " + std::to_string(steps) + " steps",
                 .make =
                     [steps](DType dtype) {
                       const Input a({steps, 2}, {.dtype = dtype}), b({steps, 2}, {.dtype = dtype});
                       const LSTM lstm(3, {.dtype = dtype});
                       const Dense dense(2, {.activation = "sigmoid", .dtype = dtype});
                       return graph({a, b}, {Add({.dtype = dtype})({dense(lstm(a)), dense(lstm(b))})});
                     },
                 .samples = {{steps, 2}, {steps, 2}},
                 .nan_reach = NanReach::onward});
  }
}

Tensor normal(const Shape& shape, std::uint32_t stream) {
  const RandomStream random(3, Purpose::user, stream);
  std::vector<double> elements(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = random.normal(i);
  return Tensor(shape, std::move(elements));
}

// Where weight gradients are computed chunk by chunk, and where two threads hand them to each other: two calls are one
// call with the rows of both.
TEST(GraphConformance, ALayerCalledTwiceSumsItsGradientsInLargeSizesToo) {
  const Index units = 16;
  struct Case {
    Index steps, rows, threads;
    bool recompute;
  };
  for (const Case& c : {Case{8, 100, 1, false}, Case{8, 100, 2, true}, Case{40, 20, 1, true}, Case{3, 400, 2, false}}) {
    SCOPED_TRACE(std::to_string(c.steps) + " steps, " + std::to_string(c.rows) + " rows");
    const LSTMOptions options{.return_sequences = true, .recompute = c.recompute, .dtype = DType::float64};
    const Input a({c.steps, 2}, {.dtype = DType::float64}), b({c.steps, 2}, {.dtype = DType::float64});
    const LSTM shared(units, options), alone(units, options);
    const Model model({a, b}, {shared(a), shared(b)});
    alone.build({Shape::kUnknown, c.steps, 2});
    alone.set_weights(shared.get_weights());
    const std::vector<Tensor> X{normal({c.rows, c.steps, 2}, 1), normal({c.rows, c.steps, 2}, 2)};
    const std::vector<Tensor> dy{normal({c.rows, c.steps, units}, 3), normal({c.rows, c.steps, units}, 4)};
    const test::Probed twice = test::probe(*model.node(), {.inputs = X, .cotangents = dy, .threads = c.threads});
    const test::Probed once = test::probe(
        *alone.node(), {.inputs = {concatenate(X, 0)}, .cotangents = {concatenate(dy, 0)}, .threads = c.threads});
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_TRUE(allclose(twice.weight_gradients[i], once.weight_gradients[i], {.rtol = 1e-10, .atol = 1e-9})) << i;
    }
    EXPECT_TRUE(
        allclose(concatenate(twice.input_gradients, 0), once.input_gradients[0], {.rtol = 1e-10, .atol = 1e-12}));
  }
}

TEST(GraphConformance, ALayerMayReadItsOwnOutput) {
  check_layer({.label = "twice in a row",
               .make =
                   [](DType dtype) {
                     const Input in({5, 4}, {.dtype = dtype});
                     const LSTM lstm(4, {.return_sequences = true, .recompute = true, .dtype = dtype});
                     return graph({in}, {lstm(lstm(in))});
                   },
               .samples = {{5, 4}},
               .nan_reach = NanReach::onward});
}

TEST(GraphConformance, ADecoderBeginsWithTheStatesOfItsEncoder) {
  check_layer({.label = "encoder and decoder",
               .make =
                   [](DType dtype) {
                     const Input in({4, 2}, {.dtype = dtype}), out({3, 2}, {.dtype = dtype});
                     const auto [y, h, c] = LSTM(3, {.return_state = true, .dtype = dtype})(in).unpack<3>();
                     const Symbol sequence =
                         LSTM(3, {.return_sequences = true, .dtype = dtype})(out, {.initial_state = {h, c}});
                     return graph({in, out}, {Dense(2, {.dtype = dtype})(sequence), y});
                   },
               .samples = {{4, 2}, {3, 2}},
               .nan_reach = NanReach::onward});
}

TEST(GraphConformance, AModelMayBeCalledTwiceInAModel) {
  check_layer({.label = "shared model",
               .make =
                   [](DType dtype) {
                     const Sequential tower{LSTM(3, {.dtype = dtype, .input_shape = {4, 2}}),
                                            Dense(3, {.activation = "tanh", .dtype = dtype})};
                     const Input a({4, 2}, {.dtype = dtype}), b({4, 2}, {.dtype = dtype});
                     return graph({a, b}, {Add({.dtype = dtype})({tower(a), tower(b)})});
                   },
               .samples = {{4, 2}, {4, 2}},
               .nan_reach = NanReach::onward});
}

TEST(AddConformance, HoldsForEqualAndStretchedShapes) {
  const std::vector<std::vector<Shape>> shapes = {
      {{4}, {4}},          {{3, 5}, {3, 5}, {3, 5}}, {{3, 5}, {1, 5}},
      {{3, 5}, {5}},       {{3, 1}, {3, 5}},         {{1, 4}, {3, 1}},
      {{2, 3, 4}, {3, 4}}, {{2, 3, 4}, {1, 1, 4}},   {{2, 3, 1}, {2, 1, 4}, {2, 3, 4}},
      {{1}, {17}}};
  for (const std::vector<Shape>& samples : shapes) {
    std::string label = "add";
    for (const Shape& shape : samples) label += " " + to_string(shape);
    check_layer({.label = label,
                 .make = [](DType dtype) { return Add({.dtype = dtype}); },
                 .samples = samples,
                 .nan_reach = NanReach::element});
  }
}

TEST(ConcatenateConformance, HoldsAlongEveryAxis) {
  struct Case {
    Index axis;
    std::vector<Shape> samples;
  };
  const Case cases[] = {{-1, {{4}, {1}, {17}}},      {1, {{2}, {3}}},
                        {-1, {{3, 4}, {3, 2}}},      {1, {{3, 4}, {1, 4}, {2, 4}}},
                        {2, {{2, 3, 4}, {2, 1, 4}}}, {-3, {{2, 3, 4}, {1, 3, 4}}},
                        {3, {{2, 3, 4}, {2, 3, 1}}}};
  for (const Case& c : cases) {
    std::string label = "concatenate along " + std::to_string(c.axis);
    for (const Shape& shape : c.samples) label += " " + to_string(shape);
    check_layer({.label = label,
                 .make = [&](DType dtype) { return Concatenate({.axis = c.axis, .dtype = dtype}); },
                 .samples = c.samples,
                 .nan_reach = NanReach::one});
  }
}

}  // namespace
}  // namespace rondo
