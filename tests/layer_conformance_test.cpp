// The promises of support/layer_conformance.hpp, for every layer in many configurations.
#include "support/layer_conformance.hpp"

#include <gtest/gtest.h>

#include <rondo/layers.hpp>

#include "support/instrumented.hpp"
#include "support/stateful.hpp"

namespace rondo {
namespace {

using test::LayerCase;
using test::NanReach;

const int kEvery = test::all_or_some(1, 3);  // which cases of the large families are taken

// ---- LSTM -----------------------------------------------------------------------------------------------------------

struct LstmSizes {
  Index units = 5, steps = 2, features = 3;
};

void check_lstm(const std::string& what, const LstmSizes& sizes, LSTMOptions options, bool initial_states = false) {
  LayerCase c;
  c.label = "LSTM(" + std::to_string(sizes.units) + "), " + std::to_string(sizes.steps) + " steps of " +
            std::to_string(sizes.features) + " features" + what;
  c.make = [=](DType dtype) {
    LSTMOptions typed = options;
    typed.dtype = dtype;
    return LSTM(sizes.units, typed);
  };
  c.samples = {{sizes.steps, sizes.features}};
  if (initial_states) c.samples.insert(c.samples.end(), {Shape{sizes.units}, Shape{sizes.units}});
  c.nan_reach = NanReach::onward;
  c.backwards = options.go_backwards;
  test::check_layer(c);
}

TEST(LstmConformance, HoldsForUnitsStepsAndFeaturesOnBothSidesOfAVector) {
  int n = 0;
  for (const Index units : {1, 3, 5, 16, 17, 33}) {
    for (const Index steps : {1, 2, 5}) {
      for (const Index features : {1, 3, 18}) {
        if (n++ % kEvery == 0) check_lstm("", {units, steps, features}, {});
      }
    }
  }
}

TEST(LstmConformance, HoldsForEveryCombinationOfWhatItReturnsAndHowItWalks) {
  int n = 0;
  for (const bool sequences : {false, true}) {
    for (const bool state : {false, true}) {
      for (const bool backwards : {false, true}) {
        for (const bool initial : {false, true}) {
          for (const Index units : {5, 17}) {
            if (n++ % kEvery != 0) continue;
            check_lstm(std::string(sequences ? ", return_sequences" : "") + (state ? ", return_state" : "") +
                           (backwards ? ", go_backwards" : "") + (initial ? ", initial states" : ""),
                       {units, 5, 3}, {.return_sequences = sequences, .return_state = state, .go_backwards = backwards},
                       initial);
          }
        }
      }
    }
  }
}

TEST(LstmConformance, HoldsWithoutBias) {
  for (const Index units : {3, 17}) check_lstm(", no bias", {units, 2, 3}, {.use_bias = false});
  check_lstm(", no forget bias", {5, 2, 3}, {.unit_forget_bias = false});
}

TEST(LstmConformance, HoldsForOtherCells) {
  for (const char* cell : {"relu", "gelu", "softsign", "linear"}) {
    for (const char* gates : {"sigmoid", "hard_sigmoid", "hard_sigmoid_2"}) {
      for (const Index units : {3, 17}) {
        check_lstm(std::string(", ") + cell + " and " + gates, {units, 5, 3},
                   {.activation = cell, .recurrent_activation = gates, .return_sequences = units == 3});
      }
    }
  }
}

TEST(LstmConformance, HoldsWhenStateful) {
  for (const bool sequences : {false, true}) {
    check_lstm(", stateful", {5, 2, 3}, {.return_sequences = sequences, .stateful = true});
  }
}

TEST(LstmConformance, HoldsForManyRows) {
  // More rows than any register tile, and a rest.
  for (const Index rows : {1, 6, 13, 32}) {
    LayerCase c{.label = "LSTM(17), " + std::to_string(rows) + " rows",
                .make = [](DType dtype) { return LSTM(17, {.dtype = dtype}); },
                .samples = {{3, 3}},
                .nan_reach = NanReach::onward,
                .rows = rows};
    test::check_layer(c);
  }
}

TEST(LstmConformance, AStatefulLayerGoesOnWhereTheLastBatchEnded) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const LSTM whole(5, {.return_sequences = true, .dtype = dtype});
    const LSTM pieces(5, {.return_sequences = true, .stateful = true, .dtype = dtype});
    test::expect_to_go_on(whole, pieces);
  }
}

// ---- GRU ------------------------------------------------------------------------------------------------------------

void check_gru(const std::string& what, const LstmSizes& sizes, GRUOptions options, bool initial_state = false) {
  for (const bool after : {true, false}) {
    LayerCase c;
    c.label = "GRU(" + std::to_string(sizes.units) + "), " + std::to_string(sizes.steps) + " steps of " +
              std::to_string(sizes.features) + " features" + what + (after ? "" : ", reset before");
    options.reset_after = after;
    c.make = [=](DType dtype) {
      GRUOptions typed = options;
      typed.dtype = dtype;
      return GRU(sizes.units, typed);
    };
    c.samples = {{sizes.steps, sizes.features}};
    if (initial_state) c.samples.push_back(Shape{sizes.units});
    c.nan_reach = NanReach::onward;
    c.backwards = options.go_backwards;
    test::check_layer(c);
  }
}

