// Rondo as one runner of a race.
//
//   race_worker [target]      target: AVX3, AVX2, SSE4 or SCALAR; default the best
//
// It speaks the line protocol (line_protocol.hpp), L being LSTM layers under Dense(1). Modes, per iteration:
//
//   train     one training step inside a long fit over many batches (Adam, mean squared error)
//   trainbf16 the same under the policy mixed_bfloat16
//   gru       the same with GRU layers in place of LSTM; also gruinfer and grustream
//   recompute the same with LSTM(..., {.recompute = true})
//   dropout   the same with LSTM(..., {.dropout = 0.2, .recurrent_dropout = 0.2})
//   epoch1    one epoch of one batch inside a long fit
//   fitcall   one call of fit: an epoch of 24 samples, one at a time, not shuffled
//   newfit    one new model with a fit of 1000 epochs of one batch
//   infer     predict_into of one batch
//   stream     one step of a Stream of the LSTM alone
//   streambf16 the same with bfloat16 weights
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include <rondo/rondo.hpp>

#include "line_protocol.hpp"

using namespace rondo;
using benchmarks::Setup;

namespace {

Tensor random_tensor(Shape shape, std::uint32_t stream) {
  const RandomStream random(1, Purpose::user, stream);
  Tensor t = Tensor::zeros(shape, DType::float32);
  std::uint64_t i = 0;
  for (float& v : t.data<float>()) v = static_cast<float>(random.uniform(i++) - 0.5);
  return t;
}

class RondoRunner : public benchmarks::Runner {
 public:
  explicit RondoRunner(const Setup& setup) : s_(setup), gru_(setup.mode.starts_with("gru")) {
    const Setup& s = s_;
    set_num_threads(s.threads);
    if (s_.mode == "gru") s_.mode = "train";
    if (gru_) s_.mode = s_.mode.substr(s_.mode == "train" ? 0 : 3);
    const Index samples = s.mode == "fitcall" ? 24 : s.batch * (trains() ? batches_per_epoch() : 1);
    X_ = random_tensor({samples, s.steps, s.features}, 1);
    y_ = random_tensor({samples, 1}, 2);
    model_ = make_model();
    if (streams()) {
      const Sequential layer{Input({1, s.features}), recurrent({})};
      stream_.emplace(layer.stream({.weights = s.mode == "streambf16" ? "bfloat16" : ""}));
      y_ = Tensor::zeros({s.units}, DType::float32);
    } else if (s.mode == "infer") {
      out_ = model_.predict(X_, {.batch_size = s.batch, .verbose = 0});
    } else if (!trains() && s.mode != "epoch1" && s.mode != "fitcall" && s.mode != "newfit") {
      throw ConfigError("unknown mode '" + s.mode + "'");
    }
  }

  double run(Index n) override {
    const auto start = benchmarks::Clock::now();
    const Index done = work(n);
    return benchmarks::seconds_since(start) / static_cast<double>(done);
  }

 private:
  bool streams() const { return s_.mode == "stream" || s_.mode == "streambf16"; }
  bool trains() const {
    return s_.mode == "train" || s_.mode == "trainbf16" || s_.mode == "recompute" || s_.mode == "dropout";
  }

  // Enough batches that an epoch's own cost vanishes beside its steps, unless a step is long anyway.
  Index batches_per_epoch() const {
    const double flops =
        24.0 * static_cast<double>(s_.batch * s_.steps * s_.layers * s_.units * (s_.features + s_.units));
    return flops > 1e9 ? 2 : flops > 1e7 ? 16 : 256;
  }

  Layer recurrent(const LSTMOptions& o) const {
    if (!gru_) return LSTM(s_.units, o);
    return GRU(s_.units, {.return_sequences = o.return_sequences, .input_shape = o.input_shape});
  }

  Sequential make_model() const {
    Sequential model;
    for (Index l = 0; l < s_.layers; ++l) {
      LSTMOptions options{.return_sequences = l + 1 < s_.layers};
      if (s_.mode == "trainbf16") options.dtype = "mixed_bfloat16";
      options.recompute = s_.mode == "recompute";
      if (s_.mode == "dropout") options.dropout = options.recurrent_dropout = 0.2;
      if (l == 0) options.input_shape = {s_.steps, s_.features};
      model.add(recurrent(options));
    }
    model.add(Dense(1));
    model.compile({.optimizer = "adam", .loss = "mse"});
    return model;
  }

  Index work(Index n) {
    if (streams()) {
      const std::span<const float> x = std::as_const(X_).data<float>().first(static_cast<std::size_t>(s_.features));
      const std::span<float> y = y_.data<float>();
      for (Index i = 0; i < n; ++i) stream_->step(x, y);
      return n;
    }
    if (s_.mode == "infer") {
      for (Index i = 0; i < n; ++i) model_.predict_into(X_, out_, s_.batch);
      return n;
    }
    if (s_.mode == "fitcall") {
      for (Index i = 0; i < n; ++i) model_.fit(X_, y_, {.batch_size = 1, .verbose = 0, .shuffle = false});
      return n;
    }
    if (s_.mode == "newfit") {
      for (Index i = 0; i < n; ++i) make_model().fit(X_, y_, {.batch_size = s_.batch, .epochs = 1000, .verbose = 0});
      return n;
    }
    const Index steps = X_.shape()[0] / s_.batch, epochs = (n + steps - 1) / steps;
    model_.fit(X_, y_, {.batch_size = s_.batch, .epochs = epochs, .verbose = 0});
    return epochs * steps;
  }

  Setup s_;
  bool gru_;
  Tensor X_, y_, out_;
  Sequential model_;
  std::optional<Stream> stream_;
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc > 1) set_simd_target(argv[1]);
  benchmarks::serve([](const Setup& s) { return std::make_unique<RondoRunner>(s); });
} catch (const Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
