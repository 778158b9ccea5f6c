// Adafactor.
#include <algorithm>
#include <cmath>

#include "core/own_math.hpp"
#include "training/optimizers/rule.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, AdafactorOptions& o) {
  training::optimizer_fields(v, "adafactor", o);
  v("beta_2_decay", o.beta_2_decay);
  v("epsilon_1", o.epsilon_1);
  v("epsilon_2", o.epsilon_2);
  v("clip_threshold", o.clip_threshold);
  v("relative_step", o.relative_step);
}

namespace training {

namespace {

// What the step at work takes for all parameters.
struct AdafactorStep {
  double rate = 0, beta_2 = 0, epsilon_1 = 0, epsilon_2 = 0, clip_threshold = 1;
};

// How v is kept: for the last two axes, `rows` by `columns`, of each matrix that the others count; or, of a parameter
// of fewer axes, as it is.
struct Factors {
  explicit Factors(const Shape& shape)
      : factored(shape.rank() >= 2),
        columns(shape.empty() ? 1 : shape.back()),
        rows(factored ? shape[-2] : 1),
        matrices(factored ? shape.elements() / std::max<Index>(rows * columns, 1) : 1) {}

  Index of_rows() const { return factored ? matrices * rows : 0; }
  Index of_columns() const { return matrices * columns; }
  Index remembered() const { return of_rows() + of_columns(); }

  bool factored;
  Index columns, rows, matrices;
};

// u = g / sqrt(r c / mean(r)) is the product of g, a factor of the row and one of the column, so that an element takes
// neither root nor quotient.
template <class T>
class AdafactorParameter final : public ParameterRuleOf<AdafactorParameter<T>, T> {
 public:
  AdafactorParameter(const AdafactorStep& step, const engine::Parameter& parameter)
      : step_(step),
        kernels_(parameter.block->table().ops<T>().rows),
        factors_(parameter.shape),
        shape_(parameter.shape),
        map_(parameter.map),
        bytes_(static_cast<std::size_t>(factors_.remembered()) * sizeof(T), "the optimizer's memory of weights"),
        column_factors_(static_cast<std::size_t>(factors_.of_columns())),
        of_weights_(static_cast<std::size_t>(map_.rows())),
        of_updates_(static_cast<std::size_t>(map_.rows())) {}

  void run(Index stage, const BlockArrays<T>& a, const engine::Member& member) noexcept {
    const Range rows = member.share(map_.rows());
    if (stage == 0) {
      take_means(a, rows, member.share(map_.columns()));
    } else if (stage == 1) {
      square_updates(a, rows);
    } else {
      move(a, rows);
    }
  }

  std::span<std::byte> memory() override { return {bytes_.data(), bytes_.size()}; }

  // r, c and v, the first two of which Keras has as single zeros where they are not used.
  std::vector<Remembered> remembered() const override {
    Tensor r(Shape{}, dtype_of<T>), c(Shape{}, dtype_of<T>), v(shape_, dtype_of<T>);
    if (!factors_.factored) {
      std::copy_n(of_columns(), v.size(), v.template data<T>().begin());
      return {{"", r}, {"", c}, {"_velocity", v}};
    }
    r = Tensor(shape_.without_last(), dtype_of<T>);
    c = Tensor(shape_.without_last().without_last().append(shape_.back()), dtype_of<T>);
    std::copy_n(of_rows(), r.size(), r.template data<T>().begin());
    std::copy_n(of_columns(), c.size(), c.template data<T>().begin());
    std::size_t i = 0;
    for (Index row = 0; row < map_.rows(); ++row) {
      const double part = static_cast<double>(of_rows()[row]) / mean_of_rows(row / factors_.rows);
      const T* columns = columns_of(row);
      for (Index k = 0; k < factors_.columns; ++k, ++i) {
        v.template data<T>()[i] = static_cast<T>(part == part ? part * static_cast<double>(columns[k]) : 0);
      }
    }
    return {{"", r}, {"", c}, {"_velocity", v}};
  }
  // Of a factored weight v follows from r and c; any other has nothing but v.
  void remember(std::span<const Tensor> values) override {
    const auto take = [&](std::size_t i, T* to) {
      const Tensor value = values[i].cast(dtype_of<T>);
      std::copy_n(value.template data<T>().begin(), value.size(), to);
    };
    if (factors_.factored) take(0, of_rows());
    take(factors_.factored ? 1 : 2, of_columns());
  }

 private:
  using SumsOfRow = std::array<engine::Chains, 2>;  // of weights and gradients

  T* of_rows() const { return reinterpret_cast<T*>(bytes_.data()); }
  T* of_columns() const { return of_rows() + factors_.of_rows(); }
  const T* columns_of(Index row) const { return of_columns() + row / factors_.rows * factors_.columns; }
  const double* column_factors_of(Index row) const {
    return column_factors_.data() + row / factors_.rows * factors_.columns;
  }

  T mixed(T before, double now) const {
    return static_cast<T>(step_.beta_2 * static_cast<double>(before) + (1 - step_.beta_2) * now);
  }

