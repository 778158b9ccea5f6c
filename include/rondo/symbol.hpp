// Symbol: a tensor that does not exist yet, for models that are graphs.
//
//   Input in({30, 8});
//   auto [sequence, h, c] = LSTM(64, {.return_sequences = true, .return_state = true})(in).unpack<3>();
//   Model model({in}, {Dense(1)(sequence)});
//
// Calling a layer with symbols makes its weights and returns the symbols of its outputs; nothing is computed. A layer
// that is called twice has its weights once. A graph holds its layers; a layer knows nothing of the graphs it is in, so
// that a graph that nobody holds any more is gone.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <rondo/dtype_policy.hpp>
#include <rondo/shape.hpp>

namespace rondo {

namespace graph {
struct Call;
}

// Copies are the same symbol. Safe to read from several threads.
class Symbol {
 public:
  // The batch shape, with an unknown number of rows: (None, 30, 64).
  Shape shape() const;
  DType dtype() const;
  // The layer whose output this is.
  const std::string& layer_name() const;

  // What made it and which of its outputs it is; for Rondo's own rooms.
  Symbol(std::shared_ptr<const graph::Call> call, std::size_t output) : call_(std::move(call)), output_(output) {}
  const std::shared_ptr<const graph::Call>& call() const { return call_; }
  std::size_t output() const { return output_; }

 private:
  std::shared_ptr<const graph::Call> call_;
  std::size_t output_;
};

// What a layer returns for symbols: the symbols of its outputs, usually one, which it then stands for.
class Symbols {
 public:
  explicit Symbols(std::vector<Symbol> all) : all_(std::move(all)) {}

  // ShapeError unless there is exactly one.
  operator Symbol() const;
  std::size_t size() const { return all_.size(); }
  // ShapeError for a number beyond the last.
  Symbol operator[](std::size_t i) const;
  // All of them: auto [y, h, c] = layer(x).unpack<3>(). ShapeError unless there are N.
  template <std::size_t N>
  std::array<Symbol, N> unpack() const {
    require(N);
    return take(std::make_index_sequence<N>());
  }

  auto begin() const { return all_.begin(); }
  auto end() const { return all_.end(); }

 private:
  void require(std::size_t count) const;
  template <std::size_t... kNumbers>
  std::array<Symbol, sizeof...(kNumbers)> take(std::index_sequence<kNumbers...>) const {
    return {all_[kNumbers]...};
  }

  std::vector<Symbol> all_;
};

}  // namespace rondo
