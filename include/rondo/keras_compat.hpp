// Which version of Keras a program was written for.
//
// Keras has changed its defaults, and what some names mean, more than once. Rondo follows 3.15.1; a program (or a book)
// of an older Keras learns the same as it did there after
//
//   set_keras_compat("2.0");
//
//                                        "2.0"                     "2.3"       "2.4"                 "3"
//   Keras                                2.0 to 2.2                2.3         in TensorFlow 2,
//                                                                              to 2.15
//   recurrent_activation of LSTM, GRU
//   and their cells                      hard_sigmoid              sigmoid     sigmoid               sigmoid
//   "hard_sigmoid" means                 hard_sigmoid_2            ... _2      ... _2                relu6(x + 3) / 6
//   reset_after of GRU and GRUCell       false                     false       true                  true
//   epochs of a Sequential's fit         10                        1           1                     1
//   "accuracy" is logged as              acc                       as given    as given              as given
//   "mae" and other short names as       mean_absolute_error, ...  as given    as given              as given
//   accuracy of a single output p        y is p rounded            the same    y is whether p > 0.5  the same
//   a loss with sample weights is
//   divided by the number of             rows of a weight but 0    all rows  all rows              all rows
//   clipnorm is for                      all gradients together    the same    each                  each
//   epsilon of optimizers                1e-8                      1e-7        1e-7                  1e-7
//   in RMSprop and Adagrad               sqrt(v) + epsilon         the same    sqrt(v + epsilon)     the same
//   learning rate of Adagrad, Adadelta   0.01, 1                   the same    0.001                 0.001
//   of Adamax, Nadam                     0.002                     the same    0.001                 0.001
//   initial_accumulator_value of Adagrad 0                         0           0.1                   0.1
//   schedule_decay of Nadam              0.004                     0.004       1                     1
//
// "3.16" is "3", but for masks: LSTM, GRU, RNN, Bidirectional and TimeDistributed use theirs and do not hand it on, so
// that layers behind them, and the loss, count all steps.
#pragma once

#include <optional>
#include <string>

#include <rondo/shape.hpp>

namespace rondo {

// "2.0", "2.3", "2.4", "3" (the one to begin with) or "3.16"; ConfigError for another. Holds for what is made
// afterwards: options, layers, optimizers, compile and fit look at it when they are made or called. Thread-safe; one
// for the whole program. Where a file is read, the version that wrote it counts instead.
void set_keras_compat(const std::string& version);
std::string keras_compat();

namespace detail {

// One column of the table above.
struct KerasDefaults {
  const char* version;
  const char* recurrent_activation;
  const char* hard_sigmoid;
  bool reset_after;
  Index epochs_of_sequential;
  const char* accuracy;  // its name in logs; null: as it was given
  bool full_metric_names;
  bool rounds_for_accuracy;
  bool divides_by_weighted_rows;
  bool masks_go_on;                  // behind layers that walk sequences
  bool metrics_are_for_each_output;  // a list of them in a file; else one for each output
  bool clipnorm_is_global;
  double optimizer_epsilon;
  bool epsilon_outside_root;  // of RMSprop and Adagrad
  double adagrad_rate, adadelta_rate, adamax_rate, nadam_rate;
  double adagrad_start;
  std::optional<Real> nadam_schedule_decay;
};

// Of the thread, while it reads a file, or of the program.
const KerasDefaults& keras_defaults() noexcept;

}  // namespace detail

}  // namespace rondo
