// Muon, and Adam for the weights that are no matrices.
#include <algorithm>
#include <cmath>

#include "core/names.hpp"
#include "training/optimizers/rule.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, MuonOptions& o) {
  training::optimizer_fields(v, "muon", o);
  v("adam_beta_1", o.adam_beta_1);
  v("adam_beta_2", o.adam_beta_2);
  v("epsilon", o.epsilon);
  v("exclude_layers", o.exclude_layers);
  v("muon_a", o.muon_a);
  v("muon_b", o.muon_b);
  v("muon_c", o.muon_c);
  v("adam_lr_ratio", o.adam_lr_ratio);
  v("momentum", o.momentum);
  v("ns_steps", o.ns_steps);
  v("nesterov", o.nesterov);
  v("exclude_embeddings", o.exclude_embeddings);
  v("adam_weight_decay", o.adam_weight_decay);
  v("rms_rate", o.rms_rate);
}

namespace training {

namespace {

// What the step at work takes for all parameters.
struct MuonStep {
  double rate = 0;   // of matrices
  double alpha = 0;  // of the others, with Adam's bias corrections
  double beta_1 = 0, beta_2 = 0, epsilon = 0, momentum = 0, a = 0, b = 0, c = 0;
  Index newton_schulz_steps = 0;
  bool nesterov = false;
  bool fades = false;  // it looks for velocities that have faded, as OptimizerState does for the slots
  std::optional<double> rms_rate;

  // The first two stages make x, the last takes it from the weights; between them are two for each step of x.
  Index stages() const { return 2 + 2 * newton_schulz_steps + 1; }
};

// out += factors[0] rows[0] + factors[1] rows[1] + ..., of `count` rows of n numbers each, one behind the other.
template <class T>
void add_rows(T* out, const T* factors, const T* rows, Index count, Index n) noexcept {
  for (Index i = 0; i < count; ++i, rows += n) {
    const T factor = factors[i];
    for (Index k = 0; k < n; ++k) out[k] += factor * rows[k];
  }
}

template <class T>
class MuonMatrix final : public ParameterRuleOf<MuonMatrix<T>, T> {
 public:
  MuonMatrix(const MuonStep& step, const engine::Parameter& parameter)
      : step_(step),
        map_(parameter.map),
        tall_(map_.rows() > map_.columns()),
        short_(std::min(map_.rows(), map_.columns())),
        long_(std::max(map_.rows(), map_.columns())),
        squares_(static_cast<std::size_t>(map_.rows())),
        x_(size(short_ * long_)),
        other_(x_.size()),
        transposed_(x_.size()),
        product_(size(short_ * short_)),
        polynomial_(product_.size()) {}

  void run(Index stage, const BlockArrays<T>& a, const engine::Member& member) noexcept {
    const Index steps = step_.newton_schulz_steps, number = (stage - 2) / 2;
    const Range rows = member.share(short_);
    if (stage == 0) {
      take_momentum(a, member.share(map_.rows()));
    } else if (stage == 1) {
      scale(rows);
    } else if (stage == step_.stages() - 1) {
      move(a, member.share(map_.rows()), steps % 2 == 0 ? x_ : other_);
    } else if (stage % 2 == 0) {
      multiply(rows, number % 2 == 0 ? x_ : other_);
    } else {
      number % 2 == 0 ? take_step(rows, x_, other_) : take_step(rows, other_, x_);
    }
  }

 private:
  static std::size_t size(Index elements) { return static_cast<std::size_t>(elements); }
  // Where an element of the weight stands in x.
  Index place_in_x(Index row, Index column) const { return tall_ ? column * long_ + row : row * long_ + column; }

