#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include <rondo/tensor.hpp>

namespace rondo {

namespace {

std::atomic<DType> g_floatx{DType::float32};

std::vector<Index> row_major_strides(const Shape& shape) {
  std::vector<Index> strides(static_cast<std::size_t>(shape.rank()));
  Index stride = 1;
  for (std::size_t i = strides.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape.dims()[i];
  }
  return strides;
}

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
TensorView<T> TensorView<T>::slice(Index axis, Index begin, Index end, Index step) const {
  const Index size = shape_[axis];
  const std::size_t a = static_cast<std::size_t>(axis < 0 ? axis + shape_.rank() : axis);
  if (end == Shape::kUnknown) end = size;
  if (begin < 0 || end < begin || end > size || step < 1) {
    throw ShapeError("slice [" + std::to_string(begin) + ", " + std::to_string(end) + ") with step " +
                     std::to_string(step) + " does not fit axis " + std::to_string(axis) + " of shape " +
                     to_string(shape_));
  }
  TensorView view = *this;
  view.data_ += begin * strides_[a];
  view.shape_ = shape_.with(axis, (end - begin + step - 1) / step);
  view.strides_[a] *= step;
  return view;
}

template <class T>
TensorView<T> TensorView<T>::at(Index axis, Index index) const {
  const Index size = shape_[axis];
  const Index a = axis < 0 ? axis + shape_.rank() : axis;
  if (index < 0 || index >= size) {
    throw ShapeError("index " + std::to_string(index) + " is outside axis " + std::to_string(axis) + " of shape " +
                     to_string(shape_));
  }
  std::vector<Index> dims(shape_.begin(), shape_.end());
  std::vector<Index> strides = strides_;
  dims.erase(dims.begin() + a);
  strides.erase(strides.begin() + a);
  return TensorView(data_ + index * strides_[static_cast<std::size_t>(a)], Shape(dims), std::move(strides));
}

template <class T>
TensorView<T> TensorView<T>::transpose() const {
  const std::vector<Index> dims(shape_.dims().rbegin(), shape_.dims().rend());
  std::vector<Index> strides(strides_.rbegin(), strides_.rend());
  return TensorView(data_, Shape(dims), std::move(strides));
}

template <class T>
bool TensorView<T>::contiguous() const {
  return strides_ == row_major_strides(shape_);
}

template class TensorView<float>;
template class TensorView<const float>;
template class TensorView<double>;
template class TensorView<const double>;

// ---- Tensor ----------------------------------------------------------------------------------------------------

Tensor::Tensor(Shape shape, DType dtype) : shape_(std::move(shape)) {
  const auto n = static_cast<std::size_t>(shape_.elements());
  if (dtype == DType::float32) {
    elements_ = std::vector<float>(n);
  } else {
    elements_ = std::vector<double>(n);
  }
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
  std::vector<std::remove_const_t<T>> copy;
  copy.reserve(static_cast<std::size_t>(shape_.elements()));
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
    const Index i = index[a] < 0 ? index[a] + size : index[a];
    if (i < 0 || i >= size) {
      throw ShapeError("Tensor: index " + std::to_string(index[a]) + " is outside axis " + std::to_string(a) +
                       " of shape " + to_string(shape_));
    }
    offset = offset * size + i;
  }
  return static_cast<std::size_t>(offset);
}

double Tensor::at(std::span<const Index> index) const {
  const std::size_t i = offset(index);
  return std::visit([i](const auto& e) { return static_cast<double>(e[i]); }, elements_);
}

void Tensor::set(std::span<const Index> index, double value) {
  const std::size_t i = offset(index);
  std::visit([&](auto& e) { e[i] = static_cast<typename std::decay_t<decltype(e)>::value_type>(value); }, elements_);
}

void Tensor::set(std::initializer_list<Dim> index, double value) {
  const std::vector<Index> plain(index.begin(), index.end());
  set(std::span<const Index>(plain), value);
}

Tensor Tensor::reshape(Shape shape) const& { return Tensor(*this).reshape(std::move(shape)); }

Tensor Tensor::reshape(Shape shape) && {
  Index known = 1;
  Index free_axis = -1;
  for (Index a = 0; a < shape.rank(); ++a) {
    const Index size = shape[a];
    if (size >= 0) {
      known *= size;
    } else if (size == Shape::kUnknown && free_axis < 0) {
      free_axis = a;
    } else {
      throw ShapeError("reshape: " + to_string(shape) + " has more than one free axis (-1)");
    }
  }
  const bool fits = free_axis < 0 ? known == size() : known > 0 && size() % known == 0;
  if (!fits) {
    throw ShapeError("reshape: a tensor of shape " + to_string(shape_) + " (" + std::to_string(size()) +
                     " elements) cannot become " + to_string(shape) +
                     (free_axis < 0 ? " (" + std::to_string(known) + " elements)" : ""));
  }
  shape_ = free_axis < 0 ? std::move(shape) : shape.with(free_axis, size() / known);
  return std::move(*this);
}

Tensor Tensor::rows(Index begin, Index end) const {
  if (rank() == 0) throw ShapeError("rows: a scalar has no rows");
  const Index n = shape_[0];
  const Index first = begin < 0 ? begin + n : begin;
  const Index last = end < 0 ? end + n : end;
  if (first < 0 || last < first || last > n) {
    throw ShapeError("rows [" + std::to_string(begin) + ", " + std::to_string(end) + ") are not in shape " +
                     to_string(shape_));
  }
  const Index per_row = n == 0 ? 0 : size() / n;
  return std::visit(
      [&](const auto& e) {
        using Vector = std::decay_t<decltype(e)>;
        return Tensor(shape_.with(0, last - first), Vector(e.begin() + first * per_row, e.begin() + last * per_row));
      },
      elements_);
}

Tensor Tensor::cast(DType dtype) const {
  return std::visit(
      [&](const auto& e) {
        return dtype == DType::float32 ? Tensor(shape_, std::vector<float>(e.begin(), e.end()))
                                       : Tensor(shape_, std::vector<double>(e.begin(), e.end()));
      },
      elements_);
}

std::vector<double> Tensor::to_vector() const {
  return std::visit([](const auto& e) { return std::vector<double>(e.begin(), e.end()); }, elements_);
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
