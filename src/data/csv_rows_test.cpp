#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <numeric>
#include <unistd.h>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"

namespace rondo {
namespace {

using test::expect_error;

class CsvRows : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }

  const std::string& file(const std::string& text) const {
    std::ofstream(path_, std::ios::binary) << text;
    return path_;
  }

  const std::string path_ =
      (std::filesystem::path(testing::TempDir()) / ("rondo_rows_" + std::to_string(getpid()) + ".csv")).string();
};

Tensor read(const Rows& rows, const std::vector<Index>& numbers) {
  Tensor to(rows.sample().prepend(static_cast<Index>(numbers.size())), DType::float64);
  rows.read(numbers, to);
  return to;
}

Tensor read_all(const Rows& rows) {
  std::vector<Index> numbers(static_cast<std::size_t>(rows.count()));
  std::iota(numbers.begin(), numbers.end(), Index{0});
  return read(rows, numbers);
}

TEST_F(CsvRows, AreThoseOfTheTable) {
  std::string text = "\xEF\xBB\xBFtime;wind;\"temp;C\"\r\n";
  for (int i = 0; i < 100; ++i) {
    text += std::to_string(i) + ";" + std::to_string(i % 7) + ".5;" + (i == 40 ? "NA" : std::to_string(-i)) + "\r\n";
    if (i % 10 == 3) text += " \r\n";
  }
  for (const char* end : {"", "100;1;2"}) {
    const Table table = read_csv(file(text + end));
    const Rows rows = Rows::csv(path_, {"temp;C", "time"});
    EXPECT_EQ(rows.count(), table.rows());
    EXPECT_EQ(rows.sample(), Shape{2});
    EXPECT_EQ(rows.dtype(), DType::float64);
    EXPECT_TRUE(allclose(read_all(rows), table.tensor({"temp;C", "time"}), {.rtol = 0, .atol = 0, .equal_nan = true}));
    EXPECT_EQ(read(rows, {97, 0, 15, 16, 17, 31, 32}).to_vector(),
              (std::vector<double>{-97, 97, 0, 0, -15, 15, -16, 16, -17, 17, -31, 31, -32, 32}));
  }
}

TEST_F(CsvRows, TakeTheOptionsOfTheTable) {
  const CsvOptions options{
      .separator = ';', .header = false, .decimal = ',', .missing = {"-99"}, .skip_blank_lines = false};
  const Rows rows = Rows::csv(file("\n1,5;2\n\n-99;4\n"), {"column0", "column1"}, options);
  const Tensor table = read_csv(path_, options).tensor();
  EXPECT_EQ(rows.count(), table.shape()[0]);
  EXPECT_TRUE(allclose(read_all(rows), table, {.rtol = 0, .atol = 0, .equal_nan = true}));
  EXPECT_EQ(Rows::csv(file("a\n\n"), {"a"}).count(), 0);
  EXPECT_EQ(Rows::csv(file("a\n1"), {"a"}).count(), 1);
}

TEST_F(CsvRows, OfAFileOfManyBlocksAreFound) {
  std::string text = "x,y\n";
  for (int i = 0; i < 200000; ++i) text += std::to_string(i) + "," + std::to_string(2 * i) + "\n";
  ASSERT_GT(text.size(), std::size_t{2} << 20);
  const Rows rows = Rows::csv(file(text), {"y"});
  EXPECT_EQ(rows.count(), 200000);
  EXPECT_EQ(read(rows, {199999, 0, 123456}).to_vector(), (std::vector<double>{399998, 0, 246912}));
}

TEST_F(CsvRows, MistakesAreToldWithTheirLines) {
  expect_error<ConfigError>([&] { Rows::csv(file("a,b\n1,2\n"), {"a", "c"}); }, {path_, "no column 'c'"});
  std::string text = "a,b\n";
  for (int i = 0; i < 80; ++i) text += "1,2\n";
  const Rows word = Rows::csv(file(text + "1,two\n"), {"b"});
  expect_error<FileError>([&] { read(word, {80}); }, {path_, "line 82", "column 'b'", "'two'", "not a number"});
  const Rows uneven = Rows::csv(file(text + "1,2,3\n"), {"b"});
  expect_error<FileError>([&] { read(uneven, {80}); }, {path_, "line 82", "found 3 cells, expected 2 as on line 1"});
  const Rows quoted = Rows::csv(file(text + "1,\"2\n3\"\n"), {"a"});
  expect_error<FileError>([&] { read(quoted, {80}); }, {path_, "quote"});
  expect_error<FileError>([&] { Rows::csv(file("a,b\r1,2\r"), {"a"}); }, {"CR alone", "read_csv"});
  expect_error<FileError>([&] { Rows::csv(file(""), {"a"}); }, {"nothing in it"});
  expect_error<FileError>([&] { Rows::csv("/no/such/file.csv", {"a"}); }, {"/no/such/file.csv"});
}

TEST_F(CsvRows, TrainAModel) {
  std::string text = "x,y\n";
  for (int i = 0; i < 100; ++i) text += std::to_string(i % 10) + "," + std::to_string(i % 10 * 0.5) + "\n";
  (void)file(text);
  Sequential model{Dense(1, {.input_shape = {1}})};
  model.compile({.optimizer = SGD({.learning_rate = 0.01}), .loss = "mse"});
  RowBatches batches(Rows::csv(path_, {"x"}), Rows::csv(path_, {"y"}), {.batch_size = 8});
  const History history = model.fit(batches, {.epochs = 20, .verbose = 0});
  EXPECT_LT(history["loss"].back(), 0.01);
}

}  // namespace
}  // namespace rondo
