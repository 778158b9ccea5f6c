// What every recurrent layer promises of a state that it carries from batch to batch.
#pragma once

#include <gtest/gtest.h>
#include <vector>

#include <rondo/layer.hpp>
#include <rondo/tensor.hpp>

namespace rondo::test {

// Both return sequences; `pieces` is stateful and otherwise like `whole`. Steps 0 to 1 and then 2 to 5 give what all
// six give at once, to the bit.
inline void expect_to_go_on(const Layer& whole, const Layer& pieces) {
  std::vector<double> elements;
  for (int i = 0; i < 3 * 6 * 2; ++i) elements.push_back(0.1 * (i % 17) - 0.8);
  const Tensor X({3, 6, 2}, elements);
  const Tensor y = whole(X)[0];
  pieces.build({3, 6, 2});
  pieces.set_weights(whole.get_weights());
  const TensorView<const double> view = X.view<double>();
  const Tensor first = pieces(Tensor(view.slice(1, 0, 2)))[0], second = pieces(Tensor(view.slice(1, 2, 6)))[0];
  for (Index b = 0; b < 3; ++b) {
    for (Index t = 0; t < 6; ++t) {
      for (Index u = 0; u < y.shape()[2]; ++u) EXPECT_EQ(t < 2 ? first(b, t, u) : second(b, t - 2, u), y(b, t, u));
    }
  }
  pieces.reset_states();
  EXPECT_TRUE(pieces(X)[0].identical(y)) << "reset_states begins anew";
}

}  // namespace rondo::test
