// Data for models with several inputs, labels for several outputs.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <rondo/tensor.hpp>

namespace rondo {

// Data for a model with several inputs, in the order of its inputs, or by their names:
//
//   model.fit(Inputs{words, numbers}, y);
//   model.predict(Inputs{{"words", words}, {"numbers", numbers}});
//
// Each has one row a sample. Labels for several outputs are given alike, as Outputs.
class Inputs {
 public:
  Inputs(Tensor only) { tensors_.push_back(std::move(only)); }
  Inputs(std::initializer_list<Tensor> tensors) : tensors_(tensors) {}
  explicit Inputs(std::vector<Tensor> tensors) : tensors_(std::move(tensors)) {}
  Inputs(std::initializer_list<std::pair<const char*, Tensor>> named);

  const std::vector<Tensor>& tensors() const { return tensors_; }
  // One of them, by its place. std::out_of_range outside.
  Tensor& tensor(std::size_t place) { return tensors_.at(place); }
  // As many as tensors, or none.
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<Tensor> tensors_;
  std::vector<std::string> names_;
};

// Labels for a model with several outputs, in their order or by the names of the layers that make them.
using Outputs = Inputs;

}  // namespace rondo
