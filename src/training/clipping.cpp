#include "training/clipping.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/dispatch.hpp"
#include "engine/sum_of_row.hpp"

namespace rondo::training {

using engine::Member;
using engine::Run;

namespace {

template <class T>
double squares_of_row(const engine::PackedMap& map, Index row, const T* gradient) noexcept {
  return engine::sum_of_row(map, row, [gradient](std::size_t place) {
    const double g = static_cast<double>(gradient[place]);
    return g * g;
  });
}

// What makes a norm at most `most`; NaN where the norm is beyond a double, so that the step is refused.
double factor_for(double squares, double most) noexcept {
  const double norm = std::isfinite(squares) ? std::sqrt(squares) : std::numeric_limits<double>::quiet_NaN();
  if (std::isnan(norm)) return norm;
  return norm > most ? most / norm : 1;
}

}  // namespace

Clipping::Clipping(const ClippingRule& rule, DType dtype, std::vector<Gradient> gradients)
    : rule_(rule), dtype_(dtype) {
  if (!rule) return;
  gradients_ = std::move(gradients);
  Index rows = 0;
  for (const Gradient& gradient : gradients_) rows += gradient.map.rows();
  squares_.resize(static_cast<std::size_t>(rows));
}

std::vector<Clipping::Gradient> Clipping::gradients_of(const engine::Plan& plan,
                                                       const std::vector<engine::Parameter>& parameters) {
  std::vector<Gradient> gradients;
  for (const engine::Parameter& parameter : parameters) {
    for (const engine::GradientSlot& slot : plan.gradient_slots()) {
      if (slot.block == parameter.block) gradients.push_back({parameter.map, slot.gradient});
    }
  }
  return gradients;
}

void Clipping::add_squares(const Run& run, const Member& member) const noexcept {
  core::with_type(dtype_, [&]<class T>() {
    double* squares = squares_.data();  // of the rows of a gradient
    for (const Gradient& gradient : gradients_) {
      const Range mine = member.share(gradient.map.rows());
      for (Index row = mine.begin; row < mine.end; ++row) {
        squares[row] = squares_of_row(gradient.map, row, gradient.place.pointer<const T>(run));
      }
      squares += gradient.map.rows();
    }
  });
}

double Clipping::sum_of_squares(const Gradient& gradient, std::size_t first_row) const noexcept {
  double sum = 0;
  for (std::size_t row = 0; row < static_cast<std::size_t>(gradient.map.rows()); ++row) {
    sum += squares_[first_row + row];
  }
  return sum;
}

void Clipping::clip(const Run& run, const Member& member) const noexcept {
  core::with_type(dtype_, [&]<class T>() { rule_.needs_norms() ? scale<T>(run, member) : cut<T>(run, member); });
}

template <class T>
void Clipping::scale(const Run& run, const Member& member) const noexcept {
  double all = 0;
  for (const double row : squares_) all += row;
  std::size_t first_row = 0;
  for (const Gradient& gradient : gradients_) {
    const double factor = rule_.norm > 0 ? factor_for(sum_of_squares(gradient, first_row), rule_.norm)
                                         : factor_for(all, rule_.global_norm);
    first_row += static_cast<std::size_t>(gradient.map.rows());
    if (factor == 1) continue;
    T* g = gradient.place.pointer<T>(run);
    // What the plan computes no gradient of stays 0, also where the factor is NaN.
    const bool keeps_zeros = std::isnan(factor);
    gradient.map.for_runs(member.share(gradient.map.rows()), [&](Index /*element*/, Index place, Index count) {
      for (Index i = place; i < place + count; ++i) {
        if (keeps_zeros && g[i] == 0) continue;
        g[i] = static_cast<T>(static_cast<double>(g[i]) * factor);
      }
    });
  }
}

template <class T>
void Clipping::cut(const Run& run, const Member& member) const noexcept {
  const T most = static_cast<T>(rule_.value);
  for (const Gradient& gradient : gradients_) {
    T* g = gradient.place.pointer<T>(run);
    gradient.map.for_runs(member.share(gradient.map.rows()), [&](Index /*element*/, Index place, Index count) {
      for (Index i = place; i < place + count; ++i) g[i] = std::clamp(g[i], -most, most);
    });
  }
}

}  // namespace rondo::training
