// Files that Keras and h5py wrote, read as h5py reads them.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <nlohmann/json.hpp>

#include <rondo/error.hpp>

#include "formats/hdf5/file.hpp"
#include "support/hdf5_listing.hpp"

namespace rondo::hdf5 {
namespace {

const std::filesystem::path kGolden = RONDO_GOLDEN_DIR;

std::string text_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<std::filesystem::path> hdf5_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".h5") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::string listing_of(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = test::bytes_of_file(path.string());
  return test::hdf5_listing(File(bytes, path.filename().string()));
}

// The first line that differs says more than two long texts.
void expect_same_lines(const std::string& actual, const std::string& expected, const std::string& what) {
  const auto [a, b] = std::ranges::mismatch(actual, expected);
  if (a == actual.end() && b == expected.end()) return;
  const auto line_at = [](const std::string& text, std::size_t at) {
    const std::size_t begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
    return text.substr(begin, text.find('\n', begin) - begin);
  };
  const auto at = static_cast<std::size_t>(a - actual.begin());
  ADD_FAILURE() << what << ": '" << line_at(actual, at) << "' where h5py has '" << line_at(expected, at) << "'";
}

TEST(Hdf5Golden, SmallFilesOfH5pyHaveWhatH5pySays) {
  const auto files = hdf5_files(kGolden / "hdf5");
  EXPECT_EQ(files.size(), 12U);
  for (const auto& path : files) {
    expect_same_lines(listing_of(path), text_of(std::filesystem::path(path).replace_extension(".txt")), path.string());
  }
}

TEST(Hdf5Golden, ModelsOfAllVersionsOfKerasHaveWhatH5pySays) {
  std::string all;
  const auto files = hdf5_files(kGolden / "models");
  EXPECT_EQ(files.size(), 31U);
  for (const auto& path : files) all += "== " + path.filename().string() + "\n" + listing_of(path);
  expect_same_lines(all, text_of(kGolden / "hdf5" / "models.txt"), "models");
}

// Every data set as a list of numbers, in the precision of the files.
void collect(const Group& group, std::vector<std::vector<float>>& all) {
  for (const std::string& name : group.names()) {
    if (group.is_group(name)) {
      collect(group.group(name), all);
      continue;
    }
    const Dataset dataset = group.dataset(name);
    all.emplace_back(static_cast<std::size_t>(dataset.elements()));
    dataset.read_into(std::span(all.back()));
  }
}

std::vector<float> numbers_of(const nlohmann::json& json) {
  std::vector<float> numbers;
  for (const auto& number : json.at("data")) {
    numbers.push_back(number.is_string() ? std::numeric_limits<float>::quiet_NaN()
                                         : static_cast<float>(number.get<double>()));
  }
  return numbers;
}

TEST(Hdf5Golden, NumbersAreThoseOfTheModelsThatWereSaved) {
  int compared = 0;
  for (const char* index : {"index", "index_k2_0", "index_k2_2", "index_k2_3", "index_k2_12"}) {
    const auto json = nlohmann::json::parse(text_of(kGolden / "models" / (std::string(index) + ".json")));
    for (const auto& model : json.at("cases")) {
      if (!model.contains("weights") || !model["weights"].is_array()) continue;
      for (const auto& file : model.at("files")) {
        const std::string name = file.at("file");
        if (!name.ends_with(".h5")) continue;
        const std::vector<std::byte> bytes = test::bytes_of_file((kGolden / "models" / name).string());
        std::vector<std::vector<float>> stored;
        collect(File(bytes, name).root(), stored);
        for (const auto& weight : model["weights"]) {
          ++compared;
          EXPECT_TRUE(std::ranges::find(stored, numbers_of(weight)) != stored.end())
              << name << " does not hold " << weight.at("name");
        }
      }
    }
  }
  EXPECT_GE(compared, 100);
}

TEST(Hdf5Golden, DamagedFilesAreErrorsOrOtherNumbers) {
  const auto json = nlohmann::json::parse(text_of(kGolden / "models" / "bad" / "index.json"));
  int files = 0;
  for (const auto& one : json.at("cases")) {
    const std::string name = one.at("file");
    if (!name.ends_with(".h5")) continue;
    ++files;
    const std::vector<std::byte> bytes = test::bytes_of_file((kGolden / "models" / "bad" / name).string());
    bool opens = true;
    try {
      (void)test::hdf5_listing(File(bytes, name));
    } catch (const FileError&) {
      opens = false;
    }
    const std::string why = one.at("why");
    const bool is_broken = why.find("cut") != std::string::npos || why.find("zero") != std::string::npos ||
                           why.find("only the first") != std::string::npos;
    EXPECT_EQ(opens, !is_broken) << name << ": " << why;
  }
  EXPECT_EQ(files, 20);
}

}  // namespace
}  // namespace rondo::hdf5
