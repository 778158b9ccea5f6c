#include <ctime>
#include <gtest/gtest.h>

#include <rondo/npy.hpp>

#include "formats/zip/zip.hpp"
#include "support/expect_error.hpp"
#include "support/instrumented.hpp"
#include "support/npy_bytes.hpp"
#include "support/workshop.hpp"

namespace rondo {
namespace {

using test::expect_error;
using Numbers = std::vector<double>;

class Npz : public testing::Test {
 protected:
  std::string path() const { return workshop_.path("a.npz"); }
  // An archive of these entries.
  void write(const std::vector<std::pair<std::string, std::string>>& entries) const {
    zip::Writer archive;
    for (const auto& [name, content] : entries) archive.add(name, std::as_bytes(std::span(content)));
    archive.write(path());
  }

  const test::Workshop workshop_;
};

TEST_F(Npz, HoldsWhatWasWritten) {
  const NamedTensors written{
      {"x", {{1, 2.5}, {3, 4}}}, {"folder/\u00fc", Tensor(Shape{}, std::vector<float>{0.1F})}, {"nothing", Tensor()}};
  write_npz(path(), written);
  const NamedTensors read = read_npz(path());
  EXPECT_EQ(read.names(), written.names());
  for (const auto& [name, tensor] : written) EXPECT_TRUE(read[name].identical(tensor)) << name;
  const std::string file = workshop_.read("a.npz");
  write_npz(path(), read);
  EXPECT_EQ(workshop_.read("a.npz"), file);
  write_npz(path(), {});
  EXPECT_TRUE(read_npz(path()).empty());
}

TEST_F(Npz, NamesTheArrayThatIsWrong) {
  const std::string good = test::npy_bytes(test::npy_dictionary("<f4", "1,"), "1234");
  write({{"good.npy", good}, {"bad.npy", test::npy_bytes(test::npy_dictionary("|O", "1,"), "1234")}});
  expect_error<FileError>([&] { (void)read_npz(path()); }, {"a.npz", "'bad'", "pickle"});
  write({{"good.npy", good}, {"notes.txt", "hello"}});
  expect_error<FileError>([&] { (void)read_npz(path()); }, {"a.npz", "'notes.txt'", ".npy"});
  workshop_.write("a.npz", "hello");
  expect_error<FileError>([&] { (void)read_npz(path()); }, {"a.npz", "no zip archive"});
  expect_error<FileError>([&] { (void)read_npz(workshop_.path("b.npz")); }, {"b.npz", "No such file"});
}

TEST_F(Npz, HasNamesForAllArrays) {
  expect_error<ConfigError>([&] { write_npz(path(), {{"", {1}}}); }, {"0 bytes"});
  expect_error<ConfigError>([&] { write_npz(path(), {{std::string(65001, 'x'), {1}}}); }, {"65001 bytes"});
  write_npz(path(), {{std::string(65000, 'x'), {1}}});
  EXPECT_EQ(read_npz(path()).names().front().size(), 65000U);
}

TEST_F(Npz, OfManyArraysIsReadSoon) {
  const std::string array = test::npy_bytes(test::npy_dictionary("<f4", "1,"), "1234");
  std::vector<std::pair<std::string, std::string>> entries;
  for (int i = 0; i < 60000; ++i) entries.emplace_back("an_array_among_many_" + std::to_string(i) + ".npy", array);
  write(entries);
  const std::clock_t start = std::clock();
  EXPECT_EQ(read_npz(path()).size(), 60000U);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  EXPECT_LT(seconds, test::instrumented() ? 20 : 2);
}

TEST_F(Npz, EveryByteMayBeAnother) {
  write_npz(path(), {{"x", {1, 2}}});
  const std::string file = workshop_.read("a.npz");
  for (std::size_t i = 0; i < file.size(); ++i) {
    for (const char change : {'\x01', '\x40', '\xff'}) {
      std::string other = file;
      other[i] = static_cast<char>(other[i] ^ change);
      workshop_.write("a.npz", other);
      try {
        EXPECT_LE(read_npz(path()).size(), 1U);
      } catch (const FileError&) {
      }
    }
  }
}

// ---- what others read and write

#ifdef RONDO_NUMPY
TEST_F(Npz, NumPyReadsWhatIsWritten) {
  write_npz(path(),
            {{"x", {{1, 2.5}, {-3, 4}}}, {"\u00fc/y", Tensor(Shape{3}, std::vector<float>{0.1F, -0.0F, 1e-45F})}});
  write_npy(workshop_.path("cube.npy"), Tensor({0, 1, 2, 3, 4, 5, 6, 7}).reshape({2, 2, 2}));
  write_npy(workshop_.path("scalar.npy"), Tensor(Shape{}, std::vector<double>{0.1}));
  workshop_.write("read.py", R"(
import numpy as np
with np.load("a.npz") as data:
    assert data.files == ["x", "\u00fc/y"], data.files
    assert data["x"].dtype == np.float64 and data["x"].tolist() == [[1, 2.5], [-3, 4]]
    y = data["\u00fc/y"]
    assert y.dtype == np.float32 and y.tobytes() == np.array([0.1, -0.0, 1e-45], np.float32).tobytes()
cube = np.load("cube.npy")
assert cube.flags.c_contiguous and (cube == np.arange(8.0).reshape(2, 2, 2)).all()
scalar = np.load("scalar.npy", mmap_mode="r")
assert scalar.shape == () and scalar == 0.1
)");
  EXPECT_TRUE(workshop_.run(RONDO_NUMPY " read.py"));
}

TEST_F(Npz, WhatNumPyWritesIsRead) {
  workshop_.write("write.py", R"(
import numpy as np
cube = np.arange(24).reshape(2, 3, 4)
some = dict(doubles=cube / 8, floats=(cube / 8).astype(np.float32), columns=np.asfortranarray(cube / 8),
            scalar=np.float64(0.1), none=np.zeros((0, 5)), truths=cube % 2 == 0)
for kind in "i1 i2 i4 i8 u1 u2 u4 u8".split():
    some[kind] = cube.astype(kind)
np.savez("stored.npz", **some)
np.savez_compressed("packed.npz", **some)
np.savez("unnamed.npz", cube / 8, cube)
np.save("new.npy", cube / 8)
with open("version_2.npy", "wb") as file:
    np.lib.format.write_array(file, cube / 8, version=(2, 0))
with open("version_3.npy", "wb") as file:
    np.lib.format.write_array(file, cube / 8, version=(3, 0))
np.save("objects.npy", np.array([{}, None]), allow_pickle=True)
np.save("complex.npy", np.zeros(3, np.complex64))
np.save("records.npy", np.zeros(3, [("a", "<f4")]))
np.save("texts.npy", np.array(["a", "b"]))
np.save("big_endian.npy", np.zeros(3, ">f4"))
np.save("half.npy", np.zeros(3, np.float16))
)");
  ASSERT_TRUE(workshop_.run(RONDO_NUMPY " write.py"));
  Numbers cube(24), eighths(24), even(24);
  for (std::size_t i = 0; i < 24; ++i) {
    cube[i] = static_cast<double>(i);
    eighths[i] = cube[i] / 8;
    even[i] = i % 2 == 0 ? 1 : 0;
  }
  for (const char* name : {"stored.npz", "packed.npz"}) {
    const NamedTensors arrays = read_npz(workshop_.path(name));
    EXPECT_EQ(arrays.names(), (std::vector<std::string>{"doubles", "floats", "columns", "scalar", "none", "truths",
                                                        "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"}));
    for (const char* eighth : {"doubles", "floats", "columns"}) {
      EXPECT_EQ(arrays[eighth].to_vector(), eighths) << eighth;
      EXPECT_EQ(arrays[eighth].shape(), (Shape{2, 3, 4}));
    }
    EXPECT_EQ(arrays["floats"].dtype(), DType::float32);
    EXPECT_EQ(arrays["scalar"].to_vector(), Numbers{0.1});
    EXPECT_EQ(arrays["none"].shape(), (Shape{0, 5}));
    EXPECT_EQ(arrays["truths"].to_vector(), even);
    for (const char* kind : {"i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"}) {
      EXPECT_EQ(arrays[kind].to_vector(), cube) << kind;
    }
  }
  EXPECT_EQ(read_npz(workshop_.path("unnamed.npz"))["arr_1"].to_vector(), cube);
  for (const char* name : {"new.npy", "version_2.npy", "version_3.npy"}) {
    EXPECT_EQ(read_npy(workshop_.path(name)).to_vector(), eighths) << name;
  }
  for (const auto& [name, word] : std::vector<std::pair<const char*, const char*>>{{"objects.npy", "pickle"},
                                                                                   {"complex.npy", "<c8"},
                                                                                   {"records.npy", "records"},
                                                                                   {"texts.npy", "<U1"},
                                                                                   {"big_endian.npy", ">f4"},
                                                                                   {"half.npy", "<f2"}}) {
    expect_error<FileError>([&, file = name] { (void)read_npy(workshop_.path(file)); }, {name, word});
  }
}
#endif

}  // namespace
}  // namespace rondo
