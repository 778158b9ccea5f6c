// PyTorch from C++: LSTM layers under a Linear head, mean squared error, Adam, as in torch_worker.py without Python.
//
// Built by `./dev bench --peers` with the headers and libraries that PyTorch's Python package carries. Modes: train and
// epoch1 (both one step), fitcall (24 steps), newfit (a new model and 1000 steps), infer, stream (one LSTM step).
#include <cstdlib>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <torch/torch.h>
#include <vector>

#include "line_protocol.hpp"

using rondo::Index;
using rondo::benchmarks::Setup;

namespace {

struct NetImpl : torch::nn::Module {
  explicit NetImpl(const Setup& s)
      : lstm(register_module(
            "lstm",
            torch::nn::LSTM(torch::nn::LSTMOptions(s.features, s.units).num_layers(s.layers).batch_first(true)))),
        head(register_module("head", torch::nn::Linear(s.units, 1))) {}
  torch::Tensor forward(const torch::Tensor& x) { return head(std::get<0>(lstm(x)).select(1, x.size(1) - 1)); }

  torch::nn::LSTM lstm;
  torch::nn::Linear head;
};
TORCH_MODULE(Net);

class Training {
 public:
  explicit Training(const Setup& s)
      : net_(s),
        adam_(net_->parameters(), torch::optim::AdamOptions(1e-3)),
        x_(torch::rand({s.batch, s.steps, s.features})),
        y_(torch::rand({s.batch, 1})) {}

  void steps(Index n) {
    for (Index i = 0; i < n; ++i) {
      adam_.zero_grad();
      torch::mse_loss(net_(x_), y_).backward();
      adam_.step();
    }
  }

 private:
  Net net_;
  torch::optim::Adam adam_;
  torch::Tensor x_, y_;
};

class TorchRunner : public rondo::benchmarks::Runner {
 public:
  explicit TorchRunner(const Setup& s) : s_(s) {
    torch::manual_seed(1);
    if (s.mode == "train" || s.mode == "epoch1" || s.mode == "fitcall") {
      training_ = std::make_unique<Training>(s);
    } else if (s.mode == "infer") {
      net_ = Net(s);
      net_->eval();
      x_ = torch::rand({s.batch, s.steps, s.features});
    } else if (s.mode == "stream") {
      cell_ = torch::nn::LSTMCell(s.features, s.units);
      x_ = torch::rand({1, s.features});
      state_ = {torch::zeros({1, s.units}), torch::zeros({1, s.units})};
    } else if (s.mode != "newfit") {
      throw std::invalid_argument("no mode '" + s.mode + "'");
    }
  }

  double run(Index n) override {
    const auto start = rondo::benchmarks::Clock::now();
    for (Index i = 0; i < n; ++i) iterate();
    return rondo::benchmarks::seconds_since(start) / static_cast<double>(n);
  }

 private:
  void iterate() {
    if (training_ != nullptr) return training_->steps(s_.mode == "fitcall" ? 24 : 1);
    if (s_.mode == "newfit") return Training(s_).steps(1000);
    const c10::InferenceMode guard;
    if (s_.mode == "infer") {
      net_(x_);
    } else {
      state_ = cell_(x_, state_);
    }
  }

  Setup s_;
  std::unique_ptr<Training> training_;
  Net net_ = nullptr;
  torch::nn::LSTMCell cell_ = nullptr;
  torch::Tensor x_;
  std::tuple<torch::Tensor, torch::Tensor> state_;
};

}  // namespace

int main() {
  const char* threads = std::getenv("PEER_THREADS");
  at::set_num_threads(threads == nullptr ? 1 : std::atoi(threads));
  rondo::benchmarks::serve([](const Setup& s) { return std::make_unique<TorchRunner>(s); });
}
