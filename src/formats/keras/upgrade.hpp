// Configurations of Keras 1.2 to 2.15 in the form of Keras 3. What is a matter of defaults or of what a name means is
// not here, but in core/keras_compat.hpp.
#pragma once

#include "formats/keras/config.hpp"

namespace rondo::keras {

// Of a model: the list of a Sequential's layers and its input's shape, the calls of a graph's layers, older class
// names. A configuration of Keras 3 stays as it is, but for inputs of integers, which Rondo takes in the dtype of its
// layers.
Json upgraded_model(Json model);
// Of training_config: the optimizer under its key of today, a rate that decays as the schedule that it is.
Json upgraded_compile_config(Json config);

}  // namespace rondo::keras
