// Keras's own names, so that a name that Rondo does not have yet is told apart from one that nobody has.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace rondo {

enum class NameKind {
  optimizer,
  schedule,
  loss,
  metric,
  activation,
  initializer,
  regularizer,
  constraint,
  layer,
  callback,
};

// The text about a name that is not among the `known` ones of its kind:
//   optimizer 'adan' is not known. Did you mean 'adam'? Known: 'adam', 'rmsprop', 'sgd'
//   optimizer 'nadam' is in Keras, but not in Rondo yet. Known: ...
//   loss 'accuracy' is not known: in Keras that is a metric. Known: ...
std::string unknown_name(NameKind kind, std::string_view given, std::span<const std::string> known);

}  // namespace rondo
