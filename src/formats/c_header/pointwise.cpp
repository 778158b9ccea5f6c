// Operations element by element.
#include <algorithm>
#include <cmath>

#include <rondo/error.hpp>

#include "formats/c_header/functions.hpp"
#include "formats/c_header/operations.hpp"

namespace rondo::c_header {

namespace {

using kernels::ActivationKind;

double unit_of(const Program& program, const Value& v) { return v.size == 0 ? 1 : program.format(v).unit; }

// ---- y = f(x) -------------------------------------------------------------------------------------------------------

// Integers look f up in a table, between whose entries lie straight lines.
class Pointwise final : public Operation {
 public:
  Pointwise(const kernels::Activation& f, const Value& x, const Value& y) : f_(f), x_(x), y_(y) {}

  void run(Doubles& numbers) const override {
    for (Index j = 0; j < y_.size; ++j) numbers.at(y_)[j] = value_of(f_, numbers.at(x_)[j]);
  }

  void choose_formats(Program& program) const override {
    const auto bound = bound_of(f_);
    if (bound && program.is_fine(y_)) program.set_format(y_, {*bound / 32767, 32767});
    if (is_plain_relu(f_)) return;
    if (program.is_sums(x_)) program.set_format(x_, {range(program) / kTableLimit, kTableLimit});
  }

  void quantize(const Program& program) override {
    x_limit_ = program.format(x_).limit;
    limit_ = program.format(y_).limit;
    const double x_unit = program.format(x_).unit, y_unit = program.format(y_).unit;
    if (is_plain_relu(f_)) {
      multipliers_ = multipliers({x_unit / y_unit});
      return;
    }
    const double range = this->range(program), step = 2 * range / (kTableSize - 1);
    multipliers_ = multipliers({x_unit * kTableLimit / range});
    table_.clear();
    for (std::int32_t i = 0; i < kTableSize; ++i) {
      const double y = value_of(f_, -range + step * i) / y_unit * (limit_ == 127 ? 256 : 1);
      table_.push_back(static_cast<std::int16_t>(std::clamp(std::round(y), -32767.0, 32767.0)));
    }
  }

  void run(Integers& numbers) const override {
    for (Index j = 0; j < y_.size; ++j) numbers.at(y_)[j] = value(numbers.at(x_)[j]);
  }

  void write_floats(Source& source) const override {
    source.loop(y_.size,
                source.element(y_, "j") + " = " + function_helper(source, f_) + "(" + source.element(x_, "j") + ");");
  }

  void write_integers(Source& source) const override {
    const std::string x = source.element(x_, "j"), y = source.element(y_, "j");
    if (is_plain_relu(f_)) {
      const std::string product =
          "(int64_t)(" + x + " > 0 ? " + x + " : 0) * " + std::to_string(multipliers_.values[0]);
      source.loop(y_.size, y + " = " + scaled_text(source, product, multipliers_.shift, y_) + ";");
      return;
    }
    std::string z = x;
    if (x_limit_ != kTableLimit) {
      z = scale_helper(source) + "((int64_t)" + x + " * " + std::to_string(multipliers_.values[0]) + ", " +
          std::to_string(multipliers_.shift) + ", " + std::to_string(kTableLimit) + ")";
    }
    const std::string look = look_helper(source) + "(" + source.integers("int16_t", 2, table_) + ", " + z + ")";
    source.loop(y_.size, y + " = " + (limit_ == 127 ? scaled_text(source, look, 8, y_) : "(int16_t)" + look) + ";");
  }

  static std::string look_helper(Source& source) {
    return source.helper("look",
                         R"(/* What a table says of z, -524288 to 524288: straight lines between its 513 entries. */
static inline int32_t @look(const int16_t *table, int32_t z) {
  const int32_t at = z + 524288;
  const int32_t i = at < 1048576 ? at >> 11 : 511;
  const int32_t left = table[i];
  return left + (((table[i + 1] - left) * (at - i * 2048) + 1024) >> 11);
}
)");
  }

  static std::int32_t look(const std::vector<std::int16_t>& table, std::int32_t z) {
    const std::int32_t at = z + kTableLimit, i = std::min(at >> kTableBits, kTableSize - 2);
    const std::int32_t left = table[static_cast<std::size_t>(i)], right = table[static_cast<std::size_t>(i) + 1];
    constexpr std::int32_t kStep = 1 << kTableBits;
    return left + (((right - left) * (at - i * kStep) + kStep / 2) >> kTableBits);
  }

