// What training and evaluation report.
#pragma once

#include <concepts>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <rondo/diagnosis.hpp>
#include <rondo/shape.hpp>

namespace rondo {

namespace training {
struct Evidence;
}

// Named numbers of a moment, in the order they are shown: training's in alphabetical order, then the validation's.
class Logs {
 public:
  Logs() = default;
  Logs(const Logs&) = default;
  Logs& operator=(const Logs&) = default;

  void set(const std::string& name, double value);
  // ConfigError, with the known names, where there is no such name: contains() asks.
  double operator[](const std::string& name) const;
  double operator[](std::nullptr_t) const = delete;  // and so [0], which is no name
  bool contains(const std::string& name) const;
  void clear() { size_ = 0; }
  bool empty() const { return size_ == 0; }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.begin() + static_cast<std::ptrdiff_t>(size_); }

 private:
  // The first size_ count; those behind keep their memory, so that logs of the same names allocate once.
  std::vector<std::pair<std::string, double>> entries_;
  std::size_t size_ = 0;
};

// The course of a fit: one number per epoch and name, as Keras's History.
//
//   History history = model.fit(X, y, {.epochs = 100});
//   double last = history["loss"].back();
class History {
 public:
  // The series of a name ("loss", "accuracy", "val_loss"; "acc" finds accuracy too). ConfigError, with the known names,
  // for another. Validation series have entries only for epochs that were validated.
  const std::vector<double>& operator[](const std::string& name) const&;
  void operator[](std::nullptr_t) const = delete;
  // The series at a position of names(), negative from the end. ConfigError outside.
  template <std::integral I>
  const std::vector<double>& operator[](I position) const& {
    return at(static_cast<Index>(position));
  }
  bool contains(const std::string& name) const;
  // Names in the order of the logs.
  const std::vector<std::string>& names() const& { return names_; }
  // The epochs that were run, counted from 0.
  const std::vector<Index>& epochs() const& { return epochs_; }
  // Those of them that have a number in a series. ConfigError as above.
  std::vector<Index> epochs(const std::string& name) const;

  // Of a History that is about to end, as in `for (double loss : model.fit(X, y)["loss"])`: copies that stay.
  std::vector<double> operator[](const std::string& name) && { return std::as_const(*this)[name]; }
  template <std::integral I>
  std::vector<double> operator[](I position) && {
    return at(static_cast<Index>(position));
  }
  std::vector<std::string> names() && { return names_; }
  std::vector<Index> epochs() && { return epochs_; }

  // The series as Python's json.dump(history.history) writes them: one list a name, in the order of names().
  //
  //   {"loss": [0.52, 0.31], "val_loss": [0.6, 0.4]}
  //
  // Numbers read back as the same ones; those that are none are NaN, Infinity and -Infinity, as Python's json takes
  // them.
  std::string to_json() const;
  // A line an epoch, as CSVLogger writes them: "epoch", from 0, then the names in alphabetical order; "NA" in epochs
  // that have no such number, "nan" and "inf" for numbers that are none.
  std::string to_csv() const;
  // Writes the one or the other, as the name ends in .json or .csv (ConfigError otherwise). The file is complete or,
  // after a FileError, as it was before.
  void save(const std::string& path) const;

  // Whether the user interrupted the training (Ctrl-C) before its end.
  bool interrupted() const { return interrupted_; }

  // What this training says of itself (diagnosis.hpp): from the curves, the weights, and a prediction of samples that
  // fit has kept. That one is made now, as predict does; it is left out where the model is gone, was trained on or
  // compiled anew, or is stateful, and after fit on a DataSource.
  Diagnosis diagnosis() const;

  void append(Index epoch, const Logs& logs);
  void set_interrupted() { interrupted_ = true; }
  void set_evidence(std::shared_ptr<const training::Evidence> evidence) { evidence_ = std::move(evidence); }

 private:
  struct Series {
    std::vector<double> values;
    std::vector<Index> epochs = {};  // none: the first ones, without a gap
  };
  const std::vector<double>& at(Index position) const;
  const Series& series(const std::string& name) const;

  std::vector<std::string> names_;
  std::map<std::string, Series> series_;
  std::vector<Index> epochs_;
  bool interrupted_ = false;
  std::shared_ptr<const training::Evidence> evidence_;  // null: nothing was kept
};

// The outcome of evaluate: the loss first, then the metrics in the order of compile.
class Evaluation {
 public:
  explicit Evaluation(std::vector<std::pair<std::string, double>> values) : values_(std::move(values)) {}

  double loss() const { return at(0); }
  // "loss" or a metric's name. ConfigError, with the known names, for another.
  double operator[](const std::string& name) const;
  double operator[](std::nullptr_t) const = delete;
  // The value at a position, negative from the end: [0] is the loss. ConfigError outside.
  template <std::integral I>
  double operator[](I position) const {
    return at(static_cast<Index>(position));
  }
  const std::vector<std::pair<std::string, double>>& values() const& { return values_; }
  // Of one that is about to end, as in `for (auto& [name, value] : model.evaluate(X, y).values())`: a copy that stays.
  std::vector<std::pair<std::string, double>> values() && { return values_; }

 private:
  double at(Index position) const;

  std::vector<std::pair<std::string, double>> values_;
};

}  // namespace rondo
