// Imports an ONNX file and predicts: what check_models.py compares with ONNX's own tests.
//
//   run_onnx_model FILE OUTPUT INPUT...
//
// Inputs are .npy files. OUTPUT0, OUTPUT1, ... get the sizes in a line, then the numbers.
#include <iostream>
#include <string>
#include <vector>

#include <rondo/rondo.hpp>

#include "onnx/tensor_file.hpp"

using namespace rondo;

int main(int argc, char** argv) try {
  if (argc < 4) {
    std::cerr << "run_onnx_model FILE OUTPUT INPUT...\n";
    return 1;
  }
  const Model model = import_onnx(argv[1]);
  std::vector<Tensor> x;
  for (int i = 3; i < argc; ++i) x.push_back(read_npy(argv[i]));
  const std::vector<Tensor> y = model.predict_outputs(Inputs(x), {.verbose = 0});
  for (std::size_t i = 0; i < y.size(); ++i) test::write_tensor(argv[2] + std::to_string(i), y[i]);
  return 0;
} catch (const Error& error) {
  std::cout << error.what() << '\n';
  return 2;
}