  void take_momentum(const BlockArrays<T>& a, Range rows) noexcept {
    const T momentum = static_cast<T>(step_.momentum);
    for (Index row = rows.begin; row < rows.end; ++row) {
      map_.for_runs({row, row + 1}, [&](Index element, Index place, Index count) {
        for (Index i = 0; i < count; ++i) {
          const T g = a.gradient[place + i];
          T& m = a.slots[0][place + i];
          m = momentum * m + g;
          x_[size(place_in_x(row, element - row * map_.columns() + i))] = step_.nesterov ? g + momentum * m : m;
        }
      });
      double sum = 0;
      for (Index column = 0; column < map_.columns(); ++column) {
        const double x = static_cast<double>(x_[size(place_in_x(row, column))]);
        sum += x * x;
      }
      squares_[size(row)] = sum;
    }
  }

  void scale(Range rows) noexcept {
    const T norm = static_cast<T>(std::sqrt(sum_of(squares_)) + 1e-7);
    for (Index row = rows.begin; row < rows.end; ++row) {
      T* x = x_.data() + row * long_;
      for (Index k = 0; k < long_; ++k) x[k] /= norm;
      transpose(row, x);
    }
  }
  void transpose(Index row, const T* x) noexcept {
    for (Index k = 0; k < long_; ++k) transposed_[size(k * short_ + row)] = x[k];
  }

  // A = x x^T.
  void multiply(Range rows, const std::vector<T>& x) noexcept {
    for (Index row = rows.begin; row < rows.end; ++row) {
      T* product = product_.data() + row * short_;
      std::fill_n(product, short_, T{0});
      add_rows(product, x.data() + row * long_, transposed_.data(), long_, short_);
    }
  }

  // a x + (b A + c A A) x.
  void take_step(Range rows, const std::vector<T>& x, std::vector<T>& result) noexcept {
    const T a = static_cast<T>(step_.a), b = static_cast<T>(step_.b), c = static_cast<T>(step_.c);
    for (Index row = rows.begin; row < rows.end; ++row) {
      const T *product = product_.data() + row * short_, *before = x.data() + row * long_;
      T *polynomial = polynomial_.data() + row * short_, *after = result.data() + row * long_;
      std::fill_n(polynomial, short_, T{0});
      add_rows(polynomial, product, product_.data(), short_, short_);
      for (Index k = 0; k < short_; ++k) polynomial[k] = b * product[k] + c * polynomial[k];
      for (Index k = 0; k < long_; ++k) after[k] = a * before[k];
      add_rows(after, polynomial, x.data(), short_, long_);
      transpose(row, after);
    }
  }

  void move(const BlockArrays<T>& a, Range rows, const std::vector<T>& x) const noexcept {
    const double side = std::sqrt(static_cast<double>(long_));
    const T rate = static_cast<T>(step_.rate * (step_.rms_rate ? side * *step_.rms_rate : 1));
    map_.for_runs(rows, [&](Index element, Index place, Index count) {
      const Index row = element / map_.columns(), column = element % map_.columns();
      for (Index i = 0; i < count; ++i) a.weights[place + i] -= rate * x[size(place_in_x(row, column + i))];
    });
  }

  const MuonStep& step_;
  engine::PackedMap map_;
  bool tall_;
  Index short_, long_;
  std::vector<double> squares_;  // by rows of the weight
  std::vector<T> x_, other_;     // short by long: x after even and odd numbers of steps
  std::vector<T> transposed_;    // of the newest of the two: long by short
  std::vector<T> product_, polynomial_;
};

// Matrices need no velocity, so that it is no slot.
template <class T>
class MuonAdam final : public ParameterRuleOf<MuonAdam<T>, T> {
 public:
  MuonAdam(const MuonStep& step, const engine::Parameter& parameter)
      : step_(step),
        map_(parameter.map),
        shape_(parameter.shape),
        zero_tiny_(parameter.block->table().ops<T>().zero_tiny),
        bytes_(static_cast<std::size_t>(shape_.elements()) * sizeof(T), "the optimizer's memory of weights") {}

