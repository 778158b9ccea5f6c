// Samples that are read when they are wanted: data sets bigger than memory, windows over a series, samples that a
// function makes.
//
//   // Two files of NumPy's, 20 GB: fit reads them batch by batch, in a new order each epoch.
//   RowBatches batches(Rows::npy("X.npy"), Rows::npy("y.npy"), {.batch_size = 256});
//   model.fit(batches, {.epochs = 3});
//
//   // The 24 hours before each hour, and that hour.
//   const Rows hours = series;
//   RowBatches windows(Rows::windows(hours, {.length = 24}).first(hours.count() - 24), hours.from(24));
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <rondo/data.hpp>
#include <rondo/data_source.hpp>
#include <rondo/random.hpp>
#include <rondo/shape.hpp>
#include <rondo/tensor.hpp>

namespace rondo {

namespace detail {
class RowsImpl;
}

struct WindowOptions {
  Dim length;             // rows in a window
  Dim stride = 1;         // rows from the beginning of a window to that of the next
  Dim sampling_rate = 1;  // every so many rows are in a window
};

// Rows of one shape, read by number. A value; copies are the same rows. Reading changes nothing, so several threads may
// do it.
class Rows {
 public:
  // Those of a tensor, along its first axis. ShapeError for a scalar.
  Rows(const Tensor& tensor);
  // Those of a .npy file, along the first axis of its array: numbers in the file's own type (floating-point numbers,
  // integers, truth values), in C order. The file is read as rows are wanted, not as a whole; it must stay as it is.
  // FileError where it cannot be read, is no such file or shorter than its header says.
  static Rows npy(const std::string& path);
  // Those of a CSV file: the numbers of these columns side by side, float64, as Table::tensor has them. The file is
  // gone through once for where its lines begin (a byte a row is kept), then read as rows are wanted; it must stay as
  // it is. Cells in quotes must end on their line, and lines end in LF or CRLF. Errors as of read_csv and
  // Table::tensor, for cells when they are read.
  static Rows csv(const std::string& path, const std::vector<std::string>& columns, const CsvOptions& options = {});
  // Windows over the rows of a series: (length, ...) each, as Keras's timeseries_dataset_from_array cuts them. No
  // number is copied. ConfigError for options below 1, ShapeError where not one window fits.
  static Rows windows(const Rows& series, const WindowOptions& options);
  // Several, one behind the other; all of one shape (ShapeError otherwise).
  static Rows joined(const std::vector<Rows>& parts);
  // `count` rows that a function makes: it gets a row's number and fills its numbers. Called from one thread at a time;
  // what it throws comes out of fit.
  static Rows generated(Dim count, const Shape& sample, std::function<void(Index number, std::span<double> row)> make);

  Index count() const;
  // The shape of a row.
  const Shape& sample() const;
  DType dtype() const;

  // Those from one on; negative counts from the end. ShapeError outside.
  Rows from(Index begin) const { return slice(begin, count()); }
  // The first ones.
  Rows first(Index count) const { return slice(0, count); }
  Rows slice(Index begin, Index end) const;

  // Rows into the rows of a tensor (numbers.size(), ...) of this dtype. ShapeError where it is another or a number is
  // none of a row.
  void read(std::span<const Index> numbers, Tensor& to) const;

 private:
  explicit Rows(std::shared_ptr<const detail::RowsImpl> impl) : impl_(std::move(impl)) {}

  std::shared_ptr<const detail::RowsImpl> impl_;
};

struct RowBatchesOptions {
  Dim batch_size = 32;
  // A new order of the samples each epoch, from the random seed; it takes no memory. (fit's own .shuffle orders whole
  // batches.)
  bool shuffle = true;
  std::optional<Rows> sample_weight = {};  // one number a row
  // Whether the next batches are read by a thread of its own while fit works on one (DataSource::reads_ahead).
  bool prefetch = true;
};

// Batches of samples and labels for fit and evaluate, in the memory of three batches, of small ones 18. The last one
// may be smaller.
class RowBatches : public DataSource {
 public:
  // ShapeError unless there are as many labels as samples, and one at least; ConfigError for a batch size below 1.
  RowBatches(const Rows& X, const Rows& y, const RowBatchesOptions& options = {});

  Index batches() const override;
  Batch batch(Index number) override;
  void read(Index number, Batch& into) override;
  bool reads_ahead() const override { return options_.prefetch; }
  void on_pass_begin() override { ++pass_; }

 private:
  Rows X_, y_;
  RowBatchesOptions options_;
  std::uint64_t seed_;
  std::uint32_t pass_ = 0;
};

}  // namespace rondo
