#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include <rondo/tensor.hpp>

#include "core/dispatch.hpp"
#include "core/positions.hpp"
#include "core/sizes.hpp"

namespace rondo {

namespace {

std::atomic<DType> g_floatx{DType::float32};

// Of no elements all strides are 0: then no address is computed that is not there.
std::array<Index, Shape::kMaxRank> row_major_strides(const Shape& shape) {
  std::array<Index, Shape::kMaxRank> strides{};
  Index stride = shape.elements() == 0 ? 0 : 1;
  for (std::size_t i = shape.dims().size(); i-- > 0;) {
    strides[i] = stride;
    if (stride != 0) stride *= shape.dims()[i];
  }
  return strides;
}

template <class Vector>
using Element = typename std::decay_t<Vector>::value_type;

// Visits the elements of a view in row-major order.
template <class T, class F>
void for_each_element(const TensorView<T>& view, F&& f) {
  const std::span<const Index> dims = view.shape().dims();
  std::vector<Index> index(dims.size(), 0);
  const Index count = view.shape().elements();
  for (Index n = 0; n < count; ++n) {
    Index offset = 0;
    for (std::size_t a = 0; a < dims.size(); ++a) offset += index[a] * view.strides()[a];
    f(view.data()[offset]);
    for (std::size_t a = dims.size(); a-- > 0;) {
      if (++index[a] < dims[a]) break;
      index[a] = 0;
    }
  }
}

void require_element_count(const Shape& shape, std::size_t elements) {
  if (shape.elements() != static_cast<Index>(elements)) {
    throw ShapeError("Tensor: shape " + to_string(shape) + " holds " + std::to_string(shape.elements()) +
                     " elements, but " + std::to_string(elements) + " were given");
  }
}

}  // namespace

std::string_view to_string(DType dtype) { return dtype == DType::float32 ? "float32" : "float64"; }

DType dtype_from_string(std::string_view name) {
  if (name == "float32") return DType::float32;
  if (name == "float64") return DType::float64;
  throw ConfigError("dtype '" + std::string(name) + "' is not known; known are 'float32' and 'float64'");
}

DType floatx() { return g_floatx.load(std::memory_order_relaxed); }
void set_floatx(DType dtype) { g_floatx.store(dtype, std::memory_order_relaxed); }
void set_floatx(std::string_view name) { set_floatx(dtype_from_string(name)); }

// ---- TensorView ------------------------------------------------------------------------------------------------

template <class T>
TensorView<T>::TensorView(T* data, Shape shape)
    : data_(data), shape_(std::move(shape)), strides_(row_major_strides(shape_)) {}

template <class T>
TensorView<T>::TensorView(T* data, Shape shape, const std::vector<Index>& strides)
    : data_(data), shape_(std::move(shape)) {
  (void)shape_.elements();  // throws unless it is a tensor's
  if (strides.size() != shape_.dims().size()) {
    throw ShapeError("TensorView: " + std::to_string(strides.size()) + " strides for shape " + to_string(shape_) +
                     "; one for each axis is expected");
  }
  std::copy(strides.begin(), strides.end(), strides_.begin());
}

template <class T>
TensorView<T> TensorView<T>::slice(Index axis, Index begin, Index end, Index step) const {
  const Index size = shape_[axis];
  const auto a = static_cast<std::size_t>(axis < 0 ? axis + shape_.rank() : axis);
  const std::optional<Range> range = resolve_range(begin, end, size);
  if (!range || step < 1) {
    throw ShapeError("slice " + range_text(begin, end) + " with step " + std::to_string(step) + " does not fit axis " +
                     std::to_string(axis) + " of shape " + to_string(shape_));
  }
  const Index count = range->size() / step + (range->size() % step != 0 ? 1 : 0);
  TensorView view = *this;
  view.shape_ = shape_.with(axis, count);
  if (count > 0) view.data_ += range->begin * strides_[a];
  if (count > 1) view.strides_[a] *= step;
  return view;
}

template <class T>
TensorView<T> TensorView<T>::at(Index axis, Index index) const {
  const Index size = shape_[axis];
  const Index a = axis < 0 ? axis + shape_.rank() : axis;
  const std::optional<Index> position = resolve_position(index, size);
  if (!position) {
    throw ShapeError("index " + std::to_string(index) + " is outside axis " + std::to_string(axis) + " of shape " +
                     to_string(shape_));
  }
  std::vector<Index> dims(shape_.begin(), shape_.end());
  std::vector<Index> strides(this->strides().begin(), this->strides().end());
  dims.erase(dims.begin() + a);
  strides.erase(strides.begin() + a);
  return TensorView(data_ + *position * strides_[static_cast<std::size_t>(a)], Shape(dims), strides);
}

template <class T>
TensorView<T> TensorView<T>::transpose() const {
  const std::vector<Index> dims(shape_.dims().rbegin(), shape_.dims().rend());
  return TensorView(data_, Shape(dims), std::vector<Index>(strides().rbegin(), strides().rend()));
}

template <class T>
bool TensorView<T>::contiguous() const {
  if (shape_.elements() == 0) return true;
  const std::array<Index, Shape::kMaxRank> packed = row_major_strides(shape_);
  for (std::size_t a = 0; a < shape_.dims().size(); ++a) {
    if (shape_.dims()[a] > 1 && strides_[a] != packed[a]) return false;
  }
  return true;
}

template class TensorView<float>;
template class TensorView<const float>;
template class TensorView<double>;
template class TensorView<const double>;

// ---- Tensor ----------------------------------------------------------------------------------------------------

// The elements of every tensor that are not the caller's own vector come from here.
template <class T>
std::vector<T> Tensor::room_for(const Shape& shape) {
  const Index count = shape.elements();
  return allocating(
      Size(count).bytes(dtype_of<T>),
      [count] {
        std::vector<T> elements;
        elements.reserve(static_cast<std::size_t>(count));
        return elements;
      },
      [&] { return "a " + std::string(to_string(dtype_of<T>)) + " tensor of shape " + to_string(shape); });
}
template std::vector<float> Tensor::room_for(const Shape&);
template std::vector<double> Tensor::room_for(const Shape&);

Tensor::Tensor(Shape shape, DType dtype) : shape_(std::move(shape)) {
  core::with_type(dtype, [this]<class T>() {
    std::vector<T> elements = room_for<T>(shape_);
    elements.resize(static_cast<std::size_t>(shape_.elements()));
    elements_ = std::move(elements);
  });
}

Tensor::Tensor(Shape shape, std::vector<float> elements) : shape_(std::move(shape)) {
  require_element_count(shape_, elements.size());
  elements_ = std::move(elements);
}

Tensor::Tensor(Shape shape, std::vector<double> elements) : shape_(std::move(shape)) {
  require_element_count(shape_, elements.size());
  elements_ = std::move(elements);
}

Tensor::Tensor(std::initializer_list<Nested> elements) {
  std::vector<Index> dims;
  std::vector<double> flat;
  append(Nested(elements), 0, dims, flat);
  shape_ = Shape(dims);
  elements_ = std::move(flat);
}

Tensor& Tensor::operator=(Tensor&& other) noexcept {
  Tensor taken(std::move(other));  // first, so that a tensor moved to itself stays what it is
  shape_ = taken.shape_;
  elements_ = std::move(taken.elements_);
  return *this;
}

void Tensor::differ_in_length(const std::string& part, std::size_t length, const std::string& other,
                              std::size_t expected) {
  throw ShapeError("Tensor from vectors: " + part + " has " + std::to_string(length) + " elements, " + other + " has " +
                   std::to_string(expected) + "; a tensor is rectangular");
}

void Tensor::append(const Nested& level, std::size_t depth, std::vector<Index>& dims, std::vector<double>& out) const {
  if (level.leaf_) {
    if (depth != dims.size()) throw ShapeError("Tensor from nested lists: a number stands where a list is expected");
    out.push_back(level.value_);
    return;
  }
  const auto size = static_cast<Index>(level.children_.size());
  if (depth == dims.size() && out.empty()) {
    dims.push_back(size);
  } else if (depth >= dims.size() || dims[depth] != size) {
    throw ShapeError("Tensor from nested lists: the lists at depth " + std::to_string(depth + 1) +
                     " differ in length or depth; a tensor is rectangular");
  }
  for (const Nested& child : level.children_) append(child, depth + 1, dims, out);
}

template <class T>
  requires(std::same_as<std::remove_const_t<T>, float> || std::same_as<std::remove_const_t<T>, double>)
Tensor::Tensor(const TensorView<T>& view) : shape_(view.shape()) {
  std::vector<std::remove_const_t<T>> copy = room_for<std::remove_const_t<T>>(shape_);
  for_each_element(view, [&](T& e) { copy.push_back(e); });
  elements_ = std::move(copy);
}
template Tensor::Tensor(const TensorView<float>&);
template Tensor::Tensor(const TensorView<const float>&);
template Tensor::Tensor(const TensorView<double>&);
template Tensor::Tensor(const TensorView<const double>&);

template <class T>
std::span<const T> Tensor::data() const {
  const auto* elements = std::get_if<std::vector<T>>(&elements_);
  if (elements == nullptr) {
    throw ConfigError("Tensor::data: the elements are " + std::string(to_string(dtype())) + ", not " +
                      std::string(to_string(dtype_of<T>)) + "; convert with cast() first");
  }
  return *elements;
}

template <class T>
std::span<T> Tensor::data() {
  const std::span<const T> elements = std::as_const(*this).data<T>();
  return {const_cast<T*>(elements.data()), elements.size()};
}

template std::span<const float> Tensor::data<float>() const;
template std::span<const double> Tensor::data<double>() const;
template std::span<float> Tensor::data<float>();
template std::span<double> Tensor::data<double>();

std::size_t Tensor::offset(std::span<const Index> index) const {
  if (static_cast<Index>(index.size()) != rank()) {
    throw ShapeError("Tensor: " + std::to_string(index.size()) + " indices for shape " + to_string(shape_));
  }
  Index offset = 0;
  for (std::size_t a = 0; a < index.size(); ++a) {
    const Index size = shape_.dims()[a];
    const std::optional<Index> i = resolve_position(index[a], size);
    if (!i) {
      throw ShapeError("Tensor: index " + std::to_string(index[a]) + " is outside axis " + std::to_string(a) +
                       " of shape " + to_string(shape_));
    }
    offset = offset * size + *i;
  }
  return static_cast<std::size_t>(offset);
}

double Tensor::at(std::span<const Index> index) const {
  const std::size_t i = offset(index);
  return std::visit([i](const auto& e) { return static_cast<double>(e[i]); }, elements_);
}

void Tensor::set(std::span<const Index> index, double value) {
  const std::size_t i = offset(index);
  std::visit([&](auto& e) { e[i] = static_cast<Element<decltype(e)>>(value); }, elements_);
}

void Tensor::set(std::initializer_list<Dim> index, double value) {
  const std::vector<Index> plain(index.begin(), index.end());
  set(std::span<const Index>(plain), value);
}

Tensor Tensor::reshape(Shape shape) const& { return Tensor(*this).reshape(std::move(shape)); }

Tensor Tensor::reshape(Shape shape) && {
  const auto free_axis = std::find(shape.begin(), shape.end(), Shape::kUnknown);
  const bool infers = free_axis != shape.end();
  if (infers && std::find(free_axis + 1, shape.end(), Shape::kUnknown) != shape.end()) {
    throw ShapeError("reshape: " + to_string(shape) + " has more than one axis to be inferred (-1)");
  }
  const Index axis = free_axis - shape.begin();
  const Index asked = (infers ? shape.with(axis, 1) : shape).elements();
  const bool fits = infers ? asked > 0 && size() % asked == 0 : asked == size();
  if (!fits) {
    throw ShapeError("reshape: a tensor of shape " + to_string(shape_) + " (" + std::to_string(size()) +
                     " elements) cannot become " + to_string(shape) +
                     (infers ? "" : " (" + std::to_string(asked) + " elements)"));
  }
  shape_ = infers ? shape.with(axis, size() / asked) : shape;
  return std::move(*this);
}

Tensor Tensor::rows(Index begin, Index end) const {
  if (rank() == 0) throw ShapeError("rows: a scalar has no rows");
  const Index n = shape_[0];
  const std::optional<Range> range = resolve_range(begin, end, n);
  if (!range) {
    throw ShapeError("rows " + range_text(begin, end) + " are not in shape " + to_string(shape_));
  }
  const Index per_row = n == 0 ? 0 : size() / n;
  return std::visit(
      [&](const auto& e) {
        const Shape shape = shape_.with(0, range->size());
        auto part = room_for<Element<decltype(e)>>(shape);
        part.assign(e.begin() + range->begin * per_row, e.begin() + range->end * per_row);
        return Tensor(shape, std::move(part));
      },
      elements_);
}

Tensor Tensor::columns(Index begin, Index end) const {
  if (rank() < 2) {
    throw ShapeError("columns: shape " + to_string(shape_) + " has none; two axes or more are expected");
  }
  if (!resolve_range(begin, end, shape_.back())) {
    throw ShapeError("columns " + range_text(begin, end) + " are not in the last axis of shape " + to_string(shape_));
  }
  return core::with_type(dtype(), [&]<class T>() { return Tensor(view<T>().slice(-1, begin, end)); });
}

Tensor Tensor::cast(DType dtype) const {
  return core::with_type(dtype, [this]<class T>() {
    std::vector<T> copy = room_for<T>(shape_);
    std::visit([&](const auto& e) { copy.assign(e.begin(), e.end()); }, elements_);
    return Tensor(shape_, std::move(copy));
  });
}

std::vector<double> Tensor::to_vector() const {
  std::vector<double> copy = room_for<double>(shape_);
  std::visit([&](const auto& e) { copy.assign(e.begin(), e.end()); }, elements_);
  return copy;
}

bool Tensor::identical(const Tensor& other) const {
  if (shape_ != other.shape_ || dtype() != other.dtype()) return false;
  return std::visit(
      [&](const auto& e) {
        const auto& o = std::get<std::decay_t<decltype(e)>>(other.elements_);
        return e.empty() || std::memcmp(e.data(), o.data(), e.size() * sizeof(e[0])) == 0;
      },
      elements_);
}

std::vector<Index> argmax(const Tensor& tensor) {
  if (tensor.rank() == 0 || tensor.shape().back() == 0) {
    throw ShapeError("argmax: shape " + to_string(tensor.shape()) + " has no last axis to search");
  }
  const Index width = tensor.shape().back();
  const std::vector<double> values = tensor.to_vector();
  std::vector<Index> result;
  for (auto row = values.begin(); row != values.end(); row += width) {
    // NaN counts as largest, as in NumPy.
    const auto less = [](double a, double b) { return a < b || (std::isnan(b) && !std::isnan(a)); };
    result.push_back(std::max_element(row, row + width, less) - row);
  }
  return result;
}

}  // namespace rondo
