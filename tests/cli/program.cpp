#include "cli/program.hpp"

#include <filesystem>
#include <sys/wait.h>

#include <rondo/rondo.hpp>

namespace rondo::test {

std::string program() {
  const std::filesystem::path tests = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  return (tests.parent_path() / "apps" / "rondo").string();
}

Ran Cli::run(const std::string& arguments, const std::string& input) const {
  write("stdin", input);
  const std::string line = "cd '" + path("") + "' && '" + program() + "' <stdin >stdout 2>stderr " + arguments;
  const int status = std::system(line.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read("stdout"), read("stderr")};
}

void expect_failure(const Ran& ran, int status, const std::vector<std::string>& parts) {
  EXPECT_EQ(ran.status, status) << ran.err;
  EXPECT_TRUE(ran.err.starts_with("rondo: ")) << ran.err;
  EXPECT_EQ(ran.out, "");
  for (const std::string& part : parts) {
    EXPECT_NE(ran.err.find(part), std::string::npos) << "'" << part << "' is not in: " << ran.err;
  }
}

void expect_success(const Ran& ran) {
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.err, "");
}

std::string golden_model(const std::string& name) { return std::string(RONDO_GOLDEN_DIR) + "/models/" + name; }

Model small_model(Index steps, bool return_sequences) {
  clear_session();
  set_random_seed(5);
  Sequential model{LSTM(3, {.return_sequences = return_sequences, .input_shape = {steps, 2}}), Dense(1)};
  model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse", .metrics = {"mae"}});
  if (!return_sequences) {
    model.train_on_batch(Tensor::zeros({2, steps == Shape::kUnknown ? 4 : steps, 2}), Tensor::zeros({2, 1}));
  }
  return model;
}

}  // namespace rondo::test
