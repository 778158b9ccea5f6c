// A file written anew from what can be read of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <list>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/hdf5/file.hpp"
#include "formats/hdf5/writer.hpp"
#include "fuzz/promises.hpp"

namespace rondo::fuzz {

// What can be read of a file, and a writer of the same.
class Hdf5Copy {
 public:
  // Called with the name of each text that is an attribute, and with the text, which it may change.
  using Change = std::function<void(const std::string& name, std::string& text)>;

  explicit Hdf5Copy(
      const hdf5::Group& root, Change change = [](const std::string&, std::string&) {})
      : change_(std::move(change)) {
    add(root, writer_.root(), 0);
  }

  hdf5::Writer& writer() { return writer_; }

 private:
  void add(const hdf5::Group& group, hdf5::GroupWriter& to, int depth) {
    add_attributes(group, to);
    const std::vector<std::string> names = group.names();
    require(std::ranges::is_sorted(names) && std::set(names.begin(), names.end()).size() == names.size(),
            "names are in order and differ");
    for (const std::string& name : names) {
      require(group.contains(name), "a group contains its names");
      if (--objects_ < 0 || depth > kDeepest) return;
      (void)succeeds<FileError>([&] { add_child(group, name, to, depth); });
    }
  }

  void add_child(const hdf5::Group& group, const std::string& name, hdf5::GroupWriter& to, int depth) {
    if (name.find_first_of(std::string_view("/\0", 2)) != std::string::npos || name == ".") return;
    if (group.is_group(name)) {
      add(group.group(name), to.group(name), depth + 1);
      return;
    }
    const hdf5::Dataset dataset = group.dataset(name);
    if (static_cast<std::uint64_t>(dataset.elements()) > kMostNumbers) return;
    numbers_.emplace_back(static_cast<std::size_t>(dataset.elements()));
    std::vector<double>& numbers = numbers_.back();
    if (!succeeds<FileError>([&] { dataset.read_into(std::span(numbers)); })) return;
    std::vector<float> rounded(numbers.size());
    dataset.read_into(std::span(rounded));
    add_attributes(dataset, to.dataset(name, dataset.shape(), std::span<const double>(numbers)));
  }

  template <class From, class To>
  void add_attributes(const From& from, To& to) {
    (void)succeeds<FileError>([&] {
      const std::vector<std::string> names = from.attribute_names();
      require(names.empty() || from.has_attribute(names.back()), "an object has its attributes");
      for (const std::string& name : names) {
        (void)succeeds<FileError>([&] { add_attribute(from.attribute(name), to); });
      }
    });
  }

  template <class To>
  void add_attribute(const hdf5::Attribute& attribute, To& to) {
    if (!attribute.is_text()) {
      const std::vector<double> numbers = attribute.numbers();
      if (numbers.size() == 1) to.attribute(attribute.name(), numbers[0]);
      return;
    }
    std::vector<std::string> texts = attribute.texts();
    if (texts.size() == 1) change_(attribute.name(), texts[0]);
    if (hdf5::ObjectWriter::bytes_of(texts) > 60000) return;
    if (attribute.shape().empty()) {
      to.attribute(attribute.name(), texts[0]);
    } else {
      to.attribute(attribute.name(), texts);
    }
  }

  static constexpr int kDeepest = 8;
  static constexpr std::uint64_t kMostNumbers = 100000;

  hdf5::Writer writer_;
  Change change_;
  std::list<std::vector<double>> numbers_;
  int objects_ = 300;
};

}  // namespace rondo::fuzz
