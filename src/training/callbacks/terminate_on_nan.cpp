#include <rondo/callbacks.hpp>

#include "training/terminal.hpp"

namespace rondo {

bool TerminateOnNaN::on_not_finite_batch(Index batch) {
  training::print("Batch " + std::to_string(batch) + ": Invalid loss, terminating training\n");
  return true;
}

}  // namespace rondo
