// Any text is a model's configuration or an error of the family; a model that is made says again what it is made of.
//
// Most changes are of values, keys and parts of the JSON, so that it stays one.
#include <cstdint>
#include <cstring>
#include <string>

#include <rondo/saving.hpp>

#include "fuzz/json_mutation.hpp"
#include "fuzz/promises.hpp"
#include "fuzz/small_models.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size)
    __attribute__((weak));

using namespace rondo;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const fuzz::SmallModels bounds;
  (void)fuzz::succeeds<Error>([&] {
    const std::string json = model_from_json(text).to_json();
    fuzz::require(model_from_json(json).to_json() == json, "what a model is made of is read back");
  });
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(data, data + size, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded() || seed % 10 == 0) return LLVMFuzzerMutate(data, size, max_size);
  fuzz::JsonMutation(seed / 10).apply(json);
  const std::string changed = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  if (changed.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, changed.data(), changed.size());
  return changed.size();
}