TEST(GruConformance, HoldsForUnitsStepsAndFeaturesOnBothSidesOfAVector) {
  int n = 0;
  for (const Index units : {1, 3, 5, 16, 17, 26, 33}) {
    for (const Index steps : {1, 2, 5}) {
      for (const Index features : {1, 3, 18}) {
        if (n++ % kEvery == 0) check_gru("", {units, steps, features}, {});
      }
    }
  }
}

TEST(GruConformance, HoldsForEveryCombinationOfWhatItReturnsAndHowItWalks) {
  int n = 0;
  for (const bool sequences : {false, true}) {
    for (const bool state : {false, true}) {
      for (const bool backwards : {false, true}) {
        for (const bool initial : {false, true}) {
          for (const Index units : {5, 17}) {
            if (n++ % kEvery != 0) continue;
            check_gru(std::string(sequences ? ", return_sequences" : "") + (state ? ", return_state" : "") +
                          (backwards ? ", go_backwards" : "") + (initial ? ", initial state" : ""),
                      {units, 5, 3}, {.return_sequences = sequences, .return_state = state, .go_backwards = backwards},
                      initial);
          }
        }
      }
    }
  }
}

TEST(GruConformance, HoldsWithoutBias) {
  for (const Index units : {3, 17}) check_gru(", no bias", {units, 2, 3}, {.use_bias = false});
}

TEST(GruConformance, HoldsForOtherCells) {
  for (const char* cell : {"relu", "gelu", "softsign", "linear"}) {
    for (const char* gates : {"sigmoid", "hard_sigmoid", "hard_sigmoid_2"}) {
      for (const Index units : {3, 17}) {
        check_gru(std::string(", ") + cell + " and " + gates, {units, 5, 3},
                  {.activation = cell, .recurrent_activation = gates, .return_sequences = units == 3});
      }
    }
  }
}

TEST(GruConformance, HoldsWhenStatefulAndRecomputing) {
  for (const bool sequences : {false, true}) {
    check_gru(", stateful", {5, 2, 3}, {.return_sequences = sequences, .stateful = true});
    check_gru(", recompute", {5, 12, 3}, {.return_sequences = sequences, .recompute = true});
  }
}

TEST(GruConformance, HoldsForManyRows) {
  for (const Index rows : {1, 6, 13, 32}) {
    LayerCase c{.label = "GRU(17), " + std::to_string(rows) + " rows",
                .make = [](DType dtype) { return GRU(17, {.dtype = dtype}); },
                .samples = {{3, 3}},
                .nan_reach = NanReach::onward,
                .rows = rows};
    test::check_layer(c);
  }
}

// ---- Dense ----------------------------------------------------------------------------------------------------------

void check_dense(Index units, const Shape& sample, const ActivationFn& activation, bool use_bias = true) {
  test::check_layer(
      {.label = "Dense(" + std::to_string(units) + ", " + activation.name() + ") on " + to_string(sample) +
                (use_bias ? "" : ", no bias"),
       .make =
           [=](DType dtype) { return Dense(units, {.activation = activation, .use_bias = use_bias, .dtype = dtype}); },
       .samples = {sample},
       .flat_in_places = activation.name() == "sparsemax"});
}

TEST(DenseConformance, HoldsForUnitsAndFeaturesOnBothSidesOfAVector) {
  for (const Index units : {1, 3, 16, 17, 33, 70}) {
    for (const Index features : {1, 3, 18}) check_dense(units, {features}, "linear");
  }
}

TEST(DenseConformance, HoldsForSequencesAndBeyond) {
  for (const Shape& sample : {Shape{4, 3}, Shape{1, 18}, Shape{2, 3, 5}}) {
    check_dense(5, sample, "linear");
    check_dense(17, sample, "tanh");
    check_dense(3, sample, "softmax", false);
  }
}

TEST(DenseConformance, HoldsForEveryActivation) {
  for (const std::string& name : activation_names()) {
    // A number of units that glu can halve, with a rest beside the vectors.
    check_dense(18, {4}, name);
  }
}

// ---- Activation -----------------------------------------------------------------------------------------------------

TEST(ActivationConformance, HoldsForEveryName) {
  for (const std::string& name : activation_names()) {
    const bool across = name == "softmax" || name == "log_softmax" || name == "sparsemax";
    for (const Shape& sample : {Shape{6}, Shape{3, 34}, Shape{2, 2, 4}}) {
      test::check_layer({.label = "Activation(" + name + ") on " + to_string(sample),
                         .make = [=](DType dtype) { return Activation(name, {.dtype = dtype}); },
                         .samples = {sample},
                         .nan_reach = across ? NanReach::step : NanReach::element,
                         .flat_in_places = name == "sparsemax"});
    }
  }
}

}  // namespace
}  // namespace rondo