 private:
  double range(const Program& program) const {
    const double seen = std::max(program.largest(x_) * 1.25, 1e-6);
    return table_range_of(f_).value_or(seen);
  }

  std::int32_t value(std::int32_t x) const {
    if (is_plain_relu(f_)) {
      return scaled(std::int64_t{std::max(x, 0)} * multipliers_.values[0], multipliers_.shift, limit_);
    }
    if (x_limit_ != kTableLimit) {
      x = scaled(std::int64_t{x} * multipliers_.values[0], multipliers_.shift, kTableLimit);
    }
    const std::int32_t y = look(table_, x);
    return limit_ == 127 ? scaled(y, 8, limit_) : y;
  }

  kernels::Activation f_;
  Value x_, y_;
  std::int32_t x_limit_ = 0, limit_ = 0;
  Multipliers multipliers_;
  std::vector<std::int16_t> table_;
};

// ---- y = a b + d e --------------------------------------------------------------------------------------------------

class Combination final : public Operation {
 public:
  Combination(const Value& a, const Value& b, const Value& d, const Value& e, const Value& y)
      : a_(a), b_(b), d_(d), e_(e), y_(y) {}

  void run(Doubles& numbers) const override {
    for (Index j = 0; j < y_.size; ++j) numbers.at(y_)[j] = product(numbers, a_, b_, j) + product(numbers, d_, e_, j);
  }

  void quantize(const Program& program) override {
    const Format y = program.format(y_);
    multipliers_ = multipliers({unit_of(program, a_) * unit_of(program, b_) / y.unit,
                                d_.size == 0 ? 0 : unit_of(program, d_) * unit_of(program, e_) / y.unit});
    limit_ = y.limit;
  }

  void run(Integers& numbers) const override {
    for (Index j = 0; j < y_.size; ++j) {
      const std::int64_t sum = std::int64_t{product(numbers, a_, b_, j)} * multipliers_.values[0] +
                               std::int64_t{product(numbers, d_, e_, j)} * multipliers_.values[1];
      numbers.at(y_)[j] = scaled(sum, multipliers_.shift, limit_);
    }
  }

  void write_floats(Source& source) const override {
    const auto text = [&](const Value& a, const Value& b) {
      return source.element(a, "j") + (b.size == 0 ? "" : " * " + source.element(b, "j"));
    };
    source.loop(y_.size,
                source.element(y_, "j") + " = " + text(a_, b_) + (d_.size == 0 ? "" : " + " + text(d_, e_)) + ";");
  }

  void write_integers(Source& source) const override {
    const auto text = [&](const Value& a, const Value& b, std::int32_t multiplier) {
      const std::string factor = b.size == 0
                                     ? source.element(a, "j")
                                     : "((int32_t)" + source.element(a, "j") + " * " + source.element(b, "j") + ")";
      return "(int64_t)" + factor + " * " + std::to_string(multiplier);
    };
    std::string sum = text(a_, b_, multipliers_.values[0]);
    if (d_.size != 0) sum += " + " + text(d_, e_, multipliers_.values[1]);
    source.loop(y_.size, source.element(y_, "j") + " = " + scaled_text(source, sum, multipliers_.shift, y_) + ";");
  }

 private:
  template <class T>
  static T product(Numbers<T>& numbers, const Value& a, const Value& b, Index j) {
    if (a.size == 0) return 0;
    return b.size == 0 ? numbers.at(a)[j] : numbers.at(a)[j] * numbers.at(b)[j];
  }

  Value a_, b_, d_, e_, y_;
  Multipliers multipliers_;
  std::int32_t limit_ = 0;
};

// ---- h = z h + (1 - z) g --------------------------------------------------------------------------------------------

class Blend final : public Operation {
 public:
  Blend(const Value& z, const Value& g, const Value& h) : z_(z), g_(g), h_(h) {}

  void run(Doubles& numbers) const override {
    for (Index j = 0; j < h_.size; ++j) {
      const double z = numbers.at(z_)[j];
      numbers.at(h_)[j] = z * numbers.at(h_)[j] + (1 - z) * numbers.at(g_)[j];
    }
  }

  // In units of z there is a 1.
  void choose_formats(Program& program) const override {
    const Format z = program.format(z_);
    program.set_format(z_, {std::max(z.unit, 1.0 / z.limit), z.limit});
  }

