// Imports an ONNX file and predicts: what check_models.py compares with ONNX's own tests.
//
//   run_onnx_model FILE OUTPUT INPUT...
//
// Inputs are .npy files. OUTPUT0, OUTPUT1, ... get the sizes in a line, then the numbers.
#include <fstream>
#include <iomanip>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include <rondo/rondo.hpp>

using namespace rondo;

namespace {

Tensor read(const std::string& path) {
  const Rows rows = Rows::npy(path);
  std::vector<Index> all(static_cast<std::size_t>(rows.count()));
  std::iota(all.begin(), all.end(), Index{0});
  Tensor tensor(rows.sample().prepend(rows.count()), rows.dtype());
  rows.read(all, tensor);
  return tensor;
}

void write(const std::string& path, const Tensor& tensor) {
  std::ofstream out(path);
  out << std::setprecision(17);
  for (const Index size : tensor.shape()) out << size << ' ';
  out << '\n';
  for (const double value : tensor.to_vector()) out << value << '\n';
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 4) {
    std::cerr << "run_onnx_model FILE OUTPUT INPUT...\n";
    return 1;
  }
  const Model model = import_onnx(argv[1]);
  std::vector<Tensor> x;
  for (int i = 3; i < argc; ++i) x.push_back(read(argv[i]));
  const std::vector<Tensor> y = model.predict_outputs(Inputs(x), {.verbose = 0});
  for (std::size_t i = 0; i < y.size(); ++i) write(argv[2] + std::to_string(i), y[i]);
  return 0;
} catch (const Error& error) {
  std::cout << error.what() << '\n';
  return 2;
}
