// What the test of an optimizer's rule needs.
#pragma once

#include <functional>
#include <vector>

#include <rondo/optimizers.hpp>
#include <rondo/shape.hpp>

namespace rondo::test {

// Steps as by a formula: `update` changes w by its gradient g in step t = 1, 2, ...
void expect_steps(const Optimizer& optimizer, const std::function<void(double& w, double g, int t)>& update);

// The same for a weight of this shape as a whole, row-major, with gradients that do not depend on it.
using WholeUpdate = std::function<void(std::vector<double>& w, const std::vector<double>& g, int t)>;
void expect_whole_steps(const Optimizer& optimizer, const Shape& shape, const WholeUpdate& update);

// What the rule says of itself is true: whether a weight rests without a gradient, and the bounds that it foretells for
// ordinary weights and gradients. Without these bounds a step would have to look at all that it writes.
void check_rule(const Optimizer& optimizer);
// The first of the two alone.
void check_rest(const Optimizer& optimizer);

// Whether it foretells any bounds for a step.
bool foretells_bounds(const Optimizer& optimizer);

}  // namespace rondo::test
