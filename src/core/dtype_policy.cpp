#include <atomic>

#include <rondo/dtype_policy.hpp>

namespace rondo {

namespace {

constexpr std::string_view kMixedBfloat16 = "mixed_bfloat16";

enum class Global { unset, float32, float64, mixed_bfloat16 };
std::atomic<Global> g_policy{Global::unset};

}  // namespace

DTypePolicy::DTypePolicy(std::string_view name) : dtype_(DType::float32), mixed_(name == kMixedBfloat16) {
  if (mixed_) return;
  if (name == "float64") {
    dtype_ = DType::float64;
  } else if (name != "float32") {
    throw ConfigError("dtype policy '" + std::string(name) +
                      "' is not supported; there are 'float32', 'float64' and 'mixed_bfloat16'");
  }
}

std::string_view DTypePolicy::name() const { return mixed_ ? kMixedBfloat16 : to_string(dtype_); }

DTypePolicy dtype_policy() {
  switch (g_policy.load(std::memory_order_relaxed)) {
    case Global::float32: return DType::float32;
    case Global::float64: return DType::float64;
    case Global::mixed_bfloat16: return kMixedBfloat16;
    case Global::unset: break;
  }
  return floatx();
}

void set_dtype_policy(const DTypePolicy& policy) {
  const Global plain = policy.variable_dtype() == DType::float32 ? Global::float32 : Global::float64;
  g_policy.store(policy.mixed_bfloat16() ? Global::mixed_bfloat16 : plain, std::memory_order_relaxed);
}

}  // namespace rondo
