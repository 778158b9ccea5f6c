// Trainings of which the diagnosis is asked.
#pragma once

#include <cstdint>
#include <utility>

#include <rondo/rondo.hpp>

namespace rondo::test {

struct Problem {
  Tensor X, y;
};

// Standard normal numbers, of which nobody can know one from the others.
inline double noise(Index i) { return RandomStream(3, Purpose::user).normal(static_cast<std::uint64_t>(i)); }

// What the model is there to tell.
struct Outcome {
  explicit Outcome(History h) : history(std::move(h)), diagnosis(history.diagnosis()) {}
  History history;
  Diagnosis diagnosis;
};

inline Outcome train(const Model& model, const CompileOptions& how, const Problem& p, FitOptions options) {
  model.compile(how);
  options.verbose = 0;
  return Outcome(model.fit(p.X, p.y, options));
}

}  // namespace rondo::test
