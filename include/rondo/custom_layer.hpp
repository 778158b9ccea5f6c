// A layer of your own: what it computes of a sample, and back.
//
//   // y = x * scale, with a weight for each feature.
//   const Layer scale = custom_layer("Scale", {
//       .weights = [](const std::vector<Shape>& x) -> std::vector<CustomWeight> {
//         return {{"scale", {x[0].back()}, Ones()}};
//       },
//       .forward = [](const ForwardPass& pass) {
//         const auto n = pass.weights[0].size();
//         for (std::size_t i = 0; i < pass.y.size(); ++i) pass.y[i] = pass.x[0][i] * pass.weights[0][i % n];
//       },
//       .backward = [](const BackwardPass& pass) {
//         const auto n = pass.weights[0].size();
//         for (std::size_t i = 0; i < pass.dy.size(); ++i) {
//           if (!pass.dx[0].empty()) pass.dx[0][i] = pass.dy[i] * pass.weights[0][i % n];
//           if (!pass.dweights.empty()) pass.dweights[0][i % n] += pass.dy[i] * pass.x[0][i];
//         }
//       }});
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <rondo/constraints.hpp>
#include <rondo/dtype_policy.hpp>
#include <rondo/initializers.hpp>
#include <rondo/layer.hpp>
#include <rondo/regularizers.hpp>
#include <rondo/shape.hpp>

namespace rondo {

using Numbers = std::span<const double>;
using WritableNumbers = std::span<double>;

// One sample on its way through the layer. Tensors are row-major: a sample of shape (timesteps, features) is its first
// time step's features, then those of the second. In a float32 model the numbers are float32's, as doubles.
struct ForwardPass {
  std::span<const Numbers> x;        // of each input
  std::span<const Numbers> weights;  // in their order
  WritableNumbers y;                 // out; begins with zeros
  bool training = false;             // in fit, unless the call says otherwise
};

// And back: the derivatives of the loss by the inputs and by the weights from those by the output. Asked for the ones
// or the others: what is not wanted is empty.
struct BackwardPass {
  std::span<const Numbers> x, weights;
  Numbers y, dy;
  std::span<const WritableNumbers> dx;        // out, for each input; begins with zeros, empty if not wanted
  std::span<const WritableNumbers> dweights;  // to be added to, for each weight; none if not wanted
};

struct CustomWeight {
  std::string name;
  Shape shape;
  Initializer initializer = GlorotUniform();
  std::optional<Regularizer> regularizer = {};
  std::optional<Constraint> constraint = {};
};

// What the layer does. Functions are called by several threads at once, for samples in any order, and must depend on
// their arguments alone. What forward or backward throws ends the step and comes out of fit, evaluate or predict;
// the weights are those before the batch, and the model can be used further.
struct CustomLayer {
  // Its weights for inputs of these sample shapes (axes of unknown size are Shape::kUnknown). Default: none.
  std::function<std::vector<CustomWeight>(const std::vector<Shape>& x)> weights = {};
  // The sample shape that comes out. Default: that of the input. Throw a ShapeError where inputs do not fit.
  std::function<Shape(const std::vector<Shape>& x)> output_shape = {};
  std::function<void(const ForwardPass&)> forward;
  std::function<void(const BackwardPass&)> backward;
  // What a sample (a time step, with .each_step) adds to the loss, from its output: Keras's add_loss. The mean over the
  // batch's samples is added. Writes the derivative by y too; dy begins with zeros.
  //
  //   .loss = [](Numbers y, WritableNumbers dy) {  // pulls the outputs towards 0: 0.01 y^2
  //     double sum = 0;
  //     for (std::size_t i = 0; i < y.size(); ++i) sum += 0.01 * y[i] * y[i], dy[i] = 0.02 * y[i];
  //     return sum;
  //   }
  std::function<double(Numbers y, WritableNumbers dy)> loss = {};
};

struct CustomLayerOptions {
  // Whether it works on each time step by itself: the functions get one after the other, shapes are those of a time
  // step. Such a layer may stand in a stream, and hands masks on.
  bool each_step = false;
  bool trainable = true;
  Shape input_shape = {};
  std::string name = {};
  std::optional<DTypePolicy> dtype = {};
};

// The layer; `class_name` is what summary and messages call it. ConfigError without forward or backward. A model that
// has one cannot be made from a configuration, since functions are not in it.
Layer custom_layer(const std::string& class_name, CustomLayer rule, const CustomLayerOptions& options = {});

}  // namespace rondo
