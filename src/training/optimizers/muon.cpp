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

  // The first two stages make x, the last takes it from the weights; between them are three for each step of x.
  Index stages() const { return 2 + 3 * newton_schulz_steps + 1; }
};

// What a matrix's products take: x is short by long. Their right factors stand in the panels of Dense's weights.
struct MuonSizes {
  MuonSizes(const engine::PackedMap& map, Index lanes)
      : shorter(std::min(map.rows(), map.columns())),
        longer(std::max(map.rows(), map.columns())),
        x{.inputs = shorter, .units = longer, .use_bias = false, .lanes = lanes},
        transposed{.inputs = longer, .units = shorter, .use_bias = false, .lanes = lanes},
        square{.inputs = shorter, .units = shorter, .use_bias = false, .lanes = lanes} {}

  // From row to row, with room for whole vectors.
  Index x_stride() const { return round_up(longer, kernels::kRowPadding); }
  Index square_stride() const { return round_up(shorter, kernels::kRowPadding); }
  Index elements() const {
    return shorter * (x_stride() + 2 * square_stride()) + x.size() + transposed.size() + square.size();
  }

  Index shorter, longer;
  kernels::DenseLayout x, transposed, square;
};

template <class T>
class MuonMatrix final : public ParameterRuleOf<MuonMatrix<T>, T> {
 public:
  MuonMatrix(const MuonStep& step, const engine::Parameter& parameter)
      : step_(step),
        ops_(parameter.block->table().ops<T>()),
        map_(parameter.map),
        tall_(map_.rows() > map_.columns()),
        sizes_(map_, ops_.lanes),
        squares_(static_cast<std::size_t>(map_.rows())),
        bytes_(static_cast<std::size_t>(sizes_.elements()) * sizeof(T), "the optimizer's matrices"),
        x_(reinterpret_cast<T*>(bytes_.data())),
        product_(x_ + sizes_.shorter * sizes_.x_stride()),
        polynomial_(product_ + sizes_.shorter * sizes_.square_stride()),
        packed_x_(polynomial_ + sizes_.shorter * sizes_.square_stride()),
        packed_transposed_(packed_x_ + sizes_.x.size()),
        packed_product_(packed_transposed_ + sizes_.transposed.size()) {}

  void run(Index stage, const BlockArrays<T>& a, const engine::Member& member) noexcept {
    const Range rows = member.share(sizes_.shorter), of_weight = member.share(map_.rows());
    if (stage == 0) return take_momentum(a, of_weight);
    if (stage == 1) return scale(rows);
    if (stage == step_.stages() - 1) return move(a, of_weight);
    const Index part = (stage - 2) % 3;
    part == 0 ? multiply(rows) : part == 1 ? take_step(rows) : pack(rows);
  }

 private:
  // Where an element of the weight stands in x.
  T& in_x(Index row, Index column) const {
    return tall_ ? x_[column * sizes_.x_stride() + row] : x_[row * sizes_.x_stride() + column];
  }

  void take_momentum(const BlockArrays<T>& a, Range rows) noexcept {
    const T momentum = static_cast<T>(step_.momentum);
    for (Index row = rows.begin; row < rows.end; ++row) {
      map_.for_runs({row, row + 1}, [&](Index element, Index place, Index count) {
        for (Index i = 0; i < count; ++i) {
          const T g = a.gradient[place + i];
          T& m = a.slots[0][place + i];
          m = momentum * m + g;
          in_x(row, element - row * map_.columns() + i) = step_.nesterov ? g + momentum * m : m;
        }
      });
      double sum = 0;
      for (Index column = 0; column < map_.columns(); ++column) {
        const double x = static_cast<double>(in_x(row, column));
        sum += x * x;
      }
      squares_[static_cast<std::size_t>(row)] = sum;
    }
  }

  void scale(Range rows) noexcept {
    const T norm = static_cast<T>(std::sqrt(sum_of(squares_)) + 1e-7);
    for (Index row = rows.begin; row < rows.end; ++row) {
      T* x = x_ + row * sizes_.x_stride();
      for (Index k = 0; k < sizes_.longer; ++k) x[k] /= norm;
    }
    pack(rows);
  }

