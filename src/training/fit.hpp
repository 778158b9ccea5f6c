// The loops of fit and evaluate.
#pragma once

#include <rondo/model.hpp>

#include "training/data.hpp"
#include "training/model_node.hpp"

namespace rondo::training {

constexpr Index kDefaultBatchSize = 32;

// batch_size as given, or 32; ConfigError below 1.
Index checked_batch_size(const ModelNode& node, const std::optional<Dim>& given);

// How many batches that is, the last one perhaps smaller.
constexpr Index batches_of(Index samples, Index batch_size) {
  return samples / batch_size + (samples % batch_size != 0 ? 1 : 0);
}

// ConfigError unless 0, 1 or 2; fit takes 3 too.
void check_verbose(const ModelNode& node, int verbose, int most = 2);

// Gives each callback the model and how it was called. ConfigError for a null pointer.
void attach(const Callbacks& callbacks, const Model& model, const Callback::Params& params);

History fit(const Model& model, ModelNode& node, const detail::Given& X, const detail::Given& y,
            const FitOptions& options);
History fit(const Model& model, ModelNode& node, DataSource& source, const FitOptions& options);
Evaluation evaluate(const Model& model, ModelNode& node, const detail::Given& X, const detail::Given& y,
                    const EvaluateOptions& options);
Evaluation evaluate(const Model& model, ModelNode& node, DataSource& source, const EvaluateOptions& options);

Evaluation train_on_batch(ModelNode& node, const detail::Given& X, const detail::Given& y,
                          const OnBatchOptions& options);
Evaluation test_on_batch(ModelNode& node, const detail::Given& X, const detail::Given& y,
                         const OnBatchOptions& options);

}  // namespace rondo::training