  // Walks all rows, for the sums of some columns row after row; of some rows it takes the sums too.
  void take_means(const BlockArrays<T>& a, Range rows, Range columns) noexcept {
    const bool takes_all = columns.size() == factors_.columns;
    for (Index matrix = 0; matrix < factors_.matrices; ++matrix) {
      double* sums = column_factors_.data() + matrix * factors_.columns;
      std::fill(sums + columns.begin, sums + columns.end, 0);
      for (Index row = matrix * factors_.rows, next; row < (matrix + 1) * factors_.rows; row = next) {
        next = row + 1;
        if (row < rows.begin || row >= rows.end) {
          add_to_columns(a, row, columns, sums);
        } else if (takes_all) {
          next = row + rows_at_once(row, rows.end);
          take_all_of_rows(a, {row, next}, sums);
        } else {
          take_row(a, row);
          add_to_columns(a, row, columns, sums);
        }
      }
      T* means = of_columns() + matrix * factors_.columns;
      for (Index k = columns.begin; k < columns.end; ++k) {
        means[k] = mixed(means[k], sums[k] / static_cast<double>(factors_.rows));
        sums[k] = inverse_root(static_cast<double>(means[k]));
      }
    }
  }

  // What a kernel takes from this row on: rows of one matrix.
  Index rows_at_once(Index row, Index end) const noexcept {
    const Index end_of_matrix = (row / factors_.rows + 1) * factors_.rows;
    return row + kernels::kRowsAtOnce <= std::min(end, end_of_matrix) ? kernels::kRowsAtOnce : 1;
  }

  void take_all_of_rows(const BlockArrays<T>& a, Range rows, double* sums) noexcept {
    std::array<SumsOfRow, kernels::kRowsAtOnce> sums_of_rows{};
    for (const engine::PackedMap::Run& run : map_.runs()) {
      const Index place = run.first + rows.begin * run.row_stride;
      kernels_.add_all_squares(step_.epsilon_1, run.column, a.weights + place, a.gradient + place, rows.size(),
                               run.row_stride, run.count, sums_of_rows[0][0].data(), sums + run.column);
    }
    for (Index row = rows.begin; row < rows.end; ++row) {
      take_sums(row, sums_of_rows[static_cast<std::size_t>(row - rows.begin)]);
    }
  }

  void take_row(const BlockArrays<T>& a, Index row) noexcept {
    SumsOfRow sums{};
    map_.for_runs({row, row + 1}, [&](Index element, Index place, Index count) {
      const Index column = element - row * factors_.columns;
      kernels_.add_squares(0, column, a.weights + place, count, sums[0].data());
      kernels_.add_squares(step_.epsilon_1, column, a.gradient + place, count, sums[1].data());
    });
    take_sums(row, sums);
  }

  void take_sums(Index row, const SumsOfRow& sums) noexcept {
    of_weights_[static_cast<std::size_t>(row)] = sum_of(sums[0]);
    if (!factors_.factored) return;
    of_rows()[row] = mixed(of_rows()[row], sum_of(sums[1]) / static_cast<double>(factors_.columns));
  }

  void add_to_columns(const BlockArrays<T>& a, Index row, Range columns, double* sums) const noexcept {
    map_.for_runs({row, row + 1}, [&](Index element, Index place, Index count) {
      const Index column = element - row * factors_.columns;
      const Index first = std::max(columns.begin, column), last = std::min(columns.end, column + count);
      if (first >= last) return;
      kernels_.add_column_squares(step_.epsilon_1, a.gradient + place + first - column, last - first, sums + first);
    });
  }

  void square_updates(const BlockArrays<T>& a, Range rows) noexcept {
    for (Index row = rows.begin; row < rows.end;) {
      const Index count = rows_at_once(row, rows.end);
      std::array<engine::Chains, kernels::kRowsAtOnce> chains{};
      for (const engine::PackedMap::Run& run : map_.runs()) {
        kernels_.add_scaled_squares(run.column, a.gradient + run.first + row * run.row_stride, count, run.row_stride,
                                    column_factors_of(row) + run.column, run.count, chains[0].data());
      }
      for (Index i = 0; i < count; ++i, ++row) {
        of_updates_[static_cast<std::size_t>(row)] = sum_of(chains[static_cast<std::size_t>(i)]);
      }
    }
    with_row_factors(rows, [&](Index row, double factor) {
      double& squares = of_updates_[static_cast<std::size_t>(row)];
      squares = factor * factor * squares;
    });
  }

  void move(const BlockArrays<T>& a, Range rows) const noexcept {
    const double elements = static_cast<double>(map_.rows() * map_.columns());
    const double weight = std::sqrt(sum_of(of_weights_) / elements);
    const double update = std::sqrt(sum_of(of_updates_) / elements);
    const double step = step_.rate * std::max(step_.epsilon_2, weight) / std::max(1.0, update / step_.clip_threshold);
    with_row_factors(rows, [&](Index row, double row_factor) {
      const double factor = step * row_factor, *columns = column_factors_of(row);
      map_.for_runs({row, row + 1}, [&](Index element, Index place, Index count) {
        const Index column = element - row * factors_.columns;
        kernels_.scaled_step(factor, columns + column, a.gradient + place, a.weights + place, count);
      });
    });
  }

