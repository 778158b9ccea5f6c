// A folder in which a test writes programs, compiles and runs them.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

namespace rondo::test {

namespace fs = std::filesystem;

inline constexpr const char* kStrict = " -Wall -Wextra -Wconversion -Werror -pedantic ";

// The folder is this test's alone, and goes with the object.
class Workshop {
 public:
  Workshop() {
    const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(testing::TempDir()) / ("rondo_" + std::string(test.name()) + std::to_string(getpid()));
    fs::create_directories(folder_);
  }
  ~Workshop() { fs::remove_all(folder_); }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path(name)) << text; }
  std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(path(name), std::ios::binary).rdbuf();
    return text.str();
  }
  template <class T>
  void write_numbers(const std::string& name, const std::vector<T>& numbers) const {
    std::ofstream(path(name), std::ios::binary)
        .write(reinterpret_cast<const char*>(numbers.data()), static_cast<std::streamsize>(numbers.size() * sizeof(T)));
  }
  std::vector<float> read_floats(const std::string& name) const {
    const std::string bytes = read(name);
    std::vector<float> numbers(bytes.size() / sizeof(float));
    std::copy_n(bytes.data(), numbers.size() * sizeof(float), reinterpret_cast<char*>(numbers.data()));
    return numbers;
  }
  // Runs a command in the folder; what it prints, if it fails, is the message of the test's failure.
  testing::AssertionResult run(const std::string& command) const {
    const std::string line = "cd '" + folder_.string() + "' && " + command + " > log 2>&1";
    if (std::system(line.c_str()) == 0) return testing::AssertionSuccess();
    return testing::AssertionFailure() << command << "\n" << read("log");
  }
  testing::AssertionResult compile(const std::string& compiler, const std::string& language,
                                   const std::string& arguments) const {
    const bool links = arguments.find(" -c ") == std::string::npos;
    return run(compiler + (" -x " + language) + kStrict + arguments + (links ? " -lm" : ""));
  }

 private:
  fs::path folder_;
};

}  // namespace rondo::test
