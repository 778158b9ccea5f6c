// BatchNormalization (Ioffe and Szegedy 2015) with Keras's moments under a mask.
#include <cmath>

#include "support/plain/walks/walks.hpp"

namespace plain {

namespace {

constexpr double kMaskEpsilon = 1e-7;  // Keras adds it to the number of elements that a mask lets count

// Where an element belongs to: the place along the axis that it is normalized with, and whether it counts.
struct Element {
  Size channel;
  bool counts;
};

std::vector<Element> all_elements(const GraphLayer& layer, const Tensor& x) {
  const Size rank = x.sample.size();
  const Size axis = layer.axis < 0 ? rank - static_cast<Size>(-layer.axis) : static_cast<Size>(layer.axis) - 1;
  Size inner = 1;
  for (Size a = axis + 1; a < rank; ++a) inner *= x.sample[a];
  std::vector<Element> all;
  for (Size i = 0; i < x.values.size(); ++i) {
    const Size in_step = x.mask.empty() ? 1 : x.values.size() / x.mask.size();
    all.push_back({i / inner % x.sample[axis], x.mask.empty() || x.mask[i / in_step] != 0});
  }
  return all;
}

struct Moments {
  Array mean, variance, count;  // of each channel
};

Moments batch_moments(const Tensor& x, const std::vector<Element>& all, Size channels) {
  Moments m{Array(channels, 0.0), Array(channels, 0.0), Array(channels, x.mask.empty() ? 0.0 : kMaskEpsilon)};
  for (Size i = 0; i < all.size(); ++i) {
    if (all[i].counts) m.count[all[i].channel] += 1;
  }
  for (Size i = 0; i < all.size(); ++i) {
    if (all[i].counts) m.mean[all[i].channel] += x.values[i] / m.count[all[i].channel];
  }
  for (Size i = 0; i < all.size(); ++i) {
    const Size c = all[i].channel;
    const double deviation = x.values[i] - m.mean[c];
    if (all[i].counts) m.variance[c] += deviation * deviation / m.count[c];
  }
  return m;
}

}  // namespace

Walked walk_batch_normalization(GraphLayer& layer, const Tensor& x, Pass& pass) {
  const Size first_moving = layer.weights.size() - 2, channels = layer.weights[first_moving].size();
  Array &moving_mean = layer.weights[first_moving], &moving_variance = layer.weights[first_moving + 1];
  const std::vector<Element> all = all_elements(layer, x);
  const bool of_batch = pass.training && layer.trainable;
  const auto& before = pass.statistics.try_emplace(&layer, std::array{moving_mean, moving_variance}).first->second;
  const Moments m = of_batch ? batch_moments(x, all, channels) : Moments{before[0], before[1], {}};
  for (Size c = 0; of_batch && c < channels; ++c) {
    moving_mean[c] = layer.momentum * moving_mean[c] + (1 - layer.momentum) * m.mean[c];
    moving_variance[c] = layer.momentum * moving_variance[c] + (1 - layer.momentum) * m.variance[c];
  }
  const Array gamma = layer.scale ? layer.weights[0] : Array(channels, 1.0);
  const Array beta = layer.center ? layer.weights[layer.scale ? 1 : 0] : Array(channels, 0.0);
  Array r;
  for (const double v : m.variance) r.push_back(1 / std::sqrt(v + layer.epsilon));

  Tensor y = x;
  for (Size i = 0; i < all.size(); ++i) {
    const Size c = all[i].channel;
    y.values[i] = gamma[c] * (x.values[i] - m.mean[c]) * r[c] + beta[c];
  }
  // The way back, from dy to what y was made of: gamma, beta, the deviation from the mean, and so variance and mean.
  return {{y}, [&layer, x, all, m, gamma, r, of_batch, channels](const std::vector<Array>& dy) -> std::vector<Array> {
            Array d_gamma(channels, 0.0), d_beta(channels, 0.0), d_variance(channels, 0.0), d_mean(channels, 0.0);
            for (Size i = 0; i < all.size(); ++i) {
              const Size c = all[i].channel;
              const double deviation = x.values[i] - m.mean[c], d = dy[0][i];
              d_gamma[c] += d * deviation * r[c];
              d_beta[c] += d;
              d_variance[c] += d * gamma[c] * deviation * -0.5 * r[c] * r[c] * r[c];
              d_mean[c] -= d * gamma[c] * r[c];
            }
            for (Size i = 0; of_batch && i < all.size(); ++i) {
              const Size c = all[i].channel;
              if (all[i].counts) d_mean[c] -= d_variance[c] * 2 * (x.values[i] - m.mean[c]) / m.count[c];
            }
            Array dx;
            for (Size i = 0; i < all.size(); ++i) {
              const Size c = all[i].channel;
              double d = dy[0][i] * gamma[c] * r[c];
              if (of_batch && all[i].counts) {
                d += (d_variance[c] * 2 * (x.values[i] - m.mean[c]) + d_mean[c]) / m.count[c];
              }
              dx.push_back(d);
            }
            std::vector<Array> weights;
            if (layer.scale) weights.push_back(d_gamma);
            if (layer.center) weights.push_back(d_beta);
            weights.insert(weights.end(), {Array(channels, 0.0), Array(channels, 0.0)});  // the moving statistics
            add_gradients(layer, weights);
            return {dx};
          }};
}

}  // namespace plain
