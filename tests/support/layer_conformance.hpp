// What every layer promises, checked by one call:
//
//   test::check_layer({.label = "Dense(5)",
//                      .make = [](DType dtype) { return Dense(5, {.dtype = dtype}); },
//                      .samples = {{18}}});
//
// The promises: declared shapes are the actual ones; configuration and weights survive a round trip; derivatives are
// those of the function (central differences in float64); float32 agrees with float64; a step down the gradient lowers
// the loss; threads, instruction sets, batch size and the plan's capacity change no bit; NaN is never hidden; padding
// of the packed weights stays zero; files of every kind give the layer back to the bit (saved_layer.hpp). See
// layer_conformance.cpp for each in words.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <rondo/layer.hpp>
#include <rondo/shape.hpp>
#include <rondo/tensor.hpp>

namespace rondo::test {

// Which outputs a NaN in the input must reach, in the row (batch) of that input.
enum class NanReach {
  element,  // the element at the same place
  step,     // all features of the same step
  onward,   // all features of that step and of those processed after it; all of an output without steps
  one,      // an element, wherever its place is in the output
  some,     // an element at least: layers around layers, whose own cases say more
};

struct LayerCase {
  std::string label;                    // in front of every message
  std::function<Layer(DType)> make;     // a new layer, each time with the same configuration
  std::vector<Shape> samples;           // of x, and of the initial states where the case gives some
  NanReach nan_reach = NanReach::step;  // `onward` for recurrent layers
  bool backwards = false;               // the layer walks time backwards
  Index rows = 5;                       // of the batch
  bool training_differs = false;        // from inference: statistics of the batch, dropout
  bool in_configuration = true;         // false: a user's functions, which no configuration has
  bool flat_in_places = false;          // the loss may stand still in a step (Keras's sparsemax); else it must fall
  double difference_bound = 1e-7;       // gradient against central difference, relative to max(1, |gradient|)
  double float32_bound = 1e-5;          // float32 against float64, relative to the tensor's largest element or 1
};

// Runs all checks as non-fatal gtest expectations. Restores the instruction set.
void check_layer(const LayerCase& layer_case);

}  // namespace rondo::test
