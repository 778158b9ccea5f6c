#include "support/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

namespace rondo::test {

namespace {

bool same(double a, double b) {
  return (a == b && std::signbit(a) == std::signbit(b)) || (std::isnan(a) && std::isnan(b));
}

}  // namespace

std::string difference(const Tensors& got, const Tensors& expected) {
  std::ostringstream text;
  text.precision(17);
  if (got.size() != expected.size()) {
    text << got.size() << " tensors instead of " << expected.size();
    return text.str();
  }
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (got[i].identical(expected[i])) continue;
    text << "tensor " << i << ": ";
    const std::vector<double> a = got[i].to_vector(), b = expected[i].to_vector();
    if (got[i].shape() != expected[i].shape()) {
      text << "shape " << to_string(got[i].shape()) << " instead of " << to_string(expected[i].shape());
      return text.str();
    }
    std::size_t count = 0, first = 0;
    for (std::size_t k = a.size(); k-- > 0;) {
      if (same(a[k], b[k])) continue;
      ++count;
      first = k;
    }
    if (count == 0 && got[i].dtype() == expected[i].dtype()) continue;
    text << count << " of " << a.size() << " elements differ, the first at " << first << ": " << a[first]
         << " instead of " << b[first];
    return text.str();
  }
  return "";
}

double largest_difference(const plain::Array& a, const plain::Array& b) {
  double most = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    const double difference = std::abs(a[k] - b.at(k));
    most = std::isnan(difference) ? std::numeric_limits<double>::infinity() : std::max(most, difference);
  }
  return most;
}

std::string distance(const Arrays& got, const Arrays& expected, double bound, const Arrays& moved) {
  std::ostringstream text;
  text.precision(17);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const plain::Array& a = got.at(i);
    const plain::Array& b = expected[i];
    if (a.empty()) continue;
    double largest = 1;
    for (const double v : b) largest = std::max(largest, std::abs(v));
    const double most = bound * largest + (moved.empty() ? 0 : 10 * largest_difference(b, moved.at(i)));
    for (std::size_t k = 0; k < b.size(); ++k) {
      if (a.size() == b.size() && std::abs(a[k] - b[k]) <= most) continue;
      text << "tensor " << i << ", element " << k << " of " << b.size() << ": " << a.at(k) << " instead of " << b[k];
      return text.str();
    }
  }
  return "";
}

}  // namespace rondo::test
