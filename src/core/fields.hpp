// Options, listed once. From the listing come Keras's configuration and its reader:
//
//   template <class Visitor>
//   void fields(Visitor& v, SGDOptions& o) {
//     v("learning_rate", o.learning_rate);
//     v("momentum", o.momentum);
//     v.refused("weight_decay");
//   }
//
// Keys stand in Keras's order. A listing is a template in the namespace of the options (where it is found by them),
// beside the rule or layer that has them; what a layer takes besides its options comes before them: fields(v, units,
// o). How a type is written and read is a pair of functions beside that type, to_config and from_config.
#pragma once

#include <concepts>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <rondo/dtype_policy.hpp>
#include <rondo/shape.hpp>

namespace rondo {

// ---- values ---------------------------------------------------------------------------------------------------------

inline nlohmann::ordered_json to_config(const Real& value) { return value.value; }
inline void from_config(const nlohmann::ordered_json& config, Real& value) { value = config.get<double>(); }

inline nlohmann::ordered_json to_config(const Dim& value) { return value.value; }
void from_config(const nlohmann::ordered_json& config, Dim& value);

// [null, 5, 2], where null is an unknown size; null alone for no shape.
nlohmann::ordered_json to_config(const Shape& shape);
void from_config(const nlohmann::ordered_json& config, Shape& shape);

// A name, or Keras's DTypePolicy object.
nlohmann::ordered_json to_config(const std::optional<DTypePolicy>& policy);
void from_config(const nlohmann::ordered_json& config, std::optional<DTypePolicy>& policy);

namespace core {

using Json = nlohmann::ordered_json;

// As it stands: for what is read later.
inline Json to_config(const Json& value) { return value; }
inline void from_config(const Json& config, Json& value) { value = config; }

template <class T>
concept PlainValue = std::is_arithmetic_v<T> || std::same_as<T, std::string>;

Json to_config(const PlainValue auto& value) { return value; }
// std::invalid_argument for what is no whole number, or too large a one.
Index whole_number(const Json& config);
template <PlainValue T>
void from_config(const Json& config, T& value) {
  if constexpr (std::integral<T> && !std::same_as<T, bool>) {
    value = static_cast<T>(whole_number(config));
  } else {
    value = config.get<T>();
  }
}

template <class T>
Json to_config(const std::vector<T>& values) {
  Json list = Json::array();
  for (const T& value : values) list.push_back(to_config(value));
  return list;
}
template <class T>
void from_config(const Json& config, std::vector<T>& values) {
  values.clear();
  for (const Json& value : config.get_ref<const Json::array_t&>()) from_config(value, values.emplace_back());
}

template <class T>
Json to_config(const std::optional<T>& value) {
  return value ? to_config(*value) : Json();
}
template <class T>
void from_config(const Json& config, std::optional<T>& value) {
  std::optional<T> given;
  if (!config.is_null()) from_config(config, given.emplace());
  value = std::move(given);
}
// A seed: none where Keras has a generator of seeds, whose draws nobody else has.
inline void from_config(const Json& config, std::optional<std::uint64_t>& seed) {
  seed.reset();
  if (config.is_null() || config.is_object()) return;
  if (config.is_number_unsigned()) {
    seed = config.get<std::uint64_t>();
  } else {
    const Index number = whole_number(config);
    if (number < 0) throw std::invalid_argument("it must be 0 or more");
    seed = static_cast<std::uint64_t>(number);
  }
}

// ---- the two visitors -----------------------------------------------------------------------------------------------

class FieldWriter {
 public:
  // Behind what stands in `config`.
  explicit FieldWriter(Json& config) : config_(config) {}

