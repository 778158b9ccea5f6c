// What a layer computes in and what its weights are: a dtype for both, or a mixture.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <rondo/tensor.hpp>

namespace rondo {

// Keras's DTypePolicy. By name: "float32", "float64", or
//
// "mixed_bfloat16": weights, optimizer, sums, gates, states and everything between layers are float32; only what an
// LSTM multiplies is rounded to bfloat16, which keeps eight significant bits: inputs, states and weights (but not the
// bias) in the forward products, derivatives and weights in the backward ones, derivatives and columns in the weight
// gradients. Other layers compute in float32, and so does a Stream that is not given rounded weights (StreamOptions);
// a GRU, which has no such products yet, refuses the policy (ConfigError).
//
// The products take the processor's unit for bfloat16: AMX (Intel's Xeons from Sapphire Rapids on, under Linux; two
// layers of 256 units train 3 times as fast as in float32, one of 1024 3.6 times), or AVX512_BF16 where it is
// known to run at twice the rate of float32 (AMD from Zen 4 on). Elsewhere operands are converted back to float32, and
// a step takes longer than without the policy: 1.05 to 1.3 times as long with AVX-512, 1.5 times with AVX2. The
// environment variable RONDO_BF16 = amx, dot or conversion forces the choice; ConfigError for one that the processor
// does not have.
//
// Under this policy bits depend on the instruction set, as processors round and order sums of bfloat16 products each in
// their own way. They still do not depend on the number of threads.
class DTypePolicy {
 public:
  DTypePolicy(DType dtype) : dtype_(dtype) {}
  // ConfigError for a policy that Rondo does not have, such as "mixed_float16".
  DTypePolicy(const char* name) : DTypePolicy(std::string_view(name)) {}
  DTypePolicy(const std::string& name) : DTypePolicy(std::string_view(name)) {}
  DTypePolicy(std::string_view name);
  DTypePolicy(std::nullptr_t) = delete;

  std::string_view name() const;
  // Of weights, inputs and outputs.
  DType variable_dtype() const { return dtype_; }
  bool mixed_bfloat16() const { return mixed_; }

  friend bool operator==(const DTypePolicy&, const DTypePolicy&) = default;

 private:
  DType dtype_;
  bool mixed_ = false;
};

// The policy of new layers that are not given one: floatx() unless set. Keras's config.set_dtype_policy; set_floatx
// does not change a policy that was set.
DTypePolicy dtype_policy();
void set_dtype_policy(const DTypePolicy& policy);

}  // namespace rondo
