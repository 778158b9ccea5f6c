// export_header: checks, calibration, the measured error, and the file.
#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include <rondo/export.hpp>
#include <rondo/stream.hpp>

#include "core/atomic_file.hpp"
#include "core/names.hpp"
#include "formats/c_header/header.hpp"
#include "formats/c_header/layers.hpp"
#include "training/model_node.hpp"

namespace rondo {

namespace c_header {

namespace {

using training::node_of;

std::string checked_name(const Model& model, const ExportHeaderOptions& options) {
  std::string name = options.name.empty() ? model.name() : options.name;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto fits = [&](char c) { return letter(c) || c == '_' || (c >= '0' && c <= '9'); };
  if (!name.empty() && letter(name.front()) && name.back() != '_' && std::all_of(name.begin(), name.end(), fits) &&
      name.find("__") == std::string::npos) {
    return name;
  }
  throw ConfigError("export_header: '" + name +
                    "' cannot begin the names of a header: it takes letters, digits and single '_' between them, a "
                    "letter first; give .name");
}

Precision checked_precision(const std::string& given) {
  const std::vector<std::string> known = {"float32", "int16x8", "int8"};
  const auto found = std::find(known.begin(), known.end(), given);
  if (found != known.end()) return static_cast<Precision>(found - known.begin());
  throw ConfigError("export_header: .precision can be 'float32', 'int16x8' or 'int8', not '" + given + "'." +
                    did_you_mean(given, known));
}

// Sequences of time steps.
struct Sequences {
  Index count = 0, steps = 0, features = 0;
  std::vector<double> numbers;

  std::span<const double> step(Index sequence, Index t) const {
    return std::span(numbers).subspan(static_cast<std::size_t>((sequence * steps + t) * features),
                                      static_cast<std::size_t>(features));
  }
};

// Those that the user gave; a model without a time axis takes each sample as a sequence of one step.
Sequences calibration_of(const Model& model, const Tensor& given, Index features) {
  const Index rank = std::max<Index>(1, node_of(model).declared(0).rank());
  const Shape& shape = given.shape();
  if (shape.rank() != rank + 1 || shape.back() != features) {
    throw ShapeError("export_header: .calibration must be inputs as predict takes them, (samples, " +
                     std::string(rank == 2 ? "timesteps, " : "") + std::to_string(features) + "); got " +
                     to_string(shape));
  }
  Sequences s{shape[0], rank == 2 ? shape[1] : 1, features, given.to_vector()};
  for (const double v : s.numbers) {
    if (!std::isfinite(v)) throw ConfigError("export_header: .calibration holds numbers that are not finite");
  }
  return s;
}

// Numbers spread evenly from -1 to 1, no two steps alike.
Sequences spread(Index features) {
  Sequences s{1, 16, features, {}};
  for (Index i = 0; i < s.steps * features; ++i) {
    const double turns = 0.6180339887498949 * static_cast<double>(i + 1);
    s.numbers.push_back(static_cast<float>(2 * (turns - std::floor(turns)) - 1));
  }
  return s;
}

// Walks sequences through a model's stream and through its program at once.
class Walk {
 public:
  Walk(const Model& model, Program& program)
      : stream_(model.stream()), program_(program), x_(stream_.features()), y_(stream_.outputs()) {}

  // visit(input, outputs of the stream, doubles of the program) after each step.
  template <class Visit>
  void doubles(const Sequences& s, Visit visit) {
    for (Index i = 0; i < s.count; ++i) {
      Doubles numbers(program_.buffers());
      stream_.reset();
      for (Index t = 0; t < s.steps; ++t) {
        step_stream(s.step(i, t));
        std::copy(s.step(i, t).begin(), s.step(i, t).end(), numbers.at(program_.input()));
        program_.step(numbers);
        visit(numbers);
      }
    }
  }

  template <class Visit>
  void integers(const Sequences& s, Visit visit) {
    const Format format = program_.format(program_.input());
    for (Index i = 0; i < s.count; ++i) {
      Integers numbers(program_.buffers());
      stream_.reset();
      for (Index t = 0; t < s.steps; ++t) {
        step_stream(s.step(i, t));
        std::transform(s.step(i, t).begin(), s.step(i, t).end(), numbers.at(program_.input()), [&](double v) {
          return static_cast<std::int32_t>(
              std::clamp(std::round(v / format.unit), -1.0 * format.limit, 1.0 * format.limit));
        });
        const std::vector<std::int32_t> input(numbers.buffer(0));
        program_.step(numbers);
        visit(input, numbers);
      }
    }
  }

  std::span<const float> outputs() const { return y_; }

