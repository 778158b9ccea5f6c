#include "support/hdf5_listing.hpp"

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>

#include <rondo/error.hpp>

namespace rondo::test {

namespace {

std::uint32_t crc32(std::span<const std::byte> bytes) {
  std::uint32_t crc = ~0U;
  for (const std::byte byte : bytes) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320U : 0);
  }
  return ~crc;
}

std::string crc_text(std::span<const std::byte> bytes) {
  char text[9];
  std::snprintf(text, sizeof text, "%08x", static_cast<unsigned>(crc32(bytes)));
  return text;
}

std::string numbers_text(const std::vector<double>& numbers) { return crc_text(std::as_bytes(std::span(numbers))); }

std::string texts_text(const std::vector<std::string>& texts) {
  std::string joined, quoted;
  for (const std::string& text : texts) {
    joined += text + '\0';
    quoted += (quoted.empty() ? "'" : ", '") + text + "'";
  }
  return joined.size() <= 60 ? quoted : crc_text(std::as_bytes(std::span(joined)));
}

class Listing {
 public:
  Listing(const hdf5::File& file, bool with_errors) : with_errors_(with_errors) {
    guarded("/", [&] { add(file.root()); });
  }

  std::string take() { return std::move(text_); }

 private:
  void line(const std::string& text) { text_ += text + '\n'; }

  template <class Action>
  void guarded(const std::string& path, Action action) {
    try {
      action();
    } catch (const FileError& error) {
      line(path + " refused" + (with_errors_ ? ": " + std::string(error.what()) : ""));
    }
  }

  void add(const hdf5::Group& group) {
    line(group.path() + " group");
    add_attributes(group);
    for (const std::string& name : group.names()) {
      if (left_ == 0) return;
      --left_;
      guarded((group.path() == "/" ? "/" : group.path() + "/") + name, [&] {
        if (name.find('/') != std::string::npos) throw FileError("no path leads to a name with a slash");
        if (!group.is_group(name)) {
          add(group.dataset(name));
        } else if (depth_ < 50) {
          const hdf5::Group child = group.group(name);
          ++depth_;
          add(child);
          --depth_;
        }
      });
    }
  }

  void add(const hdf5::Dataset& dataset) {
    std::string numbers = "not read";
    if (dataset.elements() <= 1 << 20) {
      std::vector<double> values(static_cast<std::size_t>(dataset.elements()));
      dataset.read_into(std::span(values));
      numbers = numbers_text(values);
    }
    line(dataset.path() + " " + to_string(dataset.shape()) + " " + dataset.type().name + " " + numbers);
    add_attributes(dataset);
  }

  void add_attributes(const hdf5::Object& object) {
    guarded(object.path() + " @", [&] {
      for (const std::string& name : object.attribute_names()) {
        guarded(object.path() + " @" + name, [&] { add(object, object.attribute(name)); });
      }
    });
  }

  void add(const hdf5::Object& object, const hdf5::Attribute& attribute) {
    const std::string start = object.path() + " @" + attribute.name();
    const std::string shape = to_string(attribute.shape());
    if (attribute.is_text()) {
      line(start + " text " + shape + " " + texts_text(attribute.texts()));
    } else {
      line(start + " " + shape + " " + attribute.type().name + " " + numbers_text(attribute.numbers()));
    }
  }

  bool with_errors_;
  std::string text_;
  int left_ = 5000;
  int depth_ = 0;
};

}  // namespace

std::vector<std::byte> bytes_of_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::vector<char> text{std::istreambuf_iterator<char>(stream), {}};
  const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::string hdf5_listing(const hdf5::File& file, bool with_errors) { return Listing(file, with_errors).take(); }

}  // namespace rondo::test
