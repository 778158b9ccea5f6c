#include "support/plain/optimizers.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace plain {

namespace {

double squares(const Array& values) {
  double sum = 0;
  for (const double v : values) sum += v * v;
  return sum;
}

std::vector<Array> clipped(std::vector<Array> gradients, const OptimizerOptions& o) {
  double all = 0;
  for (const Array& g : gradients) all += squares(g);
  for (Array& g : gradients) {
    double factor = 1;
    if (o.clipnorm > 0) factor = o.clipnorm / std::max(o.clipnorm, std::sqrt(squares(g)));
    if (o.global_clipnorm > 0) factor = o.global_clipnorm / std::max(o.global_clipnorm, std::sqrt(all));
    for (double& v : g) {
      v *= factor;
      if (o.clipvalue > 0) v = std::clamp(v, -o.clipvalue, o.clipvalue);
    }
  }
  return gradients;
}

}  // namespace

void Optimizer::step(const std::vector<Array*>& variables, const std::vector<Array>& raw) {
  const std::vector<Array> gradients = clipped(raw, o_);
  t_ += 1;
  memory_.resize(variables.size());
  for (Size i = 0; i < variables.size(); ++i) {
    memory_[i].resize(variables[i]->size());
    for (Size k = 0; k < variables[i]->size(); ++k) {
      (*variables[i])[k] = moved((*variables[i])[k], gradients.at(i).at(k), memory_[i][k]);
    }
  }
}

double Optimizer::moved(double w, double g, Memory& memory) const {
  const double rate = o_.learning_rate;
  if (o_.name == "SGD") {
    if (o_.momentum == 0) return w - rate * g;
    memory.m = o_.momentum * memory.m - rate * g;
    return o_.nesterov ? w + o_.momentum * memory.m - rate * g : w + memory.m;
  }
  if (o_.name == "Adam") {  // Kingma and Ba 2015, with "epsilon hat"; amsgrad: Reddi et al. 2018
    memory.m = o_.beta_1 * memory.m + (1 - o_.beta_1) * g;
    memory.v = o_.beta_2 * memory.v + (1 - o_.beta_2) * g * g;
    memory.extra = std::max(memory.extra, memory.v);
    const double alpha = rate * std::sqrt(1 - std::pow(o_.beta_2, t_)) / (1 - std::pow(o_.beta_1, t_));
    return w - alpha * memory.m / (std::sqrt(o_.amsgrad ? memory.extra : memory.v) + o_.epsilon);
  }
  if (o_.name == "RMSprop") {  // m: momentum; extra: mean gradient
    memory.v = o_.rho * memory.v + (1 - o_.rho) * g * g;
    memory.extra = o_.rho * memory.extra + (1 - o_.rho) * g;
    const double variance = o_.centered ? memory.v - memory.extra * memory.extra : memory.v;
    const double move = rate * g / std::sqrt(variance + o_.epsilon);
    memory.m = o_.momentum * memory.m + move;
    return w - memory.m;  // m is the move where momentum is 0
  }
  throw std::invalid_argument("plain: no optimizer is called " + o_.name);
}

}  // namespace plain
