#include "graph/loading.hpp"

#include <rondo/error.hpp>

#include "core/sizes.hpp"

namespace rondo::graph {

namespace {

thread_local Loading* t_loading = nullptr;

}  // namespace

Loading::Loading(std::size_t most_bytes) : before_(t_loading), left_(most_bytes) { t_loading = this; }
Loading::~Loading() { t_loading = before_; }

bool Loading::is_at_work() { return t_loading != nullptr; }

void Loading::take(std::size_t bytes, const std::string& whose) {
  if (t_loading == nullptr) return;
  if (bytes > t_loading->left_) {
    throw ShapeError(whose + " would have weights of " + bytes_text(Size(static_cast<Index>(bytes))) +
                     ", more than the file can hold");
  }
  t_loading->left_ -= bytes;
}

}  // namespace rondo::graph
