// Comparing with golden numbers, and counting what became of the cases of a file.
#pragma once

#include <cmath>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <rondo/tensor.hpp>

#include "support/golden_reader.hpp"

namespace rondo::golden {

// Thrown where a case is of a kind that Rondo does not have yet; the text is the kind: "GRU", "mask".
class NotSupported : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// |got - expected| <= value * max(floor, |expected|); a floor of 0 makes it relative.
struct Tolerance {
  double value = 0;
  double floor = 1;
};

// The comparisons of one case. NaN equals NaN, and an infinity itself.
class Check {
 public:
  void near(const std::string& what, double got, double expected, Tolerance tolerance);
  void near(const std::string& what, const Tensor& got, const Tensor& expected, Tolerance tolerance);
  // Against a list of golden arrays; what is null there is not compared.
  void near(const std::string& what, const std::vector<Tensor>& got, const Json& expected, Tolerance tolerance);
  void same(const std::string& what, const std::string& got, const std::string& expected);

  // How many numbers were compared with golden ones.
  Index compared() const { return compared_; }
  // "what [index]: got .., expected .."; of each tensor the first deviation and their number.
  const std::vector<std::string>& deviations() const { return deviations_; }

 private:
  Index compared_ = 0;
  std::vector<std::string> deviations_;
};

// What became of the cases of one file.
class Tally {
 public:
  // A case in all its dtypes: `body` compares, throws NotSupported, or throws something else, which is a failure.
  void run(const std::string& id, const std::function<void(Check&, DType)>& body);

  Index passed() const { return passed_; }
  // One text for each failed case.
  const std::vector<std::string>& failures() const { return failures_; }
  // "layers.json: 171 passed, 0 failed, 298 not supported yet: GRU 61, Bidirectional 56, ..."
  std::string line(const std::string& file) const;

 private:
  Index passed_ = 0;
  std::vector<std::string> failures_;
  std::map<std::string, Index> not_supported_;
};

}  // namespace rondo::golden
