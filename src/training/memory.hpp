// What a call will need, from its plan alone.
#pragma once

#include "training/model_node.hpp"

namespace rondo::training {

// Of fit where the labels' shape y is given, else of predict.
MemoryRequired memory_required(ModelNode& node, const Shape& X, const Shape& y, Index batch_size);

}  // namespace rondo::training