  // An option: written, and read where the configuration has it. Not in line, here and in the reader: every program has
  // the listings of all layers and optimizers.
  template <class T>
  [[gnu::noinline]] void operator()(const char* key, const T& value) {
    config_[key] = to_config(value);
  }
  // One that every configuration has.
  template <class T>
  void required(const char* key, const T& value) {
    (*this)(key, value);
  }
  // One that is written where it has a value.
  template <class T>
  void if_given(const char* key, const std::optional<T>& value) {
    if (value) (*this)(key, value);
  }
  template <class T>
  void if_any(const char* key, const std::vector<T>& values) {
    if (!values.empty()) (*this)(key, values);
  }
  // One that is written where it is true.
  void if_on(const char* key, bool value) {
    if (value) (*this)(key, value);
  }
  // One that is read but not written: an older name, or what Keras does not have.
  template <class T>
  void only_read(const char*, const T&) {}
  // An option of Keras's that changes no number: always written so, and whatever is read will do.
  void constant(const char* key, const Json& value) { config_[key] = value; }
  // One that Rondo does not have: written so, and refused where it is another value (false counts as null).
  void absent(const char* key, const Json& value = nullptr) { config_[key] = value; }
  // The same, not written.
  void refused(const char*, const Json& = nullptr) {}

 private:
  Json& config_;
};

class FieldReader {
 public:
  // `who` is the class, for messages: a ConfigError names it, the key and its value.
  FieldReader(std::string_view who, const Json& config);

  template <class T>
  [[gnu::noinline]] void operator()(const char* key, T& value) {
    if (const Json* given = find(key)) read(key, *given, value);
  }
  template <class T>
  void required(const char* key, T& value) {
    const Json* given = find(key);
    if (given == nullptr) refuse_missing(key);
    read(key, *given, value);
  }
  template <class T>
  void if_given(const char* key, std::optional<T>& value) {
    (*this)(key, value);
  }
  template <class T>
  void if_any(const char* key, std::vector<T>& values) {
    (*this)(key, values);
  }
  void if_on(const char* key, bool& value) { (*this)(key, value); }
  template <class T>
  void only_read(const char* key, T& value) {
    (*this)(key, value);
  }
  void constant(const char* key, const Json&) { known_.emplace_back(key); }
  void absent(const char* key, const Json& value = nullptr);
  void refused(const char* key, const Json& value = nullptr) { absent(key, value); }

  // ConfigError for a key that is not listed, unless it is off (null, false, 0, "") and like none that is, or one that
  // changes no number in any version of Keras.
  void finish() const;

 private:
  // Also writes the key down as a known one.
  const Json* find(const char* key);
  template <class T>
  void read(const char* key, const Json& given, T& value) {
    try {
      from_config(given, value);
    } catch (const Json::exception& error) {
      refuse_value(key, given, error.what());
    } catch (const std::invalid_argument& error) {
      refuse_value(key, given, error.what());
    }
  }
  [[noreturn]] void refuse_missing(const char* key) const;
  [[noreturn]] void refuse_value(const char* key, const Json& given, const char* why) const;

  std::string who_;
  const Json& config_;
  std::vector<std::string> known_;
};

// ---- what they are used by ------------------------------------------------------------------------------------------

// The configuration, and behind it what the options list.
template <class... Options>
Json with_fields(Json config, Options... options) {
  FieldWriter writer(config);
  fields(writer, options...);
  return config;
}

template <class... Options>
Json config_of(const Options&... options) {
  return with_fields(Json::object(), options...);
}

template <class... Options>
void read_fields(std::string_view who, const Json& config, Options&... options) {
  FieldReader reader(who, config);
  fields(reader, options...);
  reader.finish();
}

struct NoOptions {};
template <class Visitor>
void fields(Visitor&, NoOptions&) {}

// What a class makes of the options that a configuration gives.
template <class Class, class Options>
Class from_fields(std::string_view who, const Json& config) {
  Options options;
  read_fields(who, config, options);
  if constexpr (std::is_same_v<Options, NoOptions>) {
    return Class();
  } else {
    return Class(options);
  }
}

// A value for a message; of a long one, such as a model, the beginning.
std::string value_text(const Json& value);
// Null, false, 0 or "": an option that is not made use of.
bool is_off(const Json& value);

// How Keras writes an object: a name alone, or a class with its configuration, which stays where it was read.
struct Serialized {
  std::string name;  // empty where there is a class
  std::string class_name;
  const Json& config;
};
// ConfigError for anything else; `what` is "loss", "optimizer", ...
Serialized serialized(std::string_view what, const Json& json);
// The same back, as Keras 3 writes an object of one of its modules: {module, class_name, config, registered_name}.
Json serialize(const char* module, const std::string& class_name, const Json& config);

}  // namespace core
}  // namespace rondo
