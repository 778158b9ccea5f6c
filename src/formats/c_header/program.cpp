#include "formats/c_header/program.hpp"

#include <algorithm>
#include <cmath>

namespace rondo::c_header {

namespace {

// What is stored in 16 bits has room to spare for numbers a little larger than those that were seen; 8 bits have not.
constexpr double kRoom = 1.25;

}  // namespace

Program::Program(Precision precision, Index inputs) : precision_(precision) {
  output_ = add_buffer(inputs, Kind::signal, /*is_state=*/false);
}

Value Program::add_buffer(Index size, Kind kind, bool is_state) {
  Buffer buffer{.size = size, .kind = kind, .is_state = is_state, .layer = layers_.size()};
  buffer.largest.resize(static_cast<std::size_t>(size));
  buffer.formats.resize(static_cast<std::size_t>(size));
  buffers_.push_back(std::move(buffer));
  return {buffers_.size() - 1, 0, size};
}

Value Program::vector(Index size, Kind kind) { return add_buffer(size, kind, /*is_state=*/false); }
Value Program::state(Index size, Kind kind) { return add_buffer(size, kind, /*is_state=*/true); }

void Program::scale(const Value& x, std::vector<double> factor, std::vector<double> shift) {
  if (!operations_.empty() && operations_.back()->absorb(x, factor, shift)) return;
  put_off_[x.buffer] = {std::move(factor), std::move(shift)};
}

const Program::Affine* Program::put_off(const Value& x) const {
  const auto found = put_off_.find(x.buffer);
  return found == put_off_.end() ? nullptr : &found->second;
}

void Program::begin_layer(const std::string& title, const std::string& function, const Value& input) {
  layers_.push_back({title, function, operations_.size(), operations_.size(), input, input});
}

void Program::end_layer(const Value& output) {
  layers_.back().end = operations_.size();
  layers_.back().output = output;
}

void Program::look_at(Doubles& numbers) {
  for (std::size_t b = 0; b < buffers_.size(); ++b) {
    for (std::size_t i = 0; i < numbers.buffer(b).size(); ++i) {
      buffers_[b].largest[i] = std::max(buffers_[b].largest[i], std::abs(numbers.buffer(b)[i]));
    }
  }
}

std::int32_t Program::limit_of(Kind kind) const {
  return kind == Kind::signal && precision_ == Precision::int8 ? 127 : 32767;
}

double Program::largest(const Value& v) const {
  const auto begin = buffers_[v.buffer].largest.begin() + v.first;
  return *std::max_element(begin, begin + v.size);
}

void Program::set_format(const Value& v, const Format& format) {
  std::fill_n(buffers_[v.buffer].formats.begin() + v.first, v.size, format);
}

void Program::quantize() {
  for (std::size_t b = 0; b < buffers_.size(); ++b) {
    const Value all{b, 0, buffers_[b].size};
    const std::int32_t limit = limit_of(buffers_[b].kind);
    const double most = largest(all) * (limit > 127 ? kRoom : 1);
    set_format(all, {(most > 0 ? most : 1) / limit, limit});
  }
  for (const auto& operation : operations_) operation->choose_formats(*this);
  for (const auto& operation : operations_) operation->quantize(*this);
}

}  // namespace rondo::c_header
