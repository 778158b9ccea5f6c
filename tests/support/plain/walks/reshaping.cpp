// Flatten, Reshape, Permute, RepeatVector: the numbers of a sample at other places. Masks end here.
#include "support/plain/walks/walks.hpp"

namespace plain {

namespace {

// The sample's element i is x's element source[i].
Walked rearranged(const Tensor& x, const Sizes& sample, const Sizes& source) {
  const Size from = elements(x.sample), to = elements(sample);
  Tensor y{Array(x.batch * to), x.batch, sample};
  for (Size b = 0; b < x.batch; ++b) {
    for (Size i = 0; i < to; ++i) y.values[b * to + i] = x.values[b * from + source.at(i)];
  }
  return {{y}, [from, to, source, batch = x.batch](const std::vector<Array>& dy) -> std::vector<Array> {
            Array dx(batch * from, 0.0);
            for (Size b = 0; b < batch; ++b) {
              for (Size i = 0; i < to; ++i) dx[b * from + source[i]] += dy[0][b * to + i];
            }
            return {dx};
          }};
}

Sizes counted(Size count, Size period) {
  Sizes all;
  for (Size i = 0; i < count; ++i) all.push_back(i % period);
  return all;
}

}  // namespace

Walked walk_flatten(const Tensor& x) {
  const Size all = elements(x.sample);
  return rearranged(x, {all}, counted(all, all));
}

Walked walk_reshape(GraphLayer& layer, const Tensor& x) {
  const Size all = elements(x.sample);
  return rearranged(x, layer.sizes, counted(all, all));
}

Walked walk_repeat_vector(GraphLayer& layer, const Tensor& x) {
  const Size features = x.sample[0];
  return rearranged(x, {layer.n, features}, counted(layer.n * features, features));
}

Walked walk_permute(GraphLayer& layer, const Tensor& x) {
  const Size rank = x.sample.size();
  Sizes sample;
  for (const Size axis : layer.sizes) sample.push_back(x.sample.at(axis - 1));
  Sizes source;
  for (Size i = 0; i < elements(sample); ++i) {
    Sizes at(rank);  // in x
    Size rest = i, element = 0;
    for (Size axis = rank; axis-- > 0;) {
      at[layer.sizes[axis] - 1] = rest % sample[axis];
      rest /= sample[axis];
    }
    for (Size axis = 0; axis < rank; ++axis) element = element * x.sample[axis] + at[axis];
    source.push_back(element);
  }
  return rearranged(x, sample, source);
}

}  // namespace plain
