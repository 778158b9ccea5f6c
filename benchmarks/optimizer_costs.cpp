// What an optimizer's update of ten million weights costs beside a copy that moves as many bytes, on one thread: the
// median of some turns, each of them with both. Bytes are those of arrays as large as the weights that the rule has to
// read or write, each as often as it must: weights and what is remembered are read and written, the gradient is read.
// Rules that need norms of whole weights first go through them again:
//
//   Lamb       10 arrays: w, g, m and v read, m and v written; then w, m and v read, w written
//   Adafactor  6: w and g read for the means of rows and columns; g for the norm of u; g and w read, w written
//
// Muon's products of a matrix of 1000 by 1600 are measured in flops: for each Newton-Schulz step 2 (2 s^2 l + s^3) of
// sides s and l.
//
//   optimizer_costs [turns [word]]     default 7; only the optimizers whose name has the word
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <rondo/rondo.hpp>

#include "core/aligned.hpp"
#include "line_protocol.hpp"
#include "training/optimizers/state.hpp"

using namespace rondo;

namespace {

// A weight with an optimizer at work on it.
class Weight {
 public:
  Weight(const Optimizer& optimizer, const Shape& shape)
      : state_(optimizer),
        block_(std::make_shared<engine::ParameterBlock>(DType::float32, shape.elements(), kernels::chosen())),
        gradients_{{block_, {0}, {{0, block_->size()}}}},
        gradient_(block_->bytes()) {
    const RandomStream random(1, Purpose::user);
    auto* gradient = reinterpret_cast<float*>(gradient_.data());
    for (Index i = 0; i < block_->size(); ++i) {
      gradient[i] = static_cast<float>(random.uniform(static_cast<std::uint64_t>(i)) - 0.5);
      block_->values<float>()[i] = gradient[i] / 4;
    }
    state_.prepare(gradients_, {{"weight/kernel", shape, block_, engine::PackedMap::contiguous(shape)}});
  }

  double seconds_of_step() {
    engine::Run run;
    run.gradients = gradient_.data();
    const auto start = benchmarks::Clock::now();
    state_.begin_step();
    for (Index stage = 0; stage < state_.update_stages(); ++stage) {
      state_.update(gradients_, run, engine::Member(0, 1), stage);
    }
    state_.end_step(/*safe=*/true);
    return benchmarks::seconds_since(start);
  }

  // Read and written together.
  std::size_t bytes_moved() const {
    const std::string name = state_.rule().class_name();
    if (name == "Lamb") return 10 * block_->bytes();
    if (name == "Adafactor") return 6 * block_->bytes();
    return 2 * (block_->bytes() + state_.bytes(*block_)) + block_->bytes();
  }

 private:
  training::OptimizerState state_;
  std::shared_ptr<engine::ParameterBlock> block_;
  std::vector<engine::GradientSlot> gradients_;
  AlignedBytes gradient_;
};

double seconds_of_copy(const AlignedBytes& to, const AlignedBytes& from) {
  const auto start = benchmarks::Clock::now();
  std::memcpy(to.data(), from.data(), from.size());
  return benchmarks::seconds_since(start);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void measure(const char* name, const Optimizer& optimizer, int turns) {
  Weight weight(optimizer, {2500, 4000});
  const AlignedBytes from(weight.bytes_moved() / 2), to(from.size());
  (void)weight.seconds_of_step();
  std::vector<double> steps, quotients;
  for (int i = 0; i < turns; ++i) {
    steps.push_back(weight.seconds_of_step());
    quotients.push_back(steps.back() / seconds_of_copy(to, from));
  }
  std::printf("%-22s %7.1f ms  %6.2f times a copy of %.0f MB, as many as it must move\n", name, 1e3 * median(steps),
              median(quotients), static_cast<double>(from.size()) / 1e6);
  std::fflush(stdout);
}

void measure_products(const char* name, const MuonOptions& options, int turns) {
  constexpr Index kShort = 1000, kLong = 1600;
  Weight weight(Muon(options), {kShort, kLong});
  (void)weight.seconds_of_step();
  std::vector<double> steps;
  for (int i = 0; i < turns; ++i) steps.push_back(weight.seconds_of_step());
  const double s = kShort, l = kLong;
  const double flops = static_cast<double>(Index{options.ns_steps}) * 2 * (2 * s * s * l + s * s * s);
  std::printf("%-22s %7.1f ms  %6.1f GFLOP/s of its products\n", name, 1e3 * median(steps),
              flops / median(steps) / 1e9);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const int turns = std::max(1, argc > 1 ? std::atoi(argv[1]) : 7);
  const std::string_view word = argc > 2 ? argv[2] : "";
  const std::vector<std::pair<const char*, Optimizer>> all = {
      {"SGD", SGD()},
      {"SGD, momentum", SGD({.momentum = 0.9})},
      {"RMSprop", RMSprop()},
      {"Adam", Adam()},
      {"AdamW", AdamW()},
      {"Adam, averages", Adam({.use_ema = true})},
      {"Nadam", Nadam()},
      {"Adamax", Adamax()},
      {"Adagrad", Adagrad()},
      {"Adadelta", Adadelta()},
      {"Ftrl", Ftrl()},
      {"Lion", Lion()},
      {"Lamb", Lamb()},
      {"Adafactor", Adafactor()},
      {"ScheduleFreeAdamW", ScheduleFreeAdamW()},
  };
  for (const auto& [name, optimizer] : all) {
    if (std::string_view(name).find(word) != std::string_view::npos) measure(name, optimizer, turns);
  }
  if (std::string_view("Muon").find(word) != std::string_view::npos) measure_products("Muon", MuonOptions{}, turns);
}
