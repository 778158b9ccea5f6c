// A file of a model is the old one or the new one, whatever happens while it is written: a process that is killed, a
// disk that is full.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iostream>
#include <iterator>
#include <random>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rondo/rondo.hpp>

#include "support/in_child.hpp"

namespace rondo {
namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Sequential model_of(Index units, int seed) {
  set_random_seed(static_cast<std::uint64_t>(seed));
  clear_session();
  Sequential model{LSTM(units, {.input_shape = {4, 2}}), Dense(1)};
  model.compile({.optimizer = Adam(), .loss = "mse"});
  return model;
}

class Saves : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("rondo_saves_" + std::to_string(getpid()) + GetParam());
    fs::remove_all(folder_);
    fs::create_directory(folder_);
    a_.save(path("a"));
    b_.save(path("b"));
    of_a_ = content(path("a"));
    of_b_ = content(path("b"));
    fs::remove(path("a"));
    fs::remove(path("b"));
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / (name + GetParam())).string(); }

  // Files of other names than this one.
  std::vector<std::string> others(const std::string& name) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (entry.path() != path(name)) names.push_back(entry.path().filename().string());
    }
    return names;
  }

  void expect_loadable(const std::string& file) const {
    const std::string bytes = content(file);
    ASSERT_TRUE(bytes == of_a_ || bytes == of_b_) << bytes.size() << " bytes, which neither model has";
    const Model again = load_model(file);
    EXPECT_EQ(again.to_json(), (bytes == of_a_ ? a_ : b_).to_json());
  }

  // Of different sizes, so that one written over the other would show.
  const Sequential a_ = model_of(8, 1), b_ = model_of(24, 2);
  std::string of_a_, of_b_;
  fs::path folder_;
};

// Saves one model and the other in turn until it is killed.
[[noreturn]] void save_until_killed(const Model& a, const Model& b, const std::string& path) {
  for (;;) {
    a.save(path);
    b.save(path);
  }
}

// RONDO_KILLS says how often: 50 take a second or two.
int kills() {
  const char* given = std::getenv("RONDO_KILLS");
  return given != nullptr ? std::atoi(given) : 50;
}

// File systems without files that have no name leave one for each process that was killed.
std::size_t most_left(const fs::path& folder, int kills) {
#if defined(O_TMPFILE)
  const int file = open(folder.c_str(), O_WRONLY | O_TMPFILE, 0600);
  if (file >= 0) close(file);
  if (file >= 0) return static_cast<std::size_t>(3 + kills / 3);  // killed between its two names, as a slow machine may
#endif
  return static_cast<std::size_t>(kills);
}

TEST_P(Saves, ThatAreKilledLeaveOneOfTheModels) {
  const std::string file = path("model");
  const auto begin = std::chrono::steady_clock::now();
  a_.save(file);
  const auto save = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
  std::minstd_rand random(7);
  int of_a = 0, of_b = 0;
  for (int i = 0; i < kills(); ++i) {
    const pid_t child = fork();
    if (child == 0) save_until_killed(a_, b_, file);
    usleep(static_cast<useconds_t>(random() % static_cast<unsigned long>(5 * save.count() + 1)));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself";
    expect_loadable(file);
    if (HasFatalFailure()) return;
    (content(file) == of_a_ ? of_a : of_b) += 1;
  }
  const std::vector<std::string> left = others("model");
  for (const std::string& name : left) EXPECT_EQ(name.find(std::string("model") + GetParam() + ".tmp"), 0U) << name;
  EXPECT_LE(left.size(), most_left(folder_, kills()));
  b_.save(file);  // what was left hinders nobody
  EXPECT_EQ(content(file), of_b_);
  std::cout << kills() << " kills: " << of_a << " times one model, " << of_b << " times the other, " << left.size()
            << " temporary files left" << std::endl;
}

// The message of the error of saving with a limit on the sizes of files; it stands for a full disk.
std::string refusal(const Model& model, const std::string& path, rlim_t bytes) {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{bytes, bytes};
  setrlimit(RLIMIT_FSIZE, &limit);
  try {
    model.save(path);
  } catch (const FileError& error) {
    return error.what();
  }
  return "";
}

TEST_P(Saves, WithoutRoomLeaveTheOldFileAndNothingElse) {
  const std::string file = path("model");
  a_.save(file);
  for (const rlim_t bytes : {rlim_t{0}, rlim_t{1000}, static_cast<rlim_t>(of_b_.size() - 1)}) {
    EXPECT_TRUE(test::succeeds_in_child([&] {
      const std::string message = refusal(b_, file, bytes);
      return message.find(file) != std::string::npos && message.find("File too large") != std::string::npos;
    })) << bytes;
    EXPECT_EQ(content(file), of_a_);
    EXPECT_TRUE(others("model").empty());
  }
  EXPECT_TRUE(test::succeeds_in_child([&] { return refusal(b_, path("new"), 1000).find("new") != std::string::npos; }));
  EXPECT_FALSE(fs::exists(path("new")));
}

std::string name_of(const testing::TestParamInfo<const char*>& p) { return std::string(p.param).substr(1); }

INSTANTIATE_TEST_SUITE_P(Formats, Saves, testing::Values(".keras", ".h5"), name_of);

}  // namespace
}  // namespace rondo
