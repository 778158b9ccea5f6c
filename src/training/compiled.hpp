// What compile has set: the optimizer, and a loss with metrics for each output.
#pragma once

#include <string>
#include <vector>

#include <rondo/model.hpp>

#include "training/head.hpp"
#include "training/optimizers/state.hpp"

namespace rondo::training {

struct Compiled {
  OptimizerState optimizer;
  std::vector<HeadOptions> heads;  // one an output

  // Of the first, and so of all.
  bool has_loss() const { return !heads.empty() && heads.front().loss.has_value(); }
};

// The options given, sorted out by outputs; what is left out is taken from `before`, which may be null. `where` is for
// messages. ConfigError where they do not fit the outputs.
std::vector<HeadOptions> head_options(const std::string& where, const std::vector<std::string>& outputs,
                                      const CompileOptions& options, const std::vector<HeadOptions>* before);

}  // namespace rondo::training
