// Add and Concatenate.
#include <algorithm>

#include "support/plain/walks/walks.hpp"

namespace plain {

namespace {

Sizes with_leading_ones(Sizes sample, Size rank) {
  while (sample.size() < rank) sample.insert(sample.begin(), 1);
  return sample;
}

// What these stretch to: axes of 1 to those of the others, missing ones standing behind the batch.
Sizes stretched(const std::vector<Tensor>& inputs) {
  Sizes all;
  for (const Tensor& x : inputs) all = with_leading_ones(all, x.sample.size());
  for (const Tensor& x : inputs) {
    const Sizes sample = with_leading_ones(x.sample, all.size());
    for (Size axis = 0; axis < all.size(); ++axis) all[axis] = std::max(all[axis], sample[axis]);
  }
  return all;
}

// For each element of a sample of shape `to` the one of `from` that is stretched over it.
Sizes sources(const Sizes& from, const Sizes& to) {
  const Sizes sizes = with_leading_ones(from, to.size());
  Sizes source;
  for (Size i = 0; i < elements(to); ++i) {
    Size rest = i, element = 0, stride = 1;
    for (Size axis = to.size(); axis-- > 0;) {
      if (sizes[axis] > 1) element += rest % to[axis] * stride;
      rest /= to[axis];
      stride *= sizes[axis];
    }
    source.push_back(element);
  }
  return source;
}

bool is_masked(const Tensor& x) { return !x.mask.empty(); }
bool all_masked(const std::vector<Tensor>& all) { return std::all_of(all.begin(), all.end(), is_masked); }

// A step counts if it does in one of them; masks of one step stretch.
Mask one_counts(const std::vector<Tensor>& inputs, Size steps) {
  const Size batch = inputs[0].batch;
  Mask mask(batch * steps, 0);
  for (const Tensor& x : inputs) {
    const Size own = mask_steps(x.sample);
    if (own != 1 && own != steps) throw Refused("masks of different times are not added");
    for (Size i = 0; i < batch * steps; ++i) {
      if (x.mask[own == 1 ? i / steps : i] != 0) mask[i] = 1;
    }
  }
  return mask;
}

}  // namespace

Walked walk_add(const std::vector<Tensor>& inputs) {
  const Size batch = inputs[0].batch;
  Tensor y{{}, batch, stretched(inputs)};
  const Size all = elements(y.sample);
  y.values.assign(batch * all, 0.0);
  if (all_masked(inputs)) y.mask = one_counts(inputs, mask_steps(y.sample));
  struct Term {
    Size elements;
    Sizes source;
  };
  std::vector<Term> terms;
  for (const Tensor& x : inputs) {
    const Term& term = terms.emplace_back(Term{elements(x.sample), sources(x.sample, y.sample)});
    for (Size b = 0; b < batch; ++b) {
      for (Size i = 0; i < all; ++i) y.values[b * all + i] += x.values[b * term.elements + term.source[i]];
    }
  }
  return {{y}, [terms, batch, all](const std::vector<Array>& dy) {
            std::vector<Array> dx;
            for (const Term& term : terms) {
              Array& d = dx.emplace_back(batch * term.elements, 0.0);
              for (Size b = 0; b < batch; ++b) {
                for (Size i = 0; i < all; ++i) d[b * term.elements + term.source[i]] += dy[0][b * all + i];
              }
            }
            return dx;
          }};
}

namespace {

// Along the features a step counts if it does in one of them, and one without a mask counts everywhere; along time
// masks stand one behind the other.
Mask joined_masks(const std::vector<Tensor>& inputs, bool time) {
  if (std::none_of(inputs.begin(), inputs.end(), is_masked)) return {};
  if (!time) return all_masked(inputs) ? one_counts(inputs, mask_steps(inputs[0].sample)) : Mask{};
  Mask mask;
  for (Size b = 0; b < inputs[0].batch; ++b) {
    for (const Tensor& x : inputs) {
      const Size steps = mask_steps(x.sample);
      for (Size t = 0; t < steps; ++t) {
        mask.push_back(is_masked(x) ? x.mask[b * steps + t] : std::uint8_t{1});
      }
    }
  }
  return mask;
}

}  // namespace

Walked walk_concatenate(GraphLayer& layer, const std::vector<Tensor>& inputs) {
  const Size rank = inputs[0].sample.size(), batch = inputs[0].batch;
  const Size axis = layer.axis < 0 ? rank - static_cast<Size>(-layer.axis) : static_cast<Size>(layer.axis) - 1;
  const bool masked = std::any_of(inputs.begin(), inputs.end(), is_masked);
  if (masked && axis > 0 && axis + 1 < rank) throw Refused("masks are joined along time or along the features");
  Tensor y{{}, batch, inputs[0].sample, joined_masks(inputs, axis == 0 && rank > 1)};
  y.sample[axis] = 0;
  for (const Tensor& x : inputs) y.sample[axis] += x.sample[axis];

  // Runs of elements that stay together: a run of each tensor in turn, as often as the axes before the joined one say.
  Size outer = batch, inner = 1;
  for (Size a = 0; a < axis; ++a) outer *= y.sample[a];
  for (Size a = axis + 1; a < rank; ++a) inner *= y.sample[a];
  Sizes runs;
  for (const Tensor& x : inputs) runs.push_back(x.sample[axis] * inner);
  for (Size o = 0; o < outer; ++o) {
    for (Size k = 0; k < inputs.size(); ++k) {
      for (Size i = 0; i < runs[k]; ++i) y.values.push_back(inputs[k].values[o * runs[k] + i]);
    }
  }
  return {{y}, [runs, outer](const std::vector<Array>& dy) {
            std::vector<Array> dx(runs.size());
            Size at = 0;
            for (Size o = 0; o < outer; ++o) {
              for (Size k = 0; k < runs.size(); ++k) {
                for (Size i = 0; i < runs[k]; ++i) dx[k].push_back(dy[0][at++]);
              }
            }
            return dx;
          }};
}

}  // namespace plain
