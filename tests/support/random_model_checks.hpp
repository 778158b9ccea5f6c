// What is asked of a random model. See random_model_checks.cpp for each question in words.
#pragma once

#include <string>
#include <vector>

#include "support/random_model.hpp"

namespace rondo::test {

// Walks the model in many ways and returns what was wrong, a text each; empty: nothing. Leaves threads, executor and
// instruction set as a process begins with.
std::vector<std::string> check_random_model(const RandomModel& m);

// The same for the model of a seed, as one text: how to do it again, what was wrong, the model. Empty: nothing was
// wrong. A sanitizer ends the process, so print the seed before.
std::string check_seed(std::uint64_t seed);

}  // namespace rondo::test