  std::span<std::byte> memory() override { return {bytes_.data(), bytes_.size()}; }
  std::vector<Remembered> remembered() const override {
    Tensor v(shape_, dtype_of<T>);
    std::copy_n(velocity(), v.size(), v.template data<T>().begin());
    return {{"_velocity", v}};
  }
  void remember(std::span<const Tensor> values) override {
    const Tensor v = values[0].cast(dtype_of<T>);
    std::copy_n(v.template data<T>().begin(), v.size(), velocity());
  }

  void run(Index stage, const BlockArrays<T>& a, const engine::Member& member) noexcept {
    if (stage != 0) return;
    const Range rows = member.share(map_.rows());
    if (step_.fades) zero_tiny_(velocity() + rows.begin * map_.columns(), rows.size() * map_.columns());
    const T new_1 = static_cast<T>(1 - step_.beta_1), new_2 = static_cast<T>(1 - step_.beta_2);
    const T alpha = static_cast<T>(step_.alpha), epsilon = static_cast<T>(step_.epsilon);
    map_.for_runs(rows, [&](Index element, Index place, Index count) {
      for (Index i = place; i < place + count; ++i) {
        const T g = a.gradient[i];
        T &m = a.slots[0][i], &v = velocity()[element + i - place];
        m += (g - m) * new_1;
        v += (g * g - v) * new_2;
        if (m != 0) a.weights[i] -= alpha * m / (std::sqrt(v) + epsilon);
      }
    });
  }

 private:
  T* velocity() const { return reinterpret_cast<T*>(bytes_.data()); }

  const MuonStep& step_;
  engine::PackedMap map_;
  Shape shape_;
  void (*zero_tiny_)(T*, Index);
  AlignedBytes bytes_;
};

class MuonRule final : public RuleOf<MuonRule, MuonOptions> {
 public:
  explicit MuonRule(const MuonOptions& o) : RuleOf("Muon", o), excluded_("Muon: exclude_layers", o.exclude_layers) {
    step_.beta_1 = checked_option("Muon", "adam_beta_1", o.adam_beta_1, Allowed::below_1);
    step_.beta_2 = checked_option("Muon", "adam_beta_2", o.adam_beta_2, Allowed::below_1);
    step_.epsilon = checked_option("Muon", "epsilon", o.epsilon, Allowed::zero_or_more);
    step_.momentum = checked_option("Muon", "momentum", o.momentum, Allowed::between_0_and_1);
    step_.a = checked_option("Muon", "muon_a", o.muon_a, Allowed::finite);
    step_.b = checked_option("Muon", "muon_b", o.muon_b, Allowed::finite);
    step_.c = checked_option("Muon", "muon_c", o.muon_c, Allowed::finite);
    step_.nesterov = o.nesterov;
    step_.newton_schulz_steps =
        static_cast<Index>(checked_option("Muon", "ns_steps", static_cast<double>(o.ns_steps), Allowed::zero_or_more));
    checked_option("Muon", "adam_lr_ratio", o.adam_lr_ratio, Allowed::zero_or_more);
    if (o.adam_weight_decay) {
      checked_option("Muon", "adam_weight_decay", *o.adam_weight_decay, Allowed::zero_or_more);
    }
    if (o.rms_rate) step_.rms_rate = checked_option("Muon", "rms_rate", *o.rms_rate, Allowed::zero_or_more);
    largest_value_ = largest_singular_value();
  }
  std::vector<Slot> slots() const override { return {{"momentum"}}; }
  Index remembered(const engine::Parameter& parameter) const override {
    return (is_adams(parameter) ? 2 : 1) * parameter.shape.elements();
  }
  bool rests_without_gradient() const override { return false; }
  bool decays() const override { return decay.rate || o_.adam_weight_decay; }
  std::optional<double> decay_rate(const engine::Parameter& parameter) const override {
    if (!is_adams(parameter)) return decay.rate;
    return o_.adam_weight_decay ? std::optional<double>(o_.adam_weight_decay->value) : std::nullopt;
  }
  Index stages() const override { return step_.stages(); }
  std::unique_ptr<ParameterRule> parameter_rule(const engine::Parameter& parameter) override {
    if (is_adams(parameter)) return make_parameter_rule<MuonAdam>(parameter, step_);
    longest_side_ = std::max(
        {longest_side_, static_cast<double>(parameter.map.rows()), static_cast<double>(parameter.map.columns())});
    return make_parameter_rule<MuonMatrix>(parameter, step_);
  }
  std::size_t parameter_rule_bytes(const engine::Parameter& parameter) const override {
    if (is_adams(parameter)) {
      return static_cast<std::size_t>(parameter.shape.elements()) * element_size(parameter.block->dtype());
    }
    const Index rows = parameter.map.rows(), columns = parameter.map.columns(), side = std::min(rows, columns);
    return static_cast<std::size_t>(3 * rows * columns + 2 * side * side) * element_size(parameter.block->dtype()) +
           static_cast<std::size_t>(rows) * sizeof(double);
  }
  void begin_step() override {
    next_ = {next_power(powers_[0], step_.beta_1), next_power(powers_[1], step_.beta_2)};
    step_.rate = learning_rate;
    step_.fades = (updates_ + 1) * accumulated_steps % 64 == 0;
    step_.alpha = learning_rate * o_.adam_lr_ratio * std::sqrt(1 - next_[1]) / (1 - next_[0]);
  }
  void end_step() override {
    powers_ = next_;
    ++updates_;
  }
  void resume(Index updates) override {
    powers_ = {power_after(updates, step_.beta_1), power_after(updates, step_.beta_2)};
    updates_ = updates;
  }
  // No element of a matrix is larger than its largest singular value; squares have to be numbers too.
  Sizes after_steps(double steps, double rate, const Sizes& before, double gradient) const noexcept override {
    constexpr double kMostNorm = 0x1p500;
    const double slots = std::max(before.slots + steps * gradient, gradient * gradient);
    const double x = 2 * slots + gradient, side = step_.rms_rate ? std::sqrt(longest_side_) * *step_.rms_rate : 1;
    const double adam =
        o_.adam_lr_ratio / (1 - step_.beta_1) * slots / std::min(static_cast<float>(step_.epsilon), 1.0F);
    if (!(x * longest_side_ < kMostNorm)) return {};
    return {before.weights + steps * rate * (adam + side * largest_value_), std::max(x, largest_value_)};
  }

