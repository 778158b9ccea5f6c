// Any bytes are a model of Keras's (.keras, .h5) or a FileError; a model that is loaded says again what it is made of.
//
// Changes are made inside: the archive is unpacked, one thing of it is changed (a value of a configuration, bytes of
// the HDF5 file, an entry), and it is packed again with right check sums; whole .h5 files are written anew with another
// configuration. Checksums of HDF5 are not verified.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <rondo/saving.hpp>

#include "formats/hdf5/file.hpp"
#include "formats/keras/model_file.hpp"
#include "formats/zip/records.hpp"
#include "formats/zip/zip.hpp"
#include "fuzz/hdf5_copy.hpp"
#include "fuzz/hdf5_mutation.hpp"
#include "fuzz/json_mutation.hpp"
#include "fuzz/promises.hpp"
#include "fuzz/small_models.hpp"
#include "support/zip_parts.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size)
    __attribute__((weak));

namespace {

using namespace rondo;
using fuzz::require, fuzz::succeeds;

std::span<const std::byte> bytes_of(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}

void check_reads_back(const Model& model) {
  const std::string json = model.to_json();
  require(model_from_json(json).to_json() == json, "what a model is made of is read back");
}

// ---- changes

std::vector<test::ZipEntry> entries_of(std::span<const std::byte> bytes) {
  const zip::Reader reader(bytes, "input");
  std::vector<test::ZipEntry> entries;
  for (const std::string& name : reader.names()) {
    std::vector<std::byte> memory;
    entries.push_back({.name = name, .content = zip::text(reader.read(name, std::size_t{1} << 20, memory))});
  }
  return entries;
}

std::string changed_json(const std::string& text, unsigned seed) {
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return text;
  fuzz::JsonMutation(seed).apply(json);
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string changed_hdf5(std::string file, unsigned seed) {
  if (file.size() < 16) return file;
  fuzz::Hdf5Mutation({reinterpret_cast<std::uint8_t*>(file.data()), file.size()}, seed).apply();
  return file;
}

std::string changed_archive(std::span<const std::byte> bytes, unsigned seed) {
  std::vector<test::ZipEntry> entries = entries_of(bytes);
  if (entries.empty()) return {};
  std::minstd_rand random(seed);
  test::ZipEntry& entry = entries[random() % entries.size()];
  const unsigned what = static_cast<unsigned>(random() % 10);
  if (what == 0) {
    entry.name = entries[random() % entries.size()].name + (random() % 2 == 0 ? "x" : "");
  } else if (what == 1) {
    entries.push_back(entry);
  } else if (what == 2) {
    entry.content.resize(random() % (entry.content.size() + 1));
  } else {
    for (test::ZipEntry& each : entries) {
      const bool is_json = each.name.ends_with(".json");
      if (what < 8 && is_json && each.name != "metadata.json") each.content = changed_json(each.content, seed);
      if (what == 8 && each.name == "metadata.json") each.content = changed_json(each.content, seed);
      if (what == 9 && !is_json) each.content = changed_hdf5(each.content, seed);
    }
  }
  for (test::ZipEntry& each : entries) {
    each.deflated = each.content.size() > 200;  // small inputs are quick
    each.level = 1;
  }
  return test::zip_of(entries);
}

std::string changed_whole_model(std::span<const std::byte> bytes, unsigned seed) {
  if (seed % 3 == 0) return changed_hdf5(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), seed);
  fuzz::Hdf5Copy copy(hdf5::File(bytes, "input", {.verify_checksums = false}).root(),
                      [&](const std::string& name, std::string& text) {
                        if (name == (seed % 4 == 0 ? "training_config" : "model_config"))
                          text = changed_json(text, seed);
                      });
  const std::vector<std::byte> written = copy.writer().bytes();
  return {reinterpret_cast<const char*>(written.data()), written.size()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::SmallModels bounds;
  (void)succeeds<FileError>([&] {
    const Model model = keras::load_model(bytes_of(data, size), "input", {}, {.verify_checksums = false});
    require(model.built(), "a model that is loaded has weights");
    check_reads_back(model);
  });
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  if (size < 16 || seed % 10 == 0) return LLVMFuzzerMutate(data, size, max_size);
  const std::span<const std::byte> bytes = bytes_of(data, size);
  std::string changed;
  try {
    changed = hdf5::is_hdf5(bytes) ? changed_whole_model(bytes, seed / 10) : changed_archive(bytes, seed / 10);
  } catch (const Error&) {
  }
  if (changed.empty() || changed.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, changed.data(), changed.size());
  return changed.size();
}
