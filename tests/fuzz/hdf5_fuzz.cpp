// Any bytes are an HDF5 file or an error of the family; what is read keeps its promises, and what is written of it is
// read back.
//
// Checksums are not verified, so that a change of one byte reaches what stands behind them. Bytes are changed where it
// hurts: addresses, lengths, counts, types of messages, whole structures in the place of others.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <list>
#include <random>
#include <set>
#include <string_view>

#include <rondo/error.hpp>

#include "formats/hdf5/file.hpp"
#include "formats/hdf5/writer.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size)
    __attribute__((weak));

namespace {

using namespace rondo::hdf5;

constexpr int kDeepest = 8;
constexpr std::uint64_t kMostNumbers = 100000;

// Says which promise was broken, and ends the program for the fuzzer to notice.
void require(bool kept, const char* promise) {
  if (kept) return;
  std::fprintf(stderr, "broken: %s\n", promise);
  std::abort();
}

// Whether the action did not throw an error of the family.
template <class Action>
bool succeeds(Action action) {
  try {
    action();
    return true;
  } catch (const rondo::FileError& error) {
    const std::string_view text = error.what();
    require(!text.empty() && text.find_first_of("\r\n") == std::string_view::npos, "a message is one line");
    require(text.size() < 10000, "a message can be read");
    return false;
  }
}

// What could be read of a file, and a writer of the same.
class Copy {
 public:
  explicit Copy(const Group& root) { add(root, writer_.root(), 0); }

  Writer& writer() { return writer_; }

 private:
  void add(const Group& group, GroupWriter& to, int depth) {
    add_attributes(group, to);
    const std::vector<std::string> names = group.names();
    require(std::ranges::is_sorted(names) && std::set(names.begin(), names.end()).size() == names.size(),
            "names are in order and differ");
    for (const std::string& name : names) {
      require(group.contains(name), "a group contains its names");
      if (--objects_ < 0 || depth > kDeepest) return;
      (void)succeeds([&] { add_child(group, name, to, depth); });
    }
  }

  void add_child(const Group& group, const std::string& name, GroupWriter& to, int depth) {
    if (name.find_first_of(std::string_view("/\0", 2)) != std::string::npos || name == ".") return;
    if (group.is_group(name)) {
      add(group.group(name), to.group(name), depth + 1);
      return;
    }
    const Dataset dataset = group.dataset(name);
    if (static_cast<std::uint64_t>(dataset.elements()) > kMostNumbers) return;
    numbers_.emplace_back(static_cast<std::size_t>(dataset.elements()));
    std::vector<double>& numbers = numbers_.back();
    if (!succeeds([&] { dataset.read_into(std::span(numbers)); })) return;
    std::vector<float> rounded(numbers.size());
    dataset.read_into(std::span(rounded));
    add_attributes(dataset, to.dataset(name, dataset.shape(), std::span<const double>(numbers)));
  }

  template <class From, class To>
  void add_attributes(const From& from, To& to) {
    (void)succeeds([&] {
      const std::vector<std::string> names = from.attribute_names();
      require(names.empty() || from.has_attribute(names.back()), "an object has its attributes");
      for (const std::string& name : names) {
        (void)succeeds([&] { add_attribute(from.attribute(name), to); });
      }
    });
  }

  template <class To>
  void add_attribute(const Attribute& attribute, To& to) {
    if (!attribute.is_text()) {
      const std::vector<double> numbers = attribute.numbers();
      if (numbers.size() == 1) to.attribute(attribute.name(), numbers[0]);
      return;
    }
    const std::vector<std::string> texts = attribute.texts();
    if (ObjectWriter::bytes_of(texts) > 60000) return;
    if (attribute.shape().empty()) {
      to.attribute(attribute.name(), texts[0]);
    } else {
      to.attribute(attribute.name(), texts);
    }
  }

