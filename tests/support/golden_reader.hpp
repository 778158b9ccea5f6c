// Reading the golden files: numbers computed by real Keras. tests/golden/README.md describes their form.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <rondo/tensor.hpp>

namespace rondo::golden {

using Json = nlohmann::ordered_json;

struct File {
  std::string name;  // "layers.json"
  Json meta;
  std::vector<Json> cases;
};

// Where the files are: tests/golden, or the folder that the environment variable RONDO_GOLDEN names.
std::string folder();
bool folder_was_given();

// The files of an area, or all files of the folder, by name. Fails the test at one that is no golden file.
std::vector<File> files(const std::string& area = "");

// All cases of one function of the area `utils`.
std::vector<Json> utils_cases(const std::string& function);

// A number, or "NaN", "Infinity", "-Infinity".
double number(const Json& json);
std::vector<double> numbers(const Json& list);

// {"shape": .., "data": .., "dtype": ..}, or a plain list of numbers, or a list of lists. float32 where the dtype says
// so, else float64, which holds integers and truth values as well.
Tensor tensor(const Json& json);
// A list of arrays; null and a missing list (null) are empty.
std::vector<Tensor> tensors(const Json& list);
std::vector<Tensor> float_tensors(const Json& list);  // float32, whatever the dtype says

// |a - b| <= tolerance * max(1, |b|), NaN equal to NaN and infinities to themselves, shapes alike.
void expect_close(const Tensor& actual, const Tensor& expected, double tolerance, const std::string& what);

}  // namespace rondo::golden