  void quantize(const Program& program) override {
    const double z = program.format(z_).unit, h = program.format(h_).unit, g = program.format(g_).unit;
    one_ = static_cast<std::int32_t>(std::round(1 / z));
    multipliers_ = multipliers({z, z * g / h});
    limit_ = program.format(h_).limit;
  }

  void run(Integers& numbers) const override {
    for (Index j = 0; j < h_.size; ++j) {
      const std::int32_t z = numbers.at(z_)[j];
      const std::int64_t sum = std::int64_t{z * numbers.at(h_)[j]} * multipliers_.values[0] +
                               std::int64_t{(one_ - z) * numbers.at(g_)[j]} * multipliers_.values[1];
      numbers.at(h_)[j] = scaled(sum, multipliers_.shift, limit_);
    }
  }

  void write_floats(Source& source) const override {
    const std::string z = source.element(z_, "j"), g = source.element(g_, "j"), h = source.element(h_, "j");
    source.loop(h_.size, h + " = " + z + " * " + h + " + (1.0f - " + z + ") * " + g + ";");
  }

  void write_integers(Source& source) const override {
    const std::string z = source.element(z_, "j"), g = source.element(g_, "j"), h = source.element(h_, "j");
    const std::string sum = "(int64_t)((int32_t)" + z + " * " + h + ") * " + std::to_string(multipliers_.values[0]) +
                            " + (int64_t)(((int32_t)" + std::to_string(one_) + " - " + z + ") * " + g + ") * " +
                            std::to_string(multipliers_.values[1]);
    source.loop(h_.size, h + " = " + scaled_text(source, sum, multipliers_.shift, h_) + ";");
  }

 private:
  Value z_, g_, h_;
  std::int32_t one_ = 0, limit_ = 0;
  Multipliers multipliers_;
};

// ---- y = x factor + shift, of each element its own ------------------------------------------------------------------

class Scaling final : public Operation {
 public:
  Scaling(const Value& x, Program::Affine affine, const Value& y) : x_(x), y_(y), affine_(std::move(affine)) {}

  void run(Doubles& numbers) const override {
    for (Index j = 0; j < y_.size; ++j) {
      const auto i = static_cast<std::size_t>(j);
      numbers.at(y_)[j] = numbers.at(x_)[j] * affine_.factor[i] + affine_.shift[i];
    }
  }

  void quantize(const Program& program) override {
    const Format y = program.format(y_);
    std::vector<double> magnitudes;
    for (const double f : affine_.factor) magnitudes.push_back(std::abs(f) * program.format(x_).unit / y.unit);
    multipliers_ = multipliers(magnitudes);
    shifts_.clear();
    for (std::size_t i = 0; i < affine_.factor.size(); ++i) {
      if (affine_.factor[i] < 0) multipliers_.values[i] = -multipliers_.values[i];
      // With the largest x in mind: what it cuts off is cut off anyway.
      const double shift = std::clamp(affine_.shift[i] / y.unit, -1e9, 1e9);
      shifts_.push_back(static_cast<std::int32_t>(std::round(shift)));
    }
    limit_ = y.limit;
  }