  Writer writer_;
  std::list<std::vector<double>> numbers_;
  int objects_ = 300;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  (void)succeeds([&] {
    Copy copy(File(bytes, "input", {.verify_checksums = false}).root());
    std::vector<std::byte> written;
    if (!succeeds([&] { written = copy.writer().bytes(); })) return;  // a long name for an attribute
    bool reads_back = succeeds([&] {
      Copy again(File(written, "written").root());
      require(again.writer().bytes() == written, "what is written is read back");
    });
    require(reads_back, "what is written is a file");
  });
  return 0;
}

// ---- changes

namespace {

constexpr std::array<std::string_view, 14> kSignatures = {"TREE", "SNOD", "HEAP", "GCOL", "OHDR", "OCHK", "FAHD",
                                                          "FADB", "EAHD", "EAIB", "EASB", "EADB", "FRHP", "BTHD"};

class Mutation {
 public:
  Mutation(std::span<std::uint8_t> bytes, unsigned seed) : bytes_(bytes), random_(seed) { find_structures(); }

  void apply() {
    for (std::size_t i = 0; i <= below(3); ++i) {
      switch (below(6)) {
        case 0:
        case 1: change_address(); break;
        case 2: change_number(place_in_structure(64), std::size_t{1} << below(4)); break;
        case 3: change_number(below(bytes_.size()), std::size_t{1} << below(4)); break;
        case 4: bytes_[place_in_structure(256)] = static_cast<std::uint8_t>(below(0x1a)); break;
        default: splice(); break;
      }
    }
  }

 private:
  std::size_t below(std::size_t count) { return random_() % count; }

  void find_structures() {
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data()), bytes_.size());
    for (const std::string_view signature : kSignatures) {
      for (std::size_t at = text.find(signature); at != text.npos; at = text.find(signature, at + 1)) {
        structures_.push_back(at);
      }
    }
    structures_.push_back(0);
  }

  std::size_t place_in_structure(std::size_t reach) {
    return std::min(structures_[below(structures_.size())] + below(reach), bytes_.size() - 1);
  }

  std::uint64_t number_at(std::size_t at) const {
    std::uint64_t value = 0;
    std::memcpy(&value, &bytes_[at], 8);
    return value;
  }

  // A number of 8 bytes that may be an address becomes one of somewhere else.
  void change_address() {
    if (bytes_.size() < 16) return;
    std::size_t at = below(bytes_.size() - 8);
    for (int i = 0; i < 200 && !(number_at(at) > 0 && number_at(at) <= bytes_.size()); ++i)
      at = below(bytes_.size() - 8);
    const std::uint64_t size = bytes_.size();
    const std::array<std::uint64_t, 9> choices = {structures_[below(structures_.size())],
                                                  structures_[below(structures_.size())],
                                                  at,
                                                  at & ~std::uint64_t{7},
                                                  0,
                                                  size,
                                                  size - below(64),
                                                  UINT64_MAX - below(16),
                                                  number_at(at) + below(64) - 32};
    const std::uint64_t value = choices[below(choices.size())];
    std::memcpy(&bytes_[at], &value, 8);
  }

  // A length, a count or a version.
  void change_number(std::size_t at, std::size_t bytes) {
    if (at + bytes > bytes_.size()) return;
    std::uint64_t value = 0;
    std::memcpy(&value, &bytes_[at], bytes);
    const std::array<std::uint64_t, 8> choices = {
        value + 1, value - 1, 0, 1, UINT64_MAX, value * 2, std::uint64_t{1} << below(64), random_()};
    value = choices[below(choices.size())];
    std::memcpy(&bytes_[at], &value, bytes);
  }

  // A piece of one structure in the place of another.
  void splice() {
    const std::size_t from = structures_[below(structures_.size())], to = place_in_structure(32);
    const std::size_t count = std::min({1 + below(128), bytes_.size() - from, bytes_.size() - to});
    std::memmove(&bytes_[to], &bytes_[from], count);
  }

  std::span<std::uint8_t> bytes_;
  std::minstd_rand random_;
  std::vector<std::size_t> structures_;
};

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  if (size < 16 || seed % 5 == 0) return LLVMFuzzerMutate(data, size, max_size);
  Mutation({data, size}, seed).apply();
  return size;
}
