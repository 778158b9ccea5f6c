// Program: what a model computes in one time step, as a short list of operations on vectors.
//
// Layers write themselves as operations (layers.hpp); an operation knows what it computes in doubles, in integers and
// as C text. So a new layer is one function, and all that is said of a header, its errors and the steps of its
// self-test, comes from walking the program here.
//
// Integers: each number of a vector stands for `unit` times itself and lies within +-limit. Units follow from the
// largest numbers that a walk in doubles has seen, or from the operation that reads the vector.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <rondo/shape.hpp>

namespace rondo::c_header {

enum class Precision { float32, int16x8, int8 };

// A vector, or a part of one.
struct Value {
  std::size_t buffer = 0;
  Index first = 0, size = 0;

  Value part(Index from, Index count) const { return {buffer, first + from, count}; }
};

enum class Kind {
  signal,  // between layers, and what is multiplied with weights: 8 or 16 bits
  fine,    // always 16 bits
  sums,    // of products: 16 bits, or kTableLimit where a table is read with them
};

struct Format {
  double unit = 1;
  std::int32_t limit = 32767;
  bool operator==(const Format&) const = default;
};

struct Buffer {
  Index size = 0;
  Kind kind = Kind::signal;
  bool is_state = false;
  std::size_t layer = 0;             // which made it
  std::vector<double> largest = {};  // of each number, as seen in doubles
  std::vector<Format> formats = {};  // of each number
};

// The numbers of all buffers.
template <class T>
class Numbers {
 public:
  explicit Numbers(const std::vector<Buffer>& buffers) {
    for (const Buffer& b : buffers) of_.emplace_back(static_cast<std::size_t>(b.size), T{0});
  }
  T* at(const Value& v) { return of_[v.buffer].data() + v.first; }
  std::vector<T>& buffer(std::size_t i) { return of_[i]; }

 private:
  std::vector<std::vector<T>> of_;
};

using Doubles = Numbers<double>;
using Integers = Numbers<std::int32_t>;

class Program;
class Source;

class Operation {
 public:
  virtual ~Operation() = default;
  virtual void run(Doubles& numbers) const = 0;
  // Asks for formats other than those of the largest numbers.
  virtual void choose_formats(Program&) const {}
  // Makes the integers that it computes with, once all formats stand.
  virtual void quantize(const Program& program) = 0;
  virtual void run(Integers& numbers) const = 0;
  virtual void write_floats(Source& source) const = 0;
  virtual void write_integers(Source& source) const = 0;
  // Makes what it writes to `output` larger by factors and shifts it, if it can do so for nothing.
  virtual bool absorb(const Value& /*output*/, const std::vector<double>& /*factor*/,
                      const std::vector<double>& /*shift*/) {
    return false;
  }
};

// A layer that computes something: operations [begin, end).
struct LayerPart {
  std::string title;     // "LSTM 'lstm': 10 units"
  std::string function;  // "lstm1"
  std::size_t begin = 0, end = 0;
  Value input, output;
};

class Program {
 public:
  Program(Precision precision, Index inputs);

  Precision precision() const { return precision_; }
  bool in_integers() const { return precision_ != Precision::float32; }
  Value input() const { return {0, 0, buffers_.front().size}; }

  // ---- for layers ----
  Value vector(Index size, Kind kind);
  Value state(Index size, Kind kind);
  void add(std::unique_ptr<Operation> operation) { operations_.push_back(std::move(operation)); }
  // x becomes x * factor + shift: in the operation that has just made it, or in the next one that reads it.
  void scale(const Value& x, std::vector<double> factor, std::vector<double> shift);
  struct Affine {
    std::vector<double> factor, shift;
  };
  // What whoever reads x has to do first; null if nothing.
  const Affine* put_off(const Value& x) const;

  void begin_layer(const std::string& title, const std::string& function, const Value& input);
  void end_layer(const Value& output);

  // ---- the whole ----
  const std::vector<Buffer>& buffers() const { return buffers_; }
  const std::vector<LayerPart>& layers() const { return layers_; }
  const Operation& operation(std::size_t i) const { return *operations_[i]; }
  Value output() const { return output_; }
  void set_output(const Value& output) { output_ = output; }

  template <class T>
  void step(Numbers<T>& numbers) const {
    for (const auto& operation : operations_) operation->run(numbers);
  }
  // Remembers how large the numbers are.
  void look_at(Doubles& numbers);
  // Formats from what was seen, then the integers of all operations.
  void quantize();

  Format format(const Value& v) const { return buffers_[v.buffer].formats[static_cast<std::size_t>(v.first)]; }
  Format format(const Value& v, Index i) const {
    return buffers_[v.buffer].formats[static_cast<std::size_t>(v.first + i)];
  }
  double largest(const Value& v) const;
  bool is_sums(const Value& v) const { return buffers_[v.buffer].kind == Kind::sums; }
  bool is_fine(const Value& v) const { return buffers_[v.buffer].kind == Kind::fine; }
  void set_format(const Value& v, const Format& format);

 private:
  Value add_buffer(Index size, Kind kind, bool is_state);
  std::int32_t limit_of(Kind kind) const;

  Precision precision_;
  std::vector<Buffer> buffers_;
  std::vector<std::unique_ptr<Operation>> operations_;
  std::vector<LayerPart> layers_;
  std::map<std::size_t, Affine> put_off_;
  Value output_;
};

}  // namespace rondo::c_header
