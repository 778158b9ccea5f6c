#include <algorithm>
#include <mutex>
#include <utility>

#include <rondo/error.hpp>
#include <rondo/rows.hpp>

#include "core/dispatch.hpp"
#include "core/permutation.hpp"
#include "data/rows_impl.hpp"

namespace rondo {

namespace {

using detail::RowsImpl;
using detail::TypedRows;
using Impl = std::shared_ptr<const RowsImpl>;

// ---- kinds of rows --------------------------------------------------------------------------------------------------

class TensorRows final : public TypedRows<TensorRows> {
 public:
  explicit TensorRows(const Tensor& tensor)
      : TypedRows(tensor.shape()[0], tensor.shape().from(1), tensor.dtype()), tensor_(tensor) {}

  template <class T>
  void copy(Index first, Index count, T* to) const {
    core::with_elements(tensor_, [&](auto all) {
      const auto from = all.begin() + first * elements();
      std::transform(from, from + count * elements(), to, [](auto v) { return static_cast<T>(v); });
    });
  }

 private:
  Tensor tensor_;
};

class WindowRows final : public TypedRows<WindowRows> {
 public:
  WindowRows(Impl series, const WindowOptions& options, Index count)
      : TypedRows(count, series->sample().prepend(options.length), series->dtype()),
        series_(std::move(series)),
        options_(options) {}

  template <class T>
  void copy(Index first, Index count, T* to) const {
    const Index step = series_->elements();
    for (Index window = first; window < first + count; ++window) {
      const Index begin = window * options_.stride;
      if (options_.sampling_rate == 1) {
        series_->read(begin, options_.length, to);
        to += options_.length * step;
        continue;
      }
      for (Index i = 0; i < options_.length; ++i, to += step) series_->read(begin + i * options_.sampling_rate, 1, to);
    }
  }

 private:
  Impl series_;
  WindowOptions options_;
};

class JoinedRows final : public TypedRows<JoinedRows> {
 public:
  JoinedRows(std::vector<Impl> parts, Index count)
      : TypedRows(count, parts.front()->sample(), parts.front()->dtype()), parts_(std::move(parts)) {}

  template <class T>
  void copy(Index first, Index count, T* to) const {
    for (const Impl& part : parts_) {
      if (first < part->count()) {
        const Index here = std::min(count, part->count() - first);
        part->read(first, here, to);
        to += here * elements();
        count -= here;
        if (count == 0) return;
        first += here;
      }
      first -= part->count();
    }
  }

 private:
  std::vector<Impl> parts_;
};

class SliceRows final : public TypedRows<SliceRows> {
 public:
  SliceRows(Impl rows, Index begin, Index count)
      : TypedRows(count, rows->sample(), rows->dtype()), rows_(std::move(rows)), begin_(begin) {}

  template <class T>
  void copy(Index first, Index count, T* to) const {
    rows_->read(begin_ + first, count, to);
  }

 private:
  Impl rows_;
  Index begin_;
};

class GeneratedRows final : public TypedRows<GeneratedRows> {
 public:
  using Make = std::function<void(Index number, std::span<double> row)>;
  GeneratedRows(Index count, const Shape& sample, Make make)
      : TypedRows(count, sample, DType::float64), make_(std::move(make)), row_(static_cast<std::size_t>(elements())) {}

  template <class T>
  void copy(Index first, Index count, T* to) const {
    const std::lock_guard lock(mutex_);
    for (Index i = first; i < first + count; ++i) {
      std::fill(row_.begin(), row_.end(), 0.0);
      make_(i, row_);
      to = std::transform(row_.begin(), row_.end(), to, [](double v) { return static_cast<T>(v); });
    }
  }

