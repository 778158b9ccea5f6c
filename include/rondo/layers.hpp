// The layers, room by room. Arguments have Keras's names, order and defaults.
#pragma once

#include <rondo/layers/core.hpp>
#include <rondo/layers/merging.hpp>
#include <rondo/layers/normalization.hpp>
#include <rondo/layers/recurrent.hpp>
#include <rondo/layers/regularization.hpp>
#include <rondo/layers/reshaping.hpp>
#include <rondo/layers/wrappers.hpp>
