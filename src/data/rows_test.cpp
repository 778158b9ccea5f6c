// Rows and batches of them.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <numeric>
#include <set>
#include <thread>

#include <rondo/rondo.hpp>
#include <rondo/rows.hpp>

#include "support/expect_error.hpp"
#include "support/npy_bytes.hpp"

namespace rondo {
namespace {

using test::expect_error;

Tensor counted(const Shape& shape) {
  std::vector<double> numbers(static_cast<std::size_t>(shape.elements()));
  std::iota(numbers.begin(), numbers.end(), 0.0);
  return Tensor(shape, std::move(numbers));
}

std::vector<double> all_of(const Rows& rows, DType dtype = DType::float64) {
  std::vector<Index> numbers(static_cast<std::size_t>(rows.count()));
  std::iota(numbers.begin(), numbers.end(), Index{0});
  Tensor to(rows.sample().prepend(rows.count()), dtype);
  rows.read(numbers, to);
  return to.to_vector();
}

using Numbers = std::vector<double>;

TEST(Rows, AreThoseOfATensor) {
  const Rows rows = counted({3, 2});
  EXPECT_EQ(rows.count(), 3);
  EXPECT_EQ(rows.sample(), Shape{2});
  Tensor two({2, 2}, DType::float32);
  rows.read(std::vector<Index>{2, 0}, two);
  EXPECT_EQ(two.to_vector(), (Numbers{4, 5, 0, 1}));
  expect_error<ShapeError>([&] { rows.read(std::vector<Index>{3, 0}, two); }, {"row 3 of 3"});
  expect_error<ShapeError>([&] { rows.read(std::vector<Index>{1}, two); }, {"(1, 2)", "(2, 2)"});
  expect_error<ShapeError>([] { (void)Rows(Tensor(Shape{}, Numbers{1})); }, {"scalar"});
}

TEST(Rows, SlicesCountFromTheEndToo) {
  const Rows rows = counted({5});
  EXPECT_EQ(all_of(rows.from(3)), (Numbers{3, 4}));
  EXPECT_EQ(all_of(rows.from(-1)), (Numbers{4}));
  EXPECT_EQ(all_of(rows.first(2)), (Numbers{0, 1}));
  EXPECT_EQ(all_of(rows.slice(1, -1).slice(1, 3)), (Numbers{2, 3}));
  expect_error<ShapeError>([&] { (void)rows.from(6); }, {"rows 6 to 5 of 5"});
}

TEST(Rows, WindowsAreCutAsKerasCutsThem) {
  const Rows series = counted({7, 1});
  EXPECT_EQ(Rows::windows(series, {.length = 3}).count(), 5);
  EXPECT_EQ(Rows::windows(series, {.length = 3}).sample(), (Shape{3, 1}));
  EXPECT_EQ(all_of(Rows::windows(series, {.length = 3, .stride = 3})), (Numbers{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(all_of(Rows::windows(series, {.length = 3, .stride = 2, .sampling_rate = 2})), (Numbers{0, 2, 4, 2, 4, 6}));
  expect_error<ShapeError>([&] { (void)Rows::windows(series, {.length = 8}); }, {"7 rows hold no window of 8 rows"});
  expect_error<ShapeError>([&] { (void)Rows::windows(series, {.length = 2, .sampling_rate = 7}); }, {"every 7"});
  expect_error<ConfigError>([&] { (void)Rows::windows(series, {.length = 0}); }, {"length is 0"});
}

TEST(Rows, JoinedOnesAreReadAcrossTheirBorders) {
  const Rows joined = Rows::joined({counted({2, 1}), counted({1, 1}), counted({3, 1})});
  EXPECT_EQ(all_of(joined), (Numbers{0, 1, 0, 0, 1, 2}));
  EXPECT_EQ(all_of(Rows::windows(joined, {.length = 4, .stride = 2})), (Numbers{0, 1, 0, 0, 0, 0, 1, 2}));
  expect_error<ShapeError>([] { (void)Rows::joined({counted({2, 1}), counted({2, 2})}); }, {"(2,)", "(1,)"});
}

TEST(Rows, AFunctionMayMakeThem) {
  const Rows squares =
      Rows::generated(4, {1}, [](Index i, std::span<double> row) { row[0] = static_cast<double>(i * i); });
  EXPECT_EQ(all_of(squares.from(1)), (Numbers{1, 4, 9}));
  expect_error<ShapeError>([] { (void)Rows::generated(4, {Shape::kUnknown}, [](Index, std::span<double>) {}); },
                           {"every size"});
}

// ---- files ----------------------------------------------------------------------------------------------------------

class NpyTest : public testing::Test {
 protected:
  ~NpyTest() override { std::remove(path_.c_str()); }

  const std::string& file(const std::string& dictionary, const std::string& content, char version = 1) const {
    std::ofstream(path_, std::ios::binary) << test::npy_bytes(dictionary, content, version);
    return path_;
  }
  template <class T>
  static std::string bytes_of(const std::vector<T>& numbers) {
    return test::bytes_of_numbers(numbers);
  }
  static std::string header(const std::string& type, const std::string& shape) {
    return test::npy_dictionary(type, shape);
  }

  const std::string path_ = std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) + "_rows.npy";
};

TEST_F(NpyTest, HoldsNumbersOfManyTypes) {
  const auto read = [&](const std::string& type, const std::string& content) {
    return all_of(Rows::npy(file(header(type, "2, 2"), content)));
  };
  const Numbers expected{1, 2, 3, 100};
  EXPECT_EQ(read("<f8", bytes_of<double>({1, 2, 3, 100})), expected);
  EXPECT_EQ(read("<f4", bytes_of<float>({1, 2, 3, 100})), expected);
  EXPECT_EQ(read("<i8", bytes_of<std::int64_t>({1, 2, 3, 100})), expected);
  EXPECT_EQ(read("<i4", bytes_of<std::int32_t>({1, 2, 3, 100})), expected);
  EXPECT_EQ(read("<u2", bytes_of<std::uint16_t>({1, 2, 3, 100})), expected);
  EXPECT_EQ(read("|i1", bytes_of<std::int8_t>({1, 2, 3, 100})), expected);
  EXPECT_EQ(read("|b1", bytes_of<std::uint8_t>({1, 2, 3, 100})), expected);
}

TEST_F(NpyTest, IntegersThatRoundingWouldChangeAreNamed) {
  const std::int64_t odd = (std::int64_t{1} << 53) + 1;
  const std::string name = file(header("<i8", "3,"), bytes_of<std::int64_t>({1, 2, odd}));
  expect_error<FileError>([&] { all_of(Rows::npy(name)); }, {"9007199254740993", "element 2", "float64"});
}

TEST_F(NpyTest, TellsCountShapeAndType) {
  const Rows rows = Rows::npy(file(header("<f4", "3,"), bytes_of<float>({1, 2, 3}), 2));
  EXPECT_EQ(rows.count(), 3);
  EXPECT_EQ(rows.sample(), Shape{});
  EXPECT_EQ(rows.dtype(), DType::float32);
  EXPECT_EQ(all_of(rows, DType::float32), (Numbers{1, 2, 3}));
}

TEST_F(NpyTest, LongRowsAreConvertedPieceByPiece) {
  std::vector<std::int32_t> numbers(10000);
  std::iota(numbers.begin(), numbers.end(), 0);
  const Rows rows = Rows::npy(file(header("<i4", "1, 10000"), bytes_of(numbers)));
  EXPECT_EQ(all_of(rows), Numbers(numbers.begin(), numbers.end()));
}

TEST_F(NpyTest, WhatIsNoArrayIsRefused) {
  const auto refused = [&](const std::string& dictionary, const std::string& content,
                           const std::vector<std::string>& words, char version = 1) {
    expect_error<FileError>([&] { (void)Rows::npy(file(dictionary, content, version)); }, words);
  };
  const std::string four = bytes_of<float>({1, 2, 3, 4});
  refused(header("<f4", "5,"), four, {path_, "16 bytes", "cut off"});
  refused(header("<f4", "9223372036854775807, 9223372036854775807"), four, {"cut off"});
  refused(header("<f4", "99999999999999999999,"), four, {"shape (99999999999999999999"});
  refused(header("<f4", "-1,"), four, {"shape (-1"});
  refused(header("<f4", "1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1"), four, {"17 axes"});
  refused(header("<f4", "4, 0"), four, {"no numbers"});
  refused(header("<f4", "0, 9223372036854775807, 9223372036854775807"), four, {"no numbers"});
  refused(header("<f4", ""), four, {"scalar"});
  refused(header("<c8", "2,"), four, {"'<c8'", "np.float32"});
  refused(header(">f4", "4,"), four, {"'>f4'", "little-endian"});
  refused("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", four, {"Fortran", "ascontiguousarray"});
  refused("{'descr': '<f4'}", four, {"fortran_order"});
  refused(header("<f4", "4,"), four, {"version is 9"}, 9);
  expect_error<FileError>([] { (void)Rows::npy("no_such_file.npy"); }, {"no_such_file.npy", "No such file"});
  expect_error<FileError>([] { (void)Rows::npy("."); }, {"'.'"});
  std::ofstream(path_, std::ios::binary) << "a,b\n1,2\n3,4\n5,6\n";
  expect_error<FileError>([&] { (void)Rows::npy(path_); }, {"no .npy file"});
}

TEST_F(NpyTest, AFileThatGetsShorterIsAnErrorAndNoEndOfTheProgram) {
  const Rows rows = Rows::npy(file(header("<f8", "4,"), bytes_of<double>({1, 2, 3, 4})));
  file(header("<f8", "4,"), bytes_of<double>({1, 2}));
  expect_error<FileError>([&] { (void)all_of(rows); }, {"shorter"});
}

// ---- batches --------------------------------------------------------------------------------------------------------

std::vector<double> epoch_of(RowBatches& batches) {
  batches.on_pass_begin();
  std::vector<double> seen;
  for (Index i = 0; i < batches.batches(); ++i) {
    const Batch batch = batches.batch(i);
    const std::vector<double> x = batch.X.tensors()[0].to_vector(), y = batch.y.tensors()[0].to_vector();
    EXPECT_EQ(x, y);
    seen.insert(seen.end(), x.begin(), x.end());
  }
  return seen;
}

TEST(RowBatches, HaveEachSampleOnceInAnOrderOfEachEpoch) {
  const Rows rows = counted({10});
  RowBatches batches(rows, rows, {.batch_size = 4});
  EXPECT_EQ(batches.batches(), 3);
  EXPECT_EQ(batches.batch(2).X.tensors()[0].shape(), Shape{2});
  const std::vector<double> first = epoch_of(batches), second = epoch_of(batches);
  EXPECT_NE(first, second);
  EXPECT_EQ(std::set<double>(first.begin(), first.end()).size(), 10U);
  EXPECT_EQ(std::set<double>(second.begin(), second.end()).size(), 10U);
  RowBatches in_order(rows, rows, {.batch_size = 4, .shuffle = false});
  EXPECT_EQ(epoch_of(in_order), counted({10}).to_vector());
}

TEST(RowBatches, TrainAsTheArraysDo) {
  const auto trained = [](bool prefetch, bool from_rows) {
    set_random_seed(4);
    const Sequential model{LSTM(3, {.input_shape = {2, 1}}), Dense(1)};
    model.compile({.optimizer = "adam", .loss = "mse", .weighted_metrics = {"mae"}});
    const Tensor X = counted({7, 2, 1}).cast(DType::float32), y = counted({7, 1}).cast(DType::float32),
                 weights = counted({7});
    RowBatches batches(X, y, {.batch_size = 3, .shuffle = false, .sample_weight = weights, .prefetch = prefetch});
    const History history =
        from_rows
            ? model.fit(batches, {.epochs = 3, .verbose = 0, .shuffle = false})
            : model.fit(X, y, {.batch_size = 3, .epochs = 3, .verbose = 0, .shuffle = false, .sample_weight = weights});
    return std::pair(model.get_weights(), history["mae"]);
  };
  const auto [arrays, mae] = trained(false, false);
  for (const bool prefetch : {false, true}) {
    const auto [rows, mae_of_rows] = trained(prefetch, true);
    for (std::size_t i = 0; i < arrays.size(); ++i) EXPECT_TRUE(rows[i].identical(arrays[i])) << prefetch;
    EXPECT_EQ(mae_of_rows, mae);
  }
}

TEST(RowBatches, AreReadByAnotherThreadAhead) {
  const std::thread::id here = std::this_thread::get_id();
  std::atomic<bool> is_read_here = false, is_read_elsewhere = false;
  const Rows rows = Rows::generated(8, {1}, [&](Index, std::span<double>) {
    (std::this_thread::get_id() == here ? is_read_here : is_read_elsewhere) = true;
  });
  const Sequential model{Dense(1, {.input_shape = {1}})};
  model.compile({.loss = "mse"});
  RowBatches batches(rows, counted({8, 1}), {.batch_size = 2});
  const auto wait = make_callback<LambdaCallback>({.on_train_batch_end = [&](Index, Logs&) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!is_read_elsewhere && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  }});
  (void)model.fit(batches, {.epochs = 2, .verbose = 0, .callbacks = {wait}, .steps_per_epoch = 3});
  EXPECT_TRUE(is_read_elsewhere);
  EXPECT_TRUE(is_read_here) << "the first batch of a pass is read when it is asked for";
}

TEST(RowBatches, WhatReadingThrowsComesOutOfFit) {
  const Rows rows = Rows::generated(8, {1}, [](Index i, std::span<double>) {
    if (i == 5) throw std::runtime_error("row 5 is missing");
  });
  const Sequential model{Dense(1, {.input_shape = {1}})};
  model.compile({.loss = "mse"});
  RowBatches batches(rows, counted({8, 1}), {.batch_size = 2, .shuffle = false});
  expect_error<std::runtime_error>([&] { (void)model.fit(batches, {.verbose = 0, .shuffle = false}); }, {"row 5"});
  RowBatches whole(counted({8, 1}), counted({8, 1}), {.batch_size = 2});
  (void)model.fit(whole, {.verbose = 0});
}

TEST(RowBatches, StepsOfAnEpochGoOnInOneOrder) {
  std::vector<Index> seen;
  const Rows rows = Rows::generated(8, {1}, [&](Index i, std::span<double>) { seen.push_back(i); });
  const Sequential model{Dense(1, {.input_shape = {1}})};
  model.compile({.loss = "mse"});
  RowBatches batches(rows, counted({8, 1}), {.batch_size = 2, .prefetch = false});
  (void)model.fit(batches, {.epochs = 2, .verbose = 0, .steps_per_epoch = 2});
  EXPECT_EQ(std::set<Index>(seen.begin(), seen.end()).size(), 8U);
}

TEST(RowBatches, MistakesAreNamed) {
  const Rows three = counted({3, 1}), two = counted({2, 1});
  expect_error<ShapeError>([&] { (void)RowBatches(three, two); }, {"3 samples, but 2 labels"});
  expect_error<ShapeError>([&] { (void)RowBatches(three, three, {.sample_weight = two}); }, {"2 weights"});
  expect_error<ShapeError>([&] { (void)RowBatches(three.first(0), two.first(0)); }, {"no samples"});
  expect_error<ConfigError>([&] { (void)RowBatches(two, two, {.batch_size = 0}); }, {"batch_size is 0"});
}

}  // namespace
}  // namespace rondo