 private:
  Make make_;
  mutable std::mutex mutex_;
  mutable std::vector<double> row_;
};

void require_at_least_1(const char* option, Index value) {
  if (value >= 1) return;
  throw ConfigError(std::string(option) + " is " + std::to_string(value) + "; it must be 1 or more");
}

}  // namespace

// ---- making them ----------------------------------------------------------------------------------------------------

Rows::Rows(const Tensor& tensor) {
  if (tensor.rank() < 1) throw ShapeError("rows of a scalar; give a tensor whose first axis are the rows");
  impl_ = std::make_shared<TensorRows>(tensor);
}

Rows Rows::npy(const std::string& path) { return Rows(detail::npy_rows(path)); }

Rows Rows::csv(const std::string& path, const std::vector<std::string>& columns, const CsvOptions& options) {
  return Rows(detail::csv_rows(path, columns, options));
}

Rows Rows::windows(const Rows& series, const WindowOptions& options) {
  require_at_least_1("windows: length", options.length);
  require_at_least_1("windows: stride", options.stride);
  require_at_least_1("windows: sampling_rate", options.sampling_rate);
  // The first row of the last window that fits; divided first, so that nothing overflows.
  const bool fits = (series.count() - 1) / options.sampling_rate >= options.length - 1 && series.count() > 0;
  if (!fits) {
    throw ShapeError("windows: " + std::to_string(series.count()) + " rows hold no window of " +
                     std::to_string(options.length) + " rows, of which one is taken every " +
                     std::to_string(options.sampling_rate));
  }
  const Index last = series.count() - 1 - (options.length - 1) * options.sampling_rate;
  return Rows(std::make_shared<WindowRows>(series.impl_, options, last / options.stride + 1));
}

Rows Rows::joined(const std::vector<Rows>& parts) {
  if (parts.empty()) throw ConfigError("joined: no rows were given");
  std::vector<Impl> impls;
  Index count = 0;
  for (const Rows& part : parts) {
    if (part.sample() != parts.front().sample()) {
      throw ShapeError("joined: rows of shape " + to_string(part.sample()) + " behind rows of shape " +
                       to_string(parts.front().sample()) + "; all must have one");
    }
    impls.push_back(part.impl_);
    count += part.count();
  }
  return Rows(std::make_shared<JoinedRows>(std::move(impls), count));
}

Rows Rows::generated(Dim count, const Shape& sample, std::function<void(Index number, std::span<double> row)> make) {
  if (count < 0) throw ConfigError("generated: count is " + std::to_string(count.value) + "; it must be 0 or more");
  if (!make) throw ConfigError("generated needs a function that fills a row");
  if (!sample.fully_known()) {
    throw ShapeError("generated: every size of a row must be known, got " + to_string(sample));
  }
  return Rows(std::make_shared<GeneratedRows>(count, sample, std::move(make)));
}

Rows Rows::slice(Index begin, Index end) const {
  const Index first = begin < 0 ? begin + count() : begin, last = end < 0 ? end + count() : end;
  if (first < 0 || first > last || last > count()) {
    throw ShapeError("rows " + std::to_string(begin) + " to " + std::to_string(end) + " of " + std::to_string(count()));
  }
  return Rows(std::make_shared<SliceRows>(impl_, first, last - first));
}

// ---- reading them ---------------------------------------------------------------------------------------------------

Index Rows::count() const { return impl_->count(); }
const Shape& Rows::sample() const { return impl_->sample(); }
DType Rows::dtype() const { return impl_->dtype(); }

void Rows::read(std::span<const Index> numbers, Tensor& to) const {
  const Shape wanted = sample().prepend(static_cast<Index>(numbers.size()));
  if (to.shape() != wanted) {
    throw ShapeError("rows are read into a tensor of shape " + to_string(wanted) + ", not " + to_string(to.shape()));
  }
  for (const Index number : numbers) {
    if (number >= 0 && number < count()) continue;
    throw ShapeError("row " + std::to_string(number) + " of " + std::to_string(count()));
  }
  core::with_elements(to, [&](auto elements) {
    auto* place = elements.data();
    for (std::size_t i = 0; i < numbers.size();) {
      std::size_t end = i + 1;  // rows that follow each other are read at once
      while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1) ++end;
      impl_->read(numbers[i], static_cast<Index>(end - i), place);
      place += static_cast<Index>(end - i) * impl_->elements();
      i = end;
    }
  });
}

// ---- batches --------------------------------------------------------------------------------------------------------

RowBatches::RowBatches(const Rows& X, const Rows& y, const RowBatchesOptions& options)
    : X_(X), y_(y), options_(options), seed_(random_seed()) {
  require_at_least_1("RowBatches: batch_size", options.batch_size);
  const auto require_as_many = [&](const Rows& rows, const char* what) {
    if (rows.count() == X.count()) return;
    throw ShapeError("RowBatches: " + std::to_string(X.count()) + " samples, but " + std::to_string(rows.count()) +
                     " " + what);
  };
  if (X.count() < 1) throw ShapeError("RowBatches: there are no samples");
  require_as_many(y, "labels");
  if (options.sample_weight) require_as_many(*options.sample_weight, "weights");
}

Index RowBatches::batches() const { return (X_.count() - 1) / options_.batch_size + 1; }

Batch RowBatches::batch(Index number) {
  Batch made{Tensor(), Tensor()};
  read(number, made);
  return made;
}

namespace {

void read_rows(const Rows& rows, std::span<const Index> numbers, Inputs& into) {
  const Shape shape = rows.sample().prepend(static_cast<Index>(numbers.size()));
  Tensor& tensor = into.tensor(0);
  if (tensor.shape() != shape || tensor.dtype() != rows.dtype()) tensor = Tensor(shape, rows.dtype());
  rows.read(numbers, tensor);
}

}  // namespace

void RowBatches::read(Index number, Batch& into) {
  const Index first = number * options_.batch_size;
  const Permutation order(X_.count(), RandomStream(seed_, Purpose::rows, pass_));
  std::vector<Index> numbers;
  for (Index i = first; i < std::min(first + options_.batch_size, X_.count()); ++i) {
    numbers.push_back(options_.shuffle ? order(i) : i);
  }
  read_rows(X_, numbers, into.X);
  read_rows(y_, numbers, into.y);
  if (!options_.sample_weight) return;
  if (!into.sample_weight) into.sample_weight = Tensor();
  read_rows(*options_.sample_weight, numbers, *into.sample_weight);
}

}  // namespace rondo