 private:
  struct Floats : std::vector<float> {
    explicit Floats(Index size) : std::vector<float>(static_cast<std::size_t>(size)) {}
  };

  void step_stream(std::span<const double> x) {
    std::transform(x.begin(), x.end(), x_.begin(), [](double v) { return static_cast<float>(v); });
    stream_.step(std::span<const float>(x_), std::span<float>(y_));
  }

  Stream stream_;
  Program& program_;
  Floats x_, y_;
};

double finite_output(double y) {
  if (std::isfinite(y)) return y;
  throw ConfigError(
      "export_header: an output of the model is not a finite number: its self-test, or .calibration, takes "
      "it out of the range of floats");
}

// So many steps as make a header's self-test without making it long.
std::size_t steps_of_test(const Sequences& s, Index outputs) {
  const Index fitting = 1024 / (s.features + outputs);
  return static_cast<std::size_t>(std::min(s.steps, std::clamp<Index>(fitting, 2, 16)));
}

SelfTest float_test(const Model& model, Program& program, const Sequences& s, ExportReport& report) {
  SelfTest test;
  const std::size_t steps = steps_of_test(s, program.output().size);
  const Sequences first{1,
                        static_cast<Index>(steps),
                        s.features,
                        {s.numbers.begin(), s.numbers.begin() + static_cast<Index>(steps) * s.features}};
  double distance = 0;
  Walk walk(model, program);
  walk.doubles(first, [&](Doubles& numbers) {
    const double* y = numbers.at(program.output());
    for (std::size_t j = 0; j < walk.outputs().size(); ++j) {
      report.largest_output = std::max(report.largest_output, std::abs(finite_output(y[j])));
      distance = std::max(distance, std::abs(y[j] - static_cast<double>(walk.outputs()[j])));
    }
    for (const float v : walk.outputs()) test.outputs.push_back(static_cast<float>(finite_output(v)));
  });
  test.steps = steps;
  for (const double v : first.numbers) test.inputs.push_back(static_cast<float>(v));
  // Floats that were rounded in another order: some times as far from each other as Rondo's are from doubles.
  report.self_test_bound = std::max(1e-6 * std::max(1.0, report.largest_output), 8 * distance);
  return test;
}

SelfTest integer_test(const Model& model, Program& program, const Sequences& s, ExportReport& report) {
  Walk walk(model, program);
  walk.doubles(s, [&](Doubles& numbers) { program.look_at(numbers); });
  program.quantize();

  SelfTest test;
  const std::size_t steps = steps_of_test(s, program.output().size);
  const Format out = program.format(program.output());
  double sum = 0, count = 0;
  walk.integers(s, [&](const std::vector<std::int32_t>& input, Integers& numbers) {
    const std::int32_t* y = numbers.at(program.output());
    for (std::size_t j = 0; j < walk.outputs().size(); ++j) {
      const double truth = finite_output(walk.outputs()[j]), error = std::abs(y[j] * out.unit - truth);
      report.max_error = std::max(report.max_error, error);
      report.largest_output = std::max(report.largest_output, std::abs(truth));
      sum += error;
      ++count;
    }
    if (test.steps == steps) return;
    ++test.steps;
    test.inputs.insert(test.inputs.end(), input.begin(), input.end());
    test.outputs.insert(test.outputs.end(), y, y + program.output().size);
  });
  report.mean_error = sum / count;
  return test;
}

Program checked_program(const Model& model, Precision precision, Index features) {
  const Shape& declared = node_of(model).declared(0);
  if (declared.rank() > 2) {
    throw ConfigError("export_header: a time step of " + node_of(model).where() + " has shape " +
                      to_string(declared.from(1)) + "; a header takes one row of numbers");
  }
  return program_of(model, precision, features);
}

}  // namespace

}  // namespace c_header

ExportReport export_header(const Model& model, const std::string& path, const ExportHeaderOptions& options) {
  using namespace c_header;
  ExportReport report{.name = checked_name(model, options), .precision = options.precision};
  const Precision precision = checked_precision(options.precision);
  const Index features = model.stream().features();  // refuses what cannot be stepped
  Program program = checked_program(model, precision, features);
  if (program.in_integers() && options.calibration.empty()) {
    throw ConfigError("export_header: .precision = \"" + options.precision +
                      "\" needs .calibration: inputs as predict takes them, to learn how large numbers become");
  }
  const Sequences sequences =
      options.calibration.empty() ? spread(features) : calibration_of(model, options.calibration, features);
  const SelfTest test = program.in_integers() ? integer_test(model, program, sequences, report)
                                              : float_test(model, program, sequences, report);
  core::write_file(path, header_text(program, test, report));
  return report;
}

}  // namespace rondo
