#include "support/golden_check.hpp"

#include <algorithm>
#include <limits>
#include <sstream>

namespace rondo::golden {

namespace {

bool is_near(double got, double expected, Tolerance tolerance) {
  if (std::isnan(expected)) return std::isnan(got);
  if (got == expected) return true;
  return std::abs(got - expected) <= tolerance.value * std::max(tolerance.floor, std::abs(expected));
}

// The expected number as the dtype can hold it: what overflows in float32 is infinite there.
double within(DType dtype, double expected) {
  if (dtype == DType::float64 || !(std::abs(expected) > std::numeric_limits<float>::max())) return expected;
  return std::copysign(std::numeric_limits<double>::infinity(), expected);
}

std::string deviation(const std::string& what, double got, double expected) {
  std::ostringstream text;
  text.precision(17);
  text << what << ": got " << got << ", expected " << expected;
  return text.str();
}

}  // namespace

void Check::near(const std::string& what, double got, double expected, Tolerance tolerance) {
  ++compared_;
  if (!is_near(got, expected, tolerance)) deviations_.push_back(deviation(what, got, expected));
}

void Check::near(const std::string& what, const Tensor& got, const Tensor& expected, Tolerance tolerance) {
  if (got.shape() != expected.shape()) {
    deviations_.push_back(what + ": got shape " + to_string(got.shape()) + ", expected " + to_string(expected.shape()));
    return;
  }
  const std::vector<double> a = got.to_vector();
  std::vector<double> b = expected.to_vector();
  for (double& number : b) number = within(got.dtype(), number);
  compared_ += static_cast<Index>(b.size());
  std::size_t first = a.size();
  Index count = 0;
  for (std::size_t i = a.size(); i-- > 0;) {
    if (is_near(a[i], b[i], tolerance)) continue;
    first = i;
    ++count;
  }
  if (count == 0) return;
  const std::string place = what + " [" + std::to_string(first) + "]";
  deviations_.push_back(deviation(place, a[first], b[first]) + " (" + std::to_string(count) + " of " +
                        std::to_string(a.size()) + " elements deviate)");
}

void Check::near(const std::string& what, const std::vector<Tensor>& got, const Json& expected, Tolerance tolerance) {
  if (got.size() != expected.size()) {
    deviations_.push_back(what + ": got " + std::to_string(got.size()) + " tensors, expected " +
                          std::to_string(expected.size()));
    return;
  }
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (!expected[i].is_null()) near(what + " " + std::to_string(i), got[i], tensor(expected[i]), tolerance);
  }
}

void Check::same(const std::string& what, const std::string& got, const std::string& expected) {
  if (got != expected) deviations_.push_back(what + ": got '" + got + "', expected '" + expected + "'");
}

void Tally::run(const std::string& id, const std::function<void(Check&, DType)>& body) {
  std::string failure;
  for (const DType dtype : {DType::float64, DType::float32}) {  // whether a kind is supported shows in the first
    const std::string where = id + " (" + std::string(to_string(dtype)) + ")";
    Check check;
    try {
      body(check, dtype);
    } catch (const NotSupported& kind) {
      if (failure.empty() && dtype == DType::float64) {
        ++not_supported_[kind.what()];
        return;
      }
      failure += where + " is said not to be supported: " + kind.what() + "\n";
      continue;
    } catch (const std::exception& error) {
      failure += where + " threw: " + error.what() + "\n";
      continue;
    }
    for (const std::string& deviation : check.deviations()) failure += where + " " + deviation + "\n";
    if (check.compared() == 0) failure += where + ": nothing was compared\n";
  }
  failure.empty() ? void(++passed_) : failures_.push_back(failure);
}

std::string Tally::line(const std::string& file) const {
  std::vector<std::pair<std::string, Index>> kinds(not_supported_.begin(), not_supported_.end());
  std::stable_sort(kinds.begin(), kinds.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  Index count = 0;
  std::string list;
  for (const auto& [kind, n] : kinds) {
    count += n;
    list += (list.empty() ? ": " : ", ") + kind + " " + std::to_string(n);
  }
  return file + ": " + std::to_string(passed_) + " passed, " + std::to_string(failures_.size()) + " failed, " +
         std::to_string(count) + " not supported yet" + list;
}

}  // namespace rondo::golden
