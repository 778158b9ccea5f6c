// Stream: a trained model one time step at a time, with its own state.
//
//   Stream stream = model.stream();
//   std::array<float, 2> x; std::array<float, 1> y;
//   while (read(x)) { stream.step(x, y); use(y); }
//
// After each step y is what predict would give for the whole sequence so far, to the bit (but a NaN's sign may be the
// other). step() allocates nothing, takes no lock and does not throw: it may run on an audio or control thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <rondo/shape.hpp>
#include <rondo/tensor.hpp>

namespace rondo {

struct StreamOptions {
  // "": the model's weights as they are. "bfloat16": LSTM layers read their weights, but not the bias, rounded to eight
  // significant bits. From about 100 units on a step takes as long as reading the weights, which are half as large
  // then; making floats of them again takes part of that back (an Intel Xeon with AVX-512: 1.2 times faster at 128
  // units, 1.25 at 256, 3 times at 512, where only the rounded weights fit the second cache). States come out with an
  // error of a few 1e-4 to 1e-3 (weights of ordinary size), so a step no longer has the bits of predict; sums, gates
  // and states stay float32, and the bits are still the same on every processor. The stream keeps rounded copies and
  // renews them when the weights change. For float32 models with an LSTM layer.
  std::string weights = {};
};

// The state belongs to the stream, the weights to the model: many streams of one model may run on as many threads, each
// stream on one thread at a time. A stream keeps its model alive; training the model while it steps is a data race. One
// that was moved from is empty: StateError for everything (but step and reset, which must not throw, end the program).
class Stream {
 public:
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  // Numbers per step that go in and come out, row-major where a step has several axes: samples of shape (4, 3, 2) are
  // four steps of 6 numbers.
  Index features() const;
  Index outputs() const;

  // One time step: x has features() numbers, y gets outputs(). Other sizes end the program with a message that names
  // both, because a stream must not throw; so does what a layer of
  // yours throws. Numbers of the other precision are converted.
  void step(std::span<const float> x, std::span<float> y) noexcept;
  void step(std::span<const double> x, std::span<double> y) noexcept;

  // The same for scripts and tests: x of shape (features,), y returned with the shape (outputs,) and the model's dtype.
  // ShapeError for another shape. It allocates: not for an audio thread.
  Tensor step(const Tensor& x);

  // Back to the state before the first step: zeros.
  void reset() noexcept;

  // h, and of an LSTM c, of every recurrent layer in order, each of shape (units,). set_state takes the same form;
  // ShapeError, and nothing changed, for another.
  std::vector<Tensor> state() const;
  void set_state(const std::vector<Tensor>& state);

 private:
  friend class Model;
  class Impl;
  explicit Stream(std::unique_ptr<Impl> impl);
  Impl& impl() const;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rondo
