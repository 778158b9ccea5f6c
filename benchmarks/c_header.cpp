// Races the C header of a model against Rondo's own stream: one sequence, one step a call, in turn.
//
//   build/release/benchmarks/c_header [options for gcc; default: -O3 -march=native]
//
// Prints nanoseconds a step of the fastest of many short rounds, and the ratio header / stream: below 1 the header is
// faster. Rondo chooses the processor's best instructions by itself, a header has those it is compiled for.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <rondo/rondo.hpp>

using namespace rondo;

namespace {

constexpr int kSteps = 200, kRounds = 4000;

using Step = void (*)(const float*, float*);

// Exports the model and loads what the C compiler makes of it.
Step compiled(const Model& model, const std::string& precision, const std::string& options) {
  const auto folder = std::filesystem::temp_directory_path() / "rondo_c_header";
  std::filesystem::create_directories(folder);
  static int number = 0;
  const std::string base = (folder / ("m" + std::to_string(number++))).string();
  std::vector<double> x;
  for (int i = 0; i < 1000; ++i) x.push_back(std::sin(0.1 * i));
  export_header(model, base + ".h", {.name = "m", .precision = precision, .calibration = Tensor(Shape{10, 100, 1}, x)});
  std::ofstream(base + ".c") << "#include \"" << base << ".h\"\n"
                             << "static m_state state;\n"
                             << "void take(const float* x, float* y);\n"
                             << "void take(const float* x, float* y) { m_step(&state, x, y); }\n";
  const std::string command = "gcc " + options + " -shared -fPIC " + base + ".c -o " + base + ".so -lm";
  if (std::system(command.c_str()) != 0) std::exit(1);
  void* library = dlopen((base + ".so").c_str(), RTLD_NOW);
  if (library == nullptr) std::exit(1);
  return reinterpret_cast<Step>(dlsym(library, "take"));
}

template <class F>
double nanoseconds(F&& step) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kSteps; ++i) step(0.01F * static_cast<float>(i % 16));
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count() / kSteps;
}

void race(const std::string& title, const Model& model, const std::string& options) {
  const std::vector<std::string> precisions = {"float32", "int16x8", "int8"};
  std::vector<Step> headers;
  for (const std::string& precision : precisions) headers.push_back(compiled(model, precision, options));
  Stream stream = model.stream();
  float y = 0;
  double best_stream = 1e9;
  std::vector<double> best(headers.size(), 1e9);
  for (int round = 0; round < kRounds; ++round) {
    best_stream = std::min(best_stream,
                           nanoseconds([&](float x) { stream.step(std::span<const float>(&x, 1), std::span(&y, 1)); }));
    for (std::size_t i = 0; i < headers.size(); ++i) {
      best[i] = std::min(best[i], nanoseconds([&](float x) { headers[i](&x, &y); }));
    }
  }
  std::printf("%-10s stream %6.1f ns", title.c_str(), best_stream);
  for (std::size_t i = 0; i < headers.size(); ++i) {
    std::printf("   %s %6.1f ns x%.2f", precisions[i].c_str(), best[i], best[i] / best_stream);
  }
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  std::string options;
  for (int i = 1; i < argc; ++i) options += std::string(argv[i]) + " ";
  if (options.empty()) options = "-O3 -march=native";
  std::printf("gcc %s\n", options.c_str());
  for (const int units : {8, 16, 32}) {
    race("LSTM " + std::to_string(units), Sequential{LSTM(units, {.input_shape = {1, 1}}), Dense(1)}, options);
    race("GRU " + std::to_string(units), Sequential{GRU(units, {.input_shape = {1, 1}}), Dense(1)}, options);
  }
}
