// Keras's optimizers.
#pragma once

#include <string>
#include <vector>

#include "support/plain/array.hpp"

namespace plain {

struct OptimizerOptions {
  std::string name = "SGD";  // or Adam, RMSprop
  double learning_rate = 0.01;
  double momentum = 0;                                      // SGD, RMSprop
  bool nesterov = false;                                    // SGD
  double beta_1 = 0.9, beta_2 = 0.999;                      // Adam
  bool amsgrad = false;                                     // Adam
  double rho = 0.9;                                         // RMSprop
  bool centered = false;                                    // RMSprop
  double epsilon = 1e-7;                                    // Adam, RMSprop
  double clipnorm = 0, clipvalue = 0, global_clipnorm = 0;  // 0: none
};

// With what it remembers of each variable. Variables are given in the same order each time.
class Optimizer {
 public:
  explicit Optimizer(OptimizerOptions options) : o_(std::move(options)) {}
  // Moves the variables. std::invalid_argument for a name that is not known.
  void step(const std::vector<Array*>& variables, const std::vector<Array>& gradients);
  std::uint32_t steps() const { return static_cast<std::uint32_t>(t_); }  // so far

 private:
  struct Memory {
    double m = 0, v = 0, extra = 0;
  };
  double moved(double w, double g, Memory& memory) const;

  OptimizerOptions o_;
  double t_ = 0;  // steps so far
  std::vector<std::vector<Memory>> memory_;
};

}  // namespace plain
