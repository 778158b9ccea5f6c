#include "support/golden_reader.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <limits>

#include "support/golden_check.hpp"

namespace rondo::golden {

bool folder_was_given() { return std::getenv("RONDO_GOLDEN") != nullptr; }

std::string folder() {
  const char* given = std::getenv("RONDO_GOLDEN");
  return given != nullptr ? given : RONDO_GOLDEN_DIR;
}

namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

std::vector<File> files(const std::string& area) {
  std::vector<File> all;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder(), error)) {
    if (entry.path().extension() != ".json") continue;
    const std::string text = text_of(entry.path());
    if (text.find('"' + area + '"') == std::string::npos && !area.empty()) continue;  // parsing takes its time
    Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("meta") || !json.contains("cases")) {
      ADD_FAILURE() << entry.path() << " is no golden file: {\"meta\": ..., \"cases\": [...]} was expected";
      continue;
    }
    if (!area.empty() && json["meta"].value("area", "") != area) continue;
    all.push_back({entry.path().filename().string(), json["meta"], json["cases"].get<std::vector<Json>>()});
  }
  EXPECT_FALSE(error) << "cannot read the folder " << folder() << ": " << error.message();
  std::sort(all.begin(), all.end(), [](const File& a, const File& b) { return a.name < b.name; });
  return all;
}

std::vector<Json> utils_cases(const std::string& function) {
  std::vector<Json> cases;
  for (const File& file : files("utils")) {
    for (const Json& one : file.cases) {
      if (one.at("function") == function) cases.push_back(one);
    }
  }
  EXPECT_FALSE(cases.empty()) << "no case of " << function << " in " << folder();
  return cases;
}

double number(const Json& json) {
  if (json.is_number()) return json.get<double>();
  if (json == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (json == "Infinity") return std::numeric_limits<double>::infinity();
  if (json == "-Infinity") return -std::numeric_limits<double>::infinity();
  throw std::runtime_error("golden file: a number was expected, not " + json.dump());
}

std::vector<double> numbers(const Json& list) {
  std::vector<double> out;
  for (const Json& json : list) out.push_back(number(json));
  return out;
}

Tensor tensor(const Json& json) {
  if (json.is_object()) {
    Tensor values(Shape(json.at("shape").get<std::vector<Index>>()), numbers(json.at("data")));
    return json.value("dtype", "") == "float32" ? values.cast(DType::float32) : values;
  }
  if (json.empty() || !json[0].is_array()) return Tensor(numbers(json));
  std::vector<std::vector<double>> rows;
  for (const Json& row : json) rows.push_back(numbers(row));
  return Tensor(rows);
}

std::vector<Tensor> tensors(const Json& list) {
  std::vector<Tensor> all;
  for (const Json& json : list) all.push_back(tensor(json));
  return all;
}

std::vector<Tensor> float_tensors(const Json& list) {
  std::vector<Tensor> all = tensors(list);
  for (Tensor& each : all) each = each.cast(DType::float32);
  return all;
}

void expect_close(const Tensor& actual, const Tensor& expected, double tolerance, const std::string& what) {
  Check check;
  check.near(what, actual, expected, {tolerance});
  for (const std::string& deviation : check.deviations()) ADD_FAILURE() << deviation;
}

}  // namespace rondo::golden
