// Any bytes are a model of ONNX or an error of the family; what is read can be asked, and what is written of it is read
// back.
//
// A file is changed where it hurts: it is taken apart into its fields, of which some get other values, numbers or
// places, and put together again, so that the lengths fit; or one of the lengths does not.
#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <rondo/onnx.hpp>

#include "formats/onnx/import.hpp"
#include "formats/onnx/layers.hpp"
#include "fuzz/promises.hpp"
#include "fuzz/small_models.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size)
    __attribute__((weak));

namespace {

using rondo::Error;
using rondo::fuzz::require, rondo::fuzz::succeeds;

// Predictions take as long as the model is large.
constexpr rondo::Index kMostWeights = 20000, kMostNumbers = 2000;

void ask(const rondo::Model& model) {
  std::vector<rondo::Tensor> x;
  for (const rondo::Symbol& input : model.inputs()) {
    rondo::Shape shape = input.shape().with(0, 2);
    for (rondo::Index axis = 1; axis < shape.rank(); ++axis) {
      if (shape[axis] == rondo::Shape::kUnknown) shape = shape.with(axis, 3);
      if (shape[axis] > kMostNumbers) return;
    }
    if (shape.elements() > kMostNumbers) return;
    x.push_back(rondo::Tensor::zeros(shape, input.dtype()));
  }
  (void)succeeds<Error>([&] {
    const auto y = model.predict_outputs(rondo::Inputs(x), {.verbose = 0});
    require(y.size() == model.outputs().size(), "a model has its outputs");
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  const rondo::fuzz::SmallModels bounds;
  std::optional<rondo::Model> model;
  if (!succeeds<Error>([&] { model.emplace(rondo::onnx::model_of(bytes)); })) return 0;
  require(model->built(), "a model has its weights");
  if (model->count_params() > kMostWeights) return 0;
  ask(*model);
  std::vector<std::byte> written;
  if (!succeeds<Error>([&] { written = rondo::onnx::bytes_of(*model, {}); })) return 0;
  (void)succeeds<Error>([&] { (void)rondo::onnx::parse_model(written); });
  (void)succeeds<Error>([&] { (void)rondo::onnx::model_of(written); });
  return 0;
}

// ---- changes --------------------------------------------------------------------------------------------------------

namespace {

using Raw = std::vector<std::uint8_t>;

void put_number(Raw& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) to.push_back(static_cast<std::uint8_t>(value | 0x80));
  to.push_back(static_cast<std::uint8_t>(value));
}

struct Field {
  std::uint64_t number = 1, kind = 0, value = 0;  // kind: 0 a number, 2 bytes or fields, 1 and 5 digits
  Raw bytes = {};
  std::vector<Field> fields = {};
};

// None where the bytes are no message.
std::optional<std::vector<Field>> parse(std::span<const std::uint8_t> bytes, int depth = 0) {
  std::vector<Field> fields;
  std::size_t at = 0;
  const auto number = [&]() -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && at < bytes.size(); shift += 7) {
      const std::uint8_t byte = bytes[at++];
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  };
  while (at < bytes.size()) {
    const auto key = number();
    if (!key || *key >> 3 == 0 || *key >> 3 > 50) return std::nullopt;
    Field field{*key >> 3, *key & 7};
    std::uint64_t length = field.kind == 1 ? 8 : field.kind == 5 ? 4 : 0;
    if (field.kind == 0 || field.kind == 2) {
      const auto value = number();
      if (!value) return std::nullopt;
      (field.kind == 0 ? field.value : length) = *value;
    } else if (length == 0) {
      return std::nullopt;
    }
    if (length > bytes.size() - at) return std::nullopt;
    const auto payload = bytes.subspan(at, length);
    at += length;
    auto inside = field.kind == 2 && depth < 8 ? parse(payload, depth + 1) : std::nullopt;
    if (inside) field.fields = std::move(*inside);
    if (!inside || field.fields.empty()) field.bytes.assign(payload.begin(), payload.end());
    fields.push_back(std::move(field));
  }
  return fields;
}

Raw written(const std::vector<Field>& fields) {
  Raw out;
  for (const Field& field : fields) {
    put_number(out, field.number << 3 | field.kind);
    if (field.kind == 0) {
      put_number(out, field.value);
      continue;
    }
    const Raw bytes = field.fields.empty() ? field.bytes : written(field.fields);
    if (field.kind == 2) put_number(out, bytes.size());
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  return out;
}

class Mutation {
 public:
  Mutation(std::vector<Field>& fields, unsigned seed) : fields_(fields), random_(seed) {}

  void apply() {
    for (std::size_t i = 0; i <= below(3); ++i) {
      all_.clear();
      collect(fields_);
      if (!all_.empty()) change();
    }
  }

 private:
  std::size_t below(std::size_t count) { return random_() % count; }

  void collect(std::vector<Field>& fields) {
    for (Field& field : fields) {
      all_.push_back({&fields, static_cast<std::size_t>(&field - fields.data())});
      collect(field.fields);
    }
  }

  struct Place {
    std::vector<Field>* list;
    std::size_t index;
    Field& field() const { return (*list)[index]; }
  };

  void change() {
    const Place place = all_[below(all_.size())];
    const Field other = all_[below(all_.size())].field();
    Field& field = place.field();
    switch (below(8)) {
      case 0:
      case 1: change_value(field); break;
      case 2: field.number = 1 + below(26); break;
      case 3: field = other; break;
      case 4:
        if (field.kind == other.kind) {
          const std::uint64_t number = field.number;
          field = other;
          field.number = number;
        }
        break;
      case 5: place.list->erase(place.list->begin() + static_cast<std::ptrdiff_t>(place.index)); break;
      case 6: place.list->insert(place.list->begin() + static_cast<std::ptrdiff_t>(place.index), other); break;
      default: std::swap(place.list->front(), field); break;
    }
  }

  void change_value(Field& field) {
    const std::array<std::uint64_t, 10> numbers = {
        0, 1, 2, 3, field.value + 1, field.value - 1, std::uint64_t{1} << below(64), UINT64_MAX, 11, random_()};
    if (field.kind == 0) {
      field.value = numbers[below(numbers.size())];
    } else if (field.fields.empty() && !field.bytes.empty()) {
      if (below(4) == 0) field.bytes.resize(below(2 * field.bytes.size() + 1));
      if (!field.bytes.empty()) field.bytes[below(field.bytes.size())] = static_cast<std::uint8_t>(random_());
    }
  }

  std::vector<Field>& fields_;
  std::minstd_rand random_;
  std::vector<Place> all_;
};

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  auto fields = parse({data, size});
  if (!fields || fields->empty() || seed % 6 == 0) return LLVMFuzzerMutate(data, size, max_size);
  Mutation(*fields, seed).apply();
  Raw bytes = written(*fields);
  if (bytes.size() > max_size || bytes.empty()) return LLVMFuzzerMutate(data, size, max_size);
  if (seed % 7 == 0) bytes[seed % bytes.size()] ^= static_cast<std::uint8_t>(1U << seed % 8);
  std::copy(bytes.begin(), bytes.end(), data);
  return bytes.size();
}