  void run(Integers& numbers) const override {
    for (Index j = 0; j < y_.size; ++j) {
      const auto i = static_cast<std::size_t>(j);
      const std::int64_t product = std::int64_t{numbers.at(x_)[j]} * multipliers_.values[i];
      numbers.at(y_)[j] =
          scaled(scaled(product, multipliers_.shift, 1'000'000'000) * std::int64_t{2} + shifts_[i] * std::int64_t{2}, 1,
                 limit_);
    }
  }

  void write_floats(Source& source) const override {
    const std::string factor = source.floats(affine_.factor), shift = source.floats(affine_.shift);
    source.loop(y_.size,
                source.element(y_, "j") + " = " + source.element(x_, "j") + " * " + factor + "[j] + " + shift + "[j];");
  }

  void write_integers(Source& source) const override {
    const std::string factor = source.integers("int32_t", 4, multipliers_.values);
    const std::string shift = source.integers("int32_t", 4, shifts_);
    const std::string product = scale_helper(source) + "((int64_t)" + source.element(x_, "j") + " * " + factor +
                                "[j], " + std::to_string(multipliers_.shift) + ", 1000000000)";
    source.loop(y_.size, source.element(y_, "j") + " = " +
                             scaled_text(source, product + " * (int64_t)2 + " + shift + "[j] * (int64_t)2", 1, y_) +
                             ";");
  }

 private:
  Value x_, y_;
  Program::Affine affine_;
  Multipliers multipliers_;
  std::vector<std::int32_t> shifts_;
  std::int32_t limit_ = 0;
};

// ---- f across all elements ------------------------------------------------------------------------------------------

std::string softmax_text(bool logarithm) {
  const std::string name = logarithm ? "log_softmax" : "softmax";
  std::string text = "/* " + name + R"( of n numbers. */
static inline void @)" +
                     (logarithm ? "logsoftmax" : "softmax") + R"((const float *x, float *y, int n) {
  float most = x[0], sum = 0.0f;
  for (int j = 1; j < n; ++j) most = x[j] > most ? x[j] : most;
  for (int j = 0; j < n; ++j) {
    y[j] = expf(x[j] - most);
    sum += y[j];
  }
)";
  text += logarithm ? "  sum = logf(sum);\n  for (int j = 0; j < n; ++j) y[j] = (x[j] - most) - sum;\n}\n"
                    : "  for (int j = 0; j < n; ++j) y[j] = y[j] / sum;\n}\n";
  return text;
}

// The sum over the support of what the paper calls tau is Keras's, and so Rondo's.
constexpr const char* kSparsemax = R"(/* sparsemax of n numbers, which are visited from the largest on. */
static inline void @sparsemax(const float *x, float *y, int n) {
  float sum = 0.0f, sums = 0.0f, tau = 0.0f;
  int support = 0, last = -1;
  for (int rank = 1; rank <= n; ++rank) {
    int next = -1;
    for (int i = 0; i < n; ++i) {
      const int to_come = last < 0 || x[i] < x[last] || (x[i] <= x[last] && i > last);
      if (to_come && (next < 0 || x[i] > x[next])) next = i;
    }
    if (next < 0) break;
    sum += x[next];
    if (!(x[next] - (sum - 1.0f) / (float)rank > 0.0f)) break;
    sums += sum;
    support = rank;
    last = next;
  }
  if (support > 0) tau = (sums - 1.0f) / (float)support;
  for (int j = 0; j < n; ++j) y[j] = x[j] - tau <= 0.0f ? 0.0f : x[j] - tau;
}
)";

class Across final : public Operation {
 public:
  Across(ActivationKind kind, const Value& x, const Value& y) : kind_(kind), x_(x), y_(y) {}

  void run(Doubles& numbers) const override {
    const double* x = numbers.at(x_);
    double* y = numbers.at(y_);
    if (kind_ == ActivationKind::sparsemax) return sparsemax(x, y);
    const double most = *std::max_element(x, x + x_.size);
    double sum = 0;
    for (Index j = 0; j < y_.size; ++j) sum += y[j] = std::exp(x[j] - most);
    for (Index j = 0; j < y_.size; ++j) {
      y[j] = kind_ == ActivationKind::softmax ? y[j] / sum : x[j] - most - std::log(sum);
    }
  }

  void choose_formats(Program& program) const override {
    const Format y = program.format(y_);
    program.set_format(y_, {1.0 / y.limit, y.limit});
  }

  // e^(x - max), from a table that ends with e^0.
  void quantize(const Program& program) override {
    multipliers_ = multipliers({program.format(x_).unit * kTableLimit / kRange});
    limit_ = program.format(y_).limit;
    table_.clear();
    for (std::int32_t i = 0; i < kTableSize; ++i) {
      const double e = std::exp(2 * kRange * (i - (kTableSize - 1)) / (kTableSize - 1));
      table_.push_back(static_cast<std::int16_t>(std::round(32767 * e)));
    }
  }

  void run(Integers& numbers) const override {
    const std::int32_t* x = numbers.at(x_);
    std::int32_t* y = numbers.at(y_);
    const std::int32_t most = *std::max_element(x, x + x_.size);
    std::int32_t sum = 0;
    for (Index j = 0; j < y_.size; ++j) {
      const std::int32_t below =
          scaled(std::int64_t{x[j] - most} * multipliers_.values[0], multipliers_.shift, 2 * kTableLimit);
      sum += y[j] = Pointwise::look(table_, below + kTableLimit);
    }
    for (Index j = 0; j < y_.size; ++j) {
      y[j] = static_cast<std::int32_t>((std::int64_t{y[j]} * limit_ + sum / 2) / sum);
    }
  }