  // Rows of x as right factors of the products: x and its transpose.
  void pack(Range rows) noexcept {
    for (Index row = rows.begin; row < rows.end; ++row) {
      const T* x = x_ + row * sizes_.x_stride();
      pack_row(sizes_.x, row, x, packed_x_);
      const kernels::DenseLayout& layout = sizes_.transposed;
      const Index first = layout.index(0, row), stride = layout.inputs > 1 ? layout.index(1, row) - first : 0;
      for (Index k = 0; k < sizes_.longer; ++k) packed_transposed_[first + k * stride] = x[k];
    }
  }
  static void pack_row(const kernels::DenseLayout& layout, Index row, const T* from, T* panels) noexcept {
    const kernels::ColumnGroups groups = layout.groups();
    for (Index g = 0; g < groups.count(); ++g) {
      const Index first = groups.first(g) * layout.panel_lanes(), width = groups.width(g) * layout.panel_lanes();
      std::copy_n(from + first, std::min(width, layout.units - first), panels + layout.panel_offset(g) + row * width);
    }
  }

  // Rows of out = left right.
  void multiply(const kernels::DenseLayout& layout, const T* left, Index left_stride, const T* right, T* out,
                Index out_stride, Range rows) const noexcept {
    ops_.dense_forward(
        {.layout = layout, .steps = 1, .weights = right, .x = {left, left_stride, 0}, .y = {out, out_stride, 0}}, rows);
  }

  // A = x x^T.
  void multiply(Range rows) noexcept {
    const Index stride = sizes_.square_stride();
    multiply(sizes_.transposed, x_, sizes_.x_stride(), packed_transposed_, product_, stride, rows);
    for (Index row = rows.begin; row < rows.end; ++row) {
      pack_row(sizes_.square, row, product_ + row * stride, packed_product_);
    }
  }

  // x = (a + b A + c A A) x, of which nobody else reads these rows until they are packed.
  void take_step(Range rows) noexcept {
    const T a = static_cast<T>(step_.a), b = static_cast<T>(step_.b), c = static_cast<T>(step_.c);
    const Index stride = sizes_.square_stride();
    multiply(sizes_.square, product_, stride, packed_product_, polynomial_, stride, rows);
    for (Index row = rows.begin; row < rows.end; ++row) {
      const T* product = product_ + row * stride;
      T* polynomial = polynomial_ + row * stride;
      for (Index k = 0; k < sizes_.shorter; ++k) polynomial[k] = b * product[k] + c * polynomial[k];
      polynomial[row] += a;
    }
    multiply(sizes_.x, polynomial_, stride, packed_x_, x_, sizes_.x_stride(), rows);
  }

  void move(const BlockArrays<T>& a, Range rows) const noexcept {
    const double side = std::sqrt(static_cast<double>(sizes_.longer));
    const T rate = static_cast<T>(step_.rate * (step_.rms_rate ? side * *step_.rms_rate : 1));
    map_.for_runs(rows, [&](Index element, Index place, Index count) {
      const Index row = element / map_.columns(), column = element % map_.columns();
      for (Index i = 0; i < count; ++i) a.weights[place + i] -= rate * in_x(row, column + i);
    });
  }

  const MuonStep& step_;
  const kernels::Ops<T>& ops_;
  engine::PackedMap map_;
  bool tall_;  // x is the transposed weight
  MuonSizes sizes_;
  std::vector<double> squares_;  // by rows of the weight
  AlignedBytes bytes_;           // of all that follow
  T *x_, *product_, *polynomial_, *packed_x_, *packed_transposed_, *packed_product_;
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
    const Index lanes = parameter.block->dtype() == DType::float32 ? parameter.block->table().f32.lanes
                                                                   : parameter.block->table().f64.lanes;
    return static_cast<std::size_t>(MuonSizes(parameter.map, lanes).elements()) *
               element_size(parameter.block->dtype()) +
           static_cast<std::size_t>(parameter.map.rows()) * sizeof(double);
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
