#include <rondo/error.hpp>
#include <rondo/shape.hpp>

#include "core/sizes.hpp"

namespace rondo {

Shape::Shape(std::initializer_list<Dim> dims) {
  for (const Dim& d : dims) *this = append(d);
}

Shape::Shape(std::span<const Index> dims) {
  for (const Index d : dims) *this = append(d);
}

Index Shape::operator[](Index i) const {
  const Index axis = i < 0 ? i + rank() : i;
  if (axis < 0 || axis >= rank()) {
    throw ShapeError("axis " + std::to_string(i) + " of shape " + to_string(*this) + " does not exist; it has " +
                     std::to_string(rank()) + " axes");
  }
  return dims_[static_cast<std::size_t>(axis)];
}

Index Shape::elements() const {
  for (const Index d : dims()) {
    if (d == kUnknown) throw ShapeError("shape " + to_string(*this) + " has an unknown axis, so its size is not known");
    if (d < 0) {
      throw ShapeError("shape " + to_string(*this) + " has an axis of size " + std::to_string(d) +
                       "; the sizes of a tensor's axes are 0 or more");
    }
  }
  const Size product = Size::product(dims());
  return product.known() ? product.count("") : product.count("the elements of a tensor of shape " + to_string(*this));
}

bool Shape::fully_known() const {
  for (const Index d : dims()) {
    if (d < 0) return false;
  }
  return true;
}

Shape Shape::from(Index first) const {
  if (first < 0 || first > rank()) (void)(*this)[first];  // throws with the usual text
  return Shape(dims().subspan(static_cast<std::size_t>(first)));
}

Shape Shape::with(Index axis, Index size) const {
  (void)(*this)[axis];
  Shape copy = *this;
  copy.dims_[static_cast<std::size_t>(axis < 0 ? axis + rank() : axis)] = size;
  return copy;
}

Shape Shape::without_last() const {
  (void)back();
  return Shape(dims().first(static_cast<std::size_t>(rank_ - 1)));
}

Shape Shape::append(Index size) const {
  if (rank_ == kMaxRank) throw ShapeError("a tensor has at most " + std::to_string(kMaxRank) + " axes");
  Shape copy = *this;
  copy.dims_[static_cast<std::size_t>(copy.rank_++)] = size;
  return copy;
}

Shape Shape::prepend(Index size) const {
  Shape copy = Shape{size};
  for (const Index d : dims()) copy = copy.append(d);
  return copy;
}

std::string to_string(const Shape& shape) {
  std::string text = "(";
  for (Index i = 0; i < shape.rank(); ++i) {
    if (i > 0) text += ", ";
    text += shape[i] == Shape::kUnknown ? "None" : std::to_string(shape[i]);
  }
  if (shape.rank() == 1) text += ',';
  return text + ")";
}

}  // namespace rondo
