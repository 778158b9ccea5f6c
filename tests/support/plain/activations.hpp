// Keras's activations: values and derivatives.
#pragma once

#include <map>
#include <string>

#include "support/plain/array.hpp"

namespace plain {

// A function by Keras's name; `options` are its arguments where they differ from Keras's defaults:
// {"relu", {{"negative_slope", 0.1}}}. std::invalid_argument for a name that is not known, when it is used.
struct Activation {
  Activation(const char* function) : name(function) {}
  Activation(std::string function, std::map<std::string, double> arguments = {})
      : name(std::move(function)), options(std::move(arguments)) {}

  std::string name;
  std::map<std::string, double> options;
};

// False for softmax, log_softmax, sparsemax and glu, which work across the features of a row.
bool is_elementwise(const Activation& f);
// How many features come out for so many: half of them for glu, else the same.
Size activated_features(const Activation& f, Size features);

// f(x) and f'(x) of an elementwise function. At a kink f' is what Keras's back ends say.
double value(const Activation& f, double x);
double slope(const Activation& f, double x);

// y = f(x) for x (rows, features), and dx for dy (rows, activated_features): dx_k = sum over j of dy_j dy_j/dx_k.
Array activate(const Activation& f, const Array& x, Size features);
Array activate_backward(const Activation& f, const Array& x, const Array& dy, Size features);

}  // namespace plain
