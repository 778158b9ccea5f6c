#include <rondo/callbacks.hpp>
#include <rondo/model.hpp>

#include "training/model_node.hpp"

namespace rondo {

void SwapEMAWeights::hold(bool averages) {
  if (averages == holds_averages_) return;
  training::node_of(model()).compiled("SwapEMAWeights").optimizer.swap_averages();
  holds_averages_ = averages;
}

void SwapEMAWeights::on_epoch_begin(Index) { hold(false); }

void SwapEMAWeights::on_epoch_end(Index, Logs&) {
  if (options_.swap_on_epoch) hold(true);
}

}  // namespace rondo