  void write_floats(Source& source) const override {
    std::string function;
    switch (kind_) {
      case ActivationKind::softmax: function = source.helper("softmax", softmax_text(false)); break;
      case ActivationKind::log_softmax: function = source.helper("logsoftmax", softmax_text(true)); break;
      default: function = source.helper("sparsemax", kSparsemax); break;
    }
    source.line(function + "(" + source.pointer(x_) + ", " + source.pointer(y_) + ", " + std::to_string(x_.size) +
                ");");
  }

  void write_integers(Source& source) const override {
    const std::string n = std::to_string(x_.size), x = source.element(x_, "j"), y = source.element(y_, "j");
    const std::string e = "e" + std::to_string(y_.buffer), table = source.integers("int16_t", 2, table_);
    const std::string below = scale_helper(source) + "((int64_t)(" + x + " - most) * " +
                              std::to_string(multipliers_.values[0]) + ", " + std::to_string(multipliers_.shift) +
                              ", 1048576)";
    source.line("int32_t " + e + "[" + n + "], most = " + source.element(x_, "0") + ", sum = 0;");
    source.count_stack(4 * static_cast<std::size_t>(x_.size));
    source.loop(x_.size, "most = " + x + " > most ? " + x + " : most;");
    source.loop(x_.size,
                "sum += " + e + "[j] = " + Pointwise::look_helper(source) + "(" + table + ", " + below + " + 524288);");
    source.loop(x_.size, y + " = (" + type_of(source.program(), y_.buffer) + ")(((int64_t)" + e + "[j] * " +
                             std::to_string(limit_) + " + sum / 2) / sum);");
  }

 private:
  static constexpr double kRange = 16;

  void sparsemax(const double* x, double* y) const {
    std::vector<double> sorted(x, x + x_.size);
    std::sort(sorted.rbegin(), sorted.rend());
    double sum = 0, sums = 0, tau = 0;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      sum += sorted[i];
      const auto rank = static_cast<double>(i + 1);
      if (!(sorted[i] - (sum - 1) / rank > 0)) break;
      sums += sum;
      tau = (sums - 1) / rank;
    }
    for (Index j = 0; j < y_.size; ++j) y[j] = std::max(x[j] - tau, 0.0);
  }

  ActivationKind kind_;
  Value x_, y_;
  Multipliers multipliers_;
  std::vector<std::int16_t> table_;
  std::int32_t limit_ = 0;
};

}  // namespace

Value add_activation(Program& program, const std::string& where, const Value& given, const kernels::Activation& f,
                     Kind kind) {
  if (f.kind == ActivationKind::linear) return given;
  const Value x = settled(program, given);
  if (f.kind == ActivationKind::glu) {
    const Index half = x.size / 2;
    const Value y = program.vector(half, kind);
    const Value gate = add_activation(program, where, x.part(half, half), {ActivationKind::sigmoid}, Kind::fine);
    add_combination(program, x.part(0, half), gate, {}, {}, y);
    return y;
  }
  const Value y = program.vector(x.size, kind);
  if (kernels::is_elementwise(f.kind)) {
    program.add(std::make_unique<Pointwise>(f, x, y));
    return y;
  }
  if (program.in_integers() && f.kind != ActivationKind::softmax) {
    throw ConfigError(where + ": its activation has no form in integers; .precision = \"float32\" has it");
  }
  program.add(std::make_unique<Across>(f.kind, x, y));
  return y;
}

void add_combination(Program& program, const Value& a, const Value& b, const Value& d, const Value& e, const Value& y) {
  program.add(std::make_unique<Combination>(a, b, d, e, y));
}

void add_blend(Program& program, const Value& z, const Value& g, const Value& h) {
  program.add(std::make_unique<Blend>(z, g, h));
}

Value as_signal(Program& program, const Value& x) {
  if (program.precision() != Precision::int8) return x;
  const Value y = program.vector(x.size, Kind::signal);
  add_combination(program, x, {}, {}, {}, y);
  return y;
}

Value settled(Program& program, const Value& x) {
  const Program::Affine* put_off = program.put_off(x);
  if (put_off == nullptr) return x;
  Program::Affine affine = *put_off;
  const Value y = program.vector(x.size, Kind::signal);
  program.add(std::make_unique<Scaling>(x, std::move(affine), y));
  return y;
}

}  // namespace rondo::c_header
