// From data to C: a small model of the sunspots is trained and written as C headers in three precisions, for programs
// without Rondo (docs/c-header.md).
//
//   export_c_header [sunspots.csv] [folder for sunspots_float.h, sunspots_int16.h and sunspots_int8.h]
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <rondo/rondo.hpp>

using namespace rondo;

int main(int argc, char** argv) try {
  const std::string folder = argc > 2 ? argv[2] : ".";
  set_random_seed(7);
  const Table table = read_csv(argc > 1 ? argv[1] : "examples/data/sunspots.csv");
  std::vector<double> series = table.numbers("Sunspots");
  for (double& v : series) v = std::sqrt(v) / 10;  // the quiet years count too

  const LagFrame frame = lag_frame(series, {.lags = 12});
  const Tensor X = as_timesteps(frame);
  Sequential model{LSTM(16, {.input_shape = {12, 1}}), Dense(1)};
  model.compile({.optimizer = Adam({.learning_rate = 0.005}), .loss = "mse"});
  model.fit(X, frame.y, {.epochs = 50, .verbose = 0});

  std::printf("%-16s %6s %8s %14s %11s\n", "header", "state", "weights", "largest error", "mean error");
  for (const std::string precision : {"float32", "int16x8", "int8"}) {
    const std::string name = "sunspots_" + precision.substr(0, precision.find_first_of("3x"));
    const ExportReport report =
        export_header(model, folder + "/" + name + ".h", {.name = name, .precision = precision, .calibration = X});
    std::printf("%-16s %6zu %8zu %14.5f %11.5f   of outputs up to %.2f\n", name.c_str(), report.state_bytes,
                report.constant_bytes, report.max_error, report.mean_error, report.largest_output);
  }
  return 0;
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