 private:
  bool is_adams(const engine::Parameter& parameter) const {
    if (parameter.shape.rank() != 2 || excluded_.find_in(parameter.path)) return true;
    return o_.exclude_embeddings && lower_case(parameter.path).find("embedding") != std::string::npos;
  }

  // Of what the steps make of a matrix whose norm is 1, with some room.
  double largest_singular_value() const {
    constexpr int kPoints = 256;
    double most = 1.01;
    for (Index step = 0; step < step_.newton_schulz_steps && std::isfinite(most); ++step) {
      double next = 0;
      for (int i = 0; i <= kPoints; ++i) {
        const double x = most * i / kPoints, square = x * x;
        next = std::max(next, std::abs(x * (step_.a + square * (step_.b + square * step_.c))));
      }
      most = 1.01 * next;
    }
    return most;
  }

  Patterns excluded_;
  MuonStep step_;
  std::array<double, 2> powers_ = {1, 1}, next_ = powers_;  // Adam's beta_1^t, beta_2^t: before the step, after it
  Index updates_ = 0;
  double longest_side_ = 1;  // of a matrix
  double largest_value_ = 1;
};

}  // namespace

Optimizer muon_from_config(const core::Json& config) { return core::from_fields<Muon, MuonOptions>("Muon", config); }

}  // namespace training

Muon::Muon(const MuonOptions& o)
    : Optimizer(detail::Access::make<Optimizer>(std::make_shared<training::MuonRule>(o))) {}

}  // namespace rondo
