// For tests: the cases of golden/utils.json, and its arrays as tensors.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <rondo/tensor.hpp>

namespace rondo::golden {

using Json = nlohmann::json;

// All cases of one function. The environment variable RONDO_GOLDEN names another folder of the same schema.
inline std::vector<Json> utils_cases(const std::string& function) {
  const char* other = std::getenv("RONDO_GOLDEN");
  const std::string path = std::string(other != nullptr ? other : RONDO_GOLDEN_DIR) + "/utils.json";
  std::ifstream file(path);
  EXPECT_TRUE(file) << "cannot open " << path;
  const Json all = Json::parse(file);
  std::vector<Json> cases;
  for (const Json& one : all.at("cases")) {
    if (one.at("function") == function) cases.push_back(one);
  }
  EXPECT_FALSE(cases.empty()) << path << " has no case of " << function;
  return cases;
}

inline double number(const Json& json) {
  if (json.is_number()) return json.get<double>();
  if (json == "NaN") return std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(json == "Infinity" || json == "-Infinity") << json;
  return json == "Infinity" ? HUGE_VAL : -HUGE_VAL;
}

inline std::vector<double> numbers(const Json& list) {
  std::vector<double> out;
  for (const Json& json : list) out.push_back(number(json));
  return out;
}

// {"shape": .., "data": ..}, or a plain list of numbers, or a list of lists.
inline Tensor tensor(const Json& json) {
  if (json.is_object()) {
    return Tensor(Shape(json.at("shape").get<std::vector<Index>>()), numbers(json.at("data")));
  }
  if (json.empty() || !json[0].is_array()) return Tensor(numbers(json));
  std::vector<std::vector<double>> rows;
  for (const Json& row : json) rows.push_back(numbers(row));
  return Tensor(rows);
}

// |a - b| <= tolerance * max(1, |b|), NaN equal to NaN, shapes alike.
inline void expect_close(const Tensor& actual, const Tensor& expected, double tolerance, const std::string& what) {
  ASSERT_EQ(actual.shape(), expected.shape()) << what;
  const std::vector<double> a = actual.to_vector();
  const std::vector<double> b = expected.to_vector();
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(b[i])) {
      EXPECT_TRUE(std::isnan(a[i])) << what << " [" << i << "] is " << a[i] << ", expected NaN";
    } else {
      EXPECT_LE(std::abs(a[i] - b[i]), tolerance * std::max(1.0, std::abs(b[i])))
          << what << " [" << i << "]: " << a[i] << " against " << b[i];
    }
  }
}

}  // namespace rondo::golden
