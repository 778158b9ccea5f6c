// Makes public handles (Layer, Loss, Metric, Optimizer, Initializer) from what stands behind them, which users cannot.
#pragma once

#include <utility>

namespace rondo::detail {

struct Access {
  template <class Handle, class... Behind>
  static Handle make(Behind&&... behind) {
    return Handle(std::forward<Behind>(behind)...);
  }
};

}  // namespace rondo::detail
