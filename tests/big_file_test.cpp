// A data set that is bigger than memory: fit reads it batch by batch, and what it takes does not grow with the file.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <iostream>
#include <string>
#include <unistd.h>

#include <rondo/rondo.hpp>

namespace rondo {
namespace {

// Of the process, in MB: the largest since reset_peak.
double peak_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1000;
  }
  return -1;
}
void reset_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

// Zeros, of which the file system keeps none.
class SparseFile {
 public:
  SparseFile(const std::string& path, Index rows, Index features) : path_(path) {
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " +
                         std::to_string(features) + "), }";
    header.resize(117, ' ');
    header += '\n';
    std::ofstream file(path, std::ios::binary);
    file << "\x93NUMPY" << '\1' << '\0' << static_cast<char>(header.size()) << '\0' << header << std::flush;
    file.close();
    if (truncate(path.c_str(), 128 + rows * features * 4) != 0) throw std::runtime_error("no room for " + path);
  }
  ~SparseFile() { std::remove(path_.c_str()); }
  SparseFile(const SparseFile&) = delete;
  SparseFile& operator=(const SparseFile&) = delete;

 private:
  std::string path_;
};

// 20 GB: 400 batches from all over the file, or with RONDO_BIG_FILE=whole all 5,000 (a minute).
TEST(BigFile, TrainsInTheMemoryOfAFewBatches) {
  constexpr Index kRows = 320'000, kFeatures = 16'384;
  const SparseFile file("big_file_test.npy", kRows, kFeatures);
  const Rows X = Rows::npy("big_file_test.npy");
  const Rows y = Rows::generated(kRows, {1}, [](Index, std::span<double> row) { row[0] = 1; });
  const Sequential model{Dense(1, {.input_shape = {kFeatures}})};
  model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "mse"});
  RowBatches batches(X, y, {.batch_size = 64});
  const char* whole = std::getenv("RONDO_BIG_FILE");
  std::optional<Dim> steps = 400;
  if (whole != nullptr && std::string(whole) == "whole") steps.reset();

  reset_peak();
  const auto start = std::chrono::steady_clock::now();
  const History history = model.fit(batches, {.verbose = 0, .steps_per_epoch = steps});
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  const double read = static_cast<double>(steps ? Index{*steps} : batches.batches()) * 64 * kFeatures * 4 / 1e9;
  std::cout << read << " GB of 21 read and learned in " << time.count() << " s, " << peak_mb() << " MB resident\n";
  EXPECT_LT(history["loss"][0], 0.9);
  EXPECT_LT(peak_mb(), 300);
}

}  // namespace
}  // namespace rondo
