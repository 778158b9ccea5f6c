// Random models until somebody stops it: fuzz_models models [--seed N] [--minutes M], or fuzz_models graphs ...
//
// Begins with the seed, else with one of its own, and takes the next ones in turn. Says of each failure how to repeat
// it, and returns 1 at the end if there was one. A sanitizer ends it at once: the seed is the last one printed.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

#include "support/random_graph_checks.hpp"
#include "support/random_model_checks.hpp"

namespace {

[[noreturn]] void refuse(const std::string& what) {
  std::cerr << "fuzz_models models|graphs [--seed N] [--minutes M]: " << what << std::endl;
  std::exit(2);
}

// A whole number behind an option.
std::uint64_t number(int argc, char** argv, int at) {
  const std::string text = at < argc ? argv[at] : "";
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos) {
    refuse(std::string(argv[at - 1]) + " takes a whole number, not '" + text + "'");
  }
  return std::stoull(text);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = std::random_device()();
  std::chrono::minutes most = std::chrono::hours(24 * 365);
  const std::string subject = argc > 1 ? argv[1] : "";
  if (subject != "models" && subject != "graphs") refuse("there is no subject '" + subject + "'");
  for (int i = 2; i < argc; i += 2) {
    const std::string option = argv[i];
    if (option == "--seed") {
      seed = number(argc, argv, i + 1);
    } else if (option == "--minutes") {
      most = std::chrono::minutes(number(argc, argv, i + 1));
    } else {
      refuse("there is no option " + option);
    }
  }
  const auto end = std::chrono::steady_clock::now() + most;
  std::uint64_t models = 0, failures = 0;
  while (std::chrono::steady_clock::now() < end) {
    std::cout << "\rseed " << seed << std::flush;
    const std::string wrong = subject == "models" ? rondo::test::check_seed(seed) : rondo::test::check_graph_seed(seed);
    ++seed;
    ++models;
    if (wrong.empty()) continue;
    ++failures;
    std::cout << "\n" << wrong << std::endl;
  }
  std::cout << "\n"
            << models << " " << subject << ", " << failures << " failures; the next seed is " << seed << std::endl;
  return failures == 0 ? 0 : 1;
}
