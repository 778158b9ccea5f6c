// How long a model of 100 MB takes to load and save, beside reading and writing as many bytes: medians of some turns,
// each of them with all. Files are in the system's cache when they are read, so that the disk plays no part there;
// writing waits for it (fsync), as saving does.
//
//   model_files [FOLDER [turns]]     default: the folder for temporary files, 7 turns
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include <rondo/rondo.hpp>

#include "line_protocol.hpp"

using namespace rondo;

namespace {

// All bytes of a file into memory that is new each time.
double read_bytes(const std::string& path) {
  const auto size = static_cast<std::size_t>(std::filesystem::file_size(path));
  const auto start = benchmarks::Clock::now();
  const auto memory = std::make_unique_for_overwrite<char[]>(size);
  std::FILE* file = std::fopen(path.c_str(), "rb");
  const bool whole = file != nullptr && std::fread(memory.get(), 1, size, file) == size;
  if (file != nullptr) std::fclose(file);
  if (!whole) throw FileError("cannot read " + path);
  return benchmarks::seconds_since(start);
}

double write_bytes(const std::string& path, const std::vector<char>& bytes) {
  const auto start = benchmarks::Clock::now();
  std::FILE* file = std::fopen(path.c_str(), "wb");
  const bool whole = file != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() &&
                     std::fflush(file) == 0 && fsync(fileno(file)) == 0;
  if (file != nullptr) std::fclose(file);
  if (!whole) throw FileError("cannot write " + path);
  return benchmarks::seconds_since(start);
}

double seconds_of(const std::function<void()>& work) {
  const auto start = benchmarks::Clock::now();
  work();
  return benchmarks::seconds_since(start);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) try {
  const std::filesystem::path folder = argc > 1 ? argv[1] : std::filesystem::temp_directory_path();
  const int turns = argc > 2 ? std::max(1, std::atoi(argv[2])) : 7;
  const auto in_folder = [&](const char* name) { return (folder / name).string(); };
  Sequential model{LSTM(2500, {.input_shape = {10, 8}}), Dense(1)};  // 25 million weights

  std::map<std::string, std::vector<double>> times;
  for (int turn = 0; turn < turns; ++turn) {
    for (const char* name : {"model_files.keras", "model_files.h5"}) {
      const std::string path = in_folder(name);
      times[std::string("save ") + name].push_back(seconds_of([&] { model.save(path); }));
      times[std::string("load ") + name].push_back(seconds_of([&] { (void)load_model(path); }));
      times[std::string("read ") + name].push_back(read_bytes(path));
      times[std::string("write ") + name].push_back(
          write_bytes(in_folder("model_files.bytes"), std::vector<char>(std::filesystem::file_size(path))));
    }
  }
  for (const char* name : {"model_files.keras", "model_files.h5"}) {
    const auto ms = [&](const char* what) { return 1000 * median(times[std::string(what) + name]); };
    std::printf("%-18s %6.1f MB   load %6.1f ms = %.2f reads of %6.1f ms   save %7.1f ms = %.2f writes of %7.1f ms\n",
                name, static_cast<double>(std::filesystem::file_size(in_folder(name))) / 1e6, ms("load "),
                ms("load ") / ms("read "), ms("read "), ms("save "), ms("save ") / ms("write "), ms("write "));
    std::filesystem::remove(in_folder(name));
  }
  std::filesystem::remove(in_folder("model_files.bytes"));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
