// Changes of the bytes of an HDF5 file where it hurts: addresses, lengths, counts, types of messages, whole structures
// in the place of others.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <string_view>
#include <vector>

namespace rondo::fuzz {

inline constexpr std::array<std::string_view, 14> kSignatures = {
    "TREE", "SNOD", "HEAP", "GCOL", "OHDR", "OCHK", "FAHD", "FADB", "EAHD", "EAIB", "EASB", "EADB", "FRHP", "BTHD"};

class Hdf5Mutation {
 public:
  Hdf5Mutation(std::span<std::uint8_t> bytes, unsigned seed) : bytes_(bytes), random_(seed) { find_structures(); }

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

}  // namespace rondo::fuzz