  // f(row, factor) for some rows.
  template <class F>
  void with_row_factors(Range rows, F&& f) const noexcept {
    Index matrix = -1;
    double mean = 1;
    for (Index row = rows.begin; row < rows.end; ++row) {
      if (factors_.factored && row / factors_.rows != matrix) mean = mean_of_rows(matrix = row / factors_.rows);
      f(row, factors_.factored ? inverse_root(static_cast<double>(of_rows()[row]) / mean) : 1);
    }
  }

  // 0 for 0: only gradients that are 0 meet it.
  static double inverse_root(double x) noexcept { return x > 0 ? 1 / std::sqrt(x) : 0; }
  double mean_of_rows(Index matrix) const noexcept {
    double sum = 0;
    for (Index i = 0; i < factors_.rows; ++i) sum += static_cast<double>(of_rows()[matrix * factors_.rows + i]);
    return sum / static_cast<double>(factors_.rows);
  }

  const AdafactorStep& step_;
  const kernels::RowUpdates<T>& kernels_;
  Factors factors_;
  Shape shape_;
  engine::PackedMap map_;
  AlignedBytes bytes_;  // r, then c; or v
  std::vector<double> column_factors_;
  std::vector<double> of_weights_, of_updates_;  // squares, by rows
};

class AdafactorRule final : public RuleOf<AdafactorRule, AdafactorOptions> {
 public:
  explicit AdafactorRule(const AdafactorOptions& o) : RuleOf("Adafactor", o) {
    checked_option("Adafactor", "beta_2_decay", o.beta_2_decay, Allowed::zero_or_less);
    step_.epsilon_1 = checked_option("Adafactor", "epsilon_1", o.epsilon_1, Allowed::zero_or_more);
    step_.epsilon_2 = checked_option("Adafactor", "epsilon_2", o.epsilon_2, Allowed::zero_or_more);
    step_.clip_threshold = checked_option("Adafactor", "clip_threshold", o.clip_threshold, Allowed::above_0);
  }
  std::vector<Slot> slots() const override { return {}; }
  // As Keras, which keeps v beside its factors.
  Index remembered(const engine::Parameter& parameter) const override {
    const Factors factors(parameter.shape);
    return parameter.shape.elements() + (factors.factored ? factors.remembered() : 2);
  }
  bool rests_without_gradient() const override { return true; }
  Index stages() const override { return 3; }
  std::unique_ptr<ParameterRule> parameter_rule(const engine::Parameter& parameter) override {
    most_elements_ = std::max(most_elements_, static_cast<double>(parameter.shape.elements()));
    return make_parameter_rule<AdafactorParameter>(parameter, step_);
  }
  std::size_t parameter_rule_bytes(const engine::Parameter& parameter) const override {
    const Factors factors(parameter.shape);
    return static_cast<std::size_t>(factors.remembered()) * element_size(parameter.block->dtype()) +
           static_cast<std::size_t>(factors.of_columns() + 2 * parameter.map.rows()) * sizeof(double);
  }
  void begin_step() override {
    const double t = updates_ + 1;
    step_.rate = std::min(learning_rate, 1 / std::sqrt(t));
    step_.beta_2 = 1 - own_pow(t, o_.beta_2_decay);
  }
  void end_step() override { updates_ += 1; }
  void resume(Index updates) override { updates_ = static_cast<double>(updates); }
  // The root of the mean square of a step is at most the rate times clip_threshold times that of the weights, or
  // epsilon_2. r and c are at least epsilon_1 by the part of it that a step takes in.
  Sizes after_steps(double steps, double rate, const Sizes& before, double gradient) const noexcept override {
    constexpr double kMostNorm = 0x1p500;
    const double root = std::sqrt(most_elements_), most = std::max(before.slots, gradient * gradient + o_.epsilon_1);
    const double least = o_.epsilon_1 * own_pow(updates_ + steps + 1, o_.beta_2_decay);
    const double update = root * gradient * std::sqrt(most) / least;
    const double growth = std::pow(1 + rate * o_.clip_threshold, steps);
    const double weights = root * (before.weights + steps * rate * o_.clip_threshold * o_.epsilon_2) * growth;
    if (!(update < kMostNorm && weights < kMostNorm)) return {};
    return {weights, most};
  }

 private:
  AdafactorStep step_;
  double updates_ = 0;
  double most_elements_ = 1;  // of a parameter
};

}  // namespace

Optimizer adafactor_from_config(const core::Json& config) {
  return core::from_fields<Adafactor, AdafactorOptions>("Adafactor", config);
}

}  // namespace training

Adafactor::Adafactor(const AdafactorOptions& o)
    : Optimizer(detail::Access::make<Optimizer>(std::make_shared<training::AdafactorRule>(o))) {}

}  // namespace rondo
