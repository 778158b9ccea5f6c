#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rondo/rondo.hpp>

#include "cli/program.hpp"

namespace rondo {
namespace {

using test::Cli;
using test::expect_failure;
using test::expect_success;
using test::golden_model;
using test::Ran;
using test::small_model;

// (samples, 4, 2): 0.1, -0.2, 0.3, ...
Tensor samples(Index count) {
  std::vector<float> numbers;
  for (Index i = 0; i < count * 8; ++i) numbers.push_back(static_cast<float>(i % 11) * (i % 2 == 0 ? 0.1F : -0.1F));
  return Tensor({count, 4, 2}, numbers);
}

std::string csv_of(const Tensor& table) {
  std::string text;
  for (Index row = 0; row < table.shape()[0]; ++row) {
    const std::vector<double> numbers = table.rows(row, row + 1).to_vector();
    for (std::size_t i = 0; i < numbers.size(); ++i) text += (i == 0 ? "" : ",") + std::to_string(numbers[i]);
    text += "\n";
  }
  return text;
}

// Numbers of CSV, (rows, columns).
Tensor numbers_in(const std::string& csv) { return parse_csv(csv, {.header = false}).tensor(); }

void write_npy(const Cli& cli, const std::string& name, const std::string& shape, const std::vector<float>& numbers) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }";
  header.resize(117, ' ');
  header += "\n";
  std::string bytes("\x93NUMPY\x01\x00\x76\x00", 10);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float));
  cli.write(name, bytes);
}

Tensor read_npy(const std::string& path) {
  const Rows rows = Rows::npy(path);
  Tensor tensor(rows.sample().prepend(rows.count()), rows.dtype());
  std::vector<Index> all;
  for (Index i = 0; i < rows.count(); ++i) all.push_back(i);
  rows.read(all, tensor);
  return tensor;
}

class Predict : public testing::Test {
 protected:
  void SetUp() override { model.save(cli.path("m.keras")); }
  Tensor expected(const Tensor& X) const { return model.predict(X, {.verbose = 0}); }

  Cli cli;
  Model model = small_model();
};

TEST_F(Predict, ARowOfCsvIsASampleAndItsPredictionARow) {
  const Tensor X = samples(50);
  cli.write("x.csv", csv_of(X));
  expect_success(cli.run("predict m.keras x.csv y.csv"));
  const Tensor y = expected(Tensor(numbers_in(csv_of(X))).reshape({50, 4, 2}));
  EXPECT_TRUE(numbers_in(cli.read("y.csv")).cast(DType::float32).identical(y)) << "shortest texts read back to the bit";
}

TEST_F(Predict, NpyGoesInAndOut) {
  const Tensor X = samples(5);
  const auto numbers = X.data<float>();
  write_npy(cli, "x.npy", "(5, 4, 2)", {numbers.begin(), numbers.end()});
  expect_success(cli.run("predict m.keras x.npy y.npy --batch-size 2"));
  EXPECT_TRUE(read_npy(cli.path("y.npy")).identical(expected(X)));
}

TEST_F(Predict, GoesThroughPipes) {
  const Ran ran = cli.run("predict m.keras - -", "1,2,3,4,5,6,7,8\n8,7,6,5,4,3,2,1\n");
  expect_success(ran);
  const Tensor X = Tensor{{1, 2, 3, 4, 5, 6, 7, 8}, {8, 7, 6, 5, 4, 3, 2, 1}}.reshape({2, 4, 2});
  EXPECT_TRUE(numbers_in(ran.out).cast(DType::float32).identical(expected(X))) << ran.out;
}

TEST_F(Predict, ALineOfNamesIsPassedOver) {
  const std::string rows = "1,2,3,4,5,6,7,8\n";
  const std::string plain = cli.run("predict m.keras - -", rows).out;
  EXPECT_EQ(cli.run("predict m.keras - -", "a,b,c,d,e,f,g,h\n" + rows).out, plain);
  EXPECT_EQ(cli.run("predict m.keras - -", ",b,c,d,e,f,g,h\n" + rows).out, plain) << "as pandas names an index";
  EXPECT_EQ(cli.run("predict m.keras - - --header yes", "2011,2012,2013,2014,2015,2016,2017,2018\n" + rows).out, plain);
  EXPECT_EQ(cli.run("predict m.keras - - --decimal ,", "1;2;3;4;5;6;7;8\n").out, plain);
}

TEST_F(Predict, WhereTimeIsOpenRowsOfOneStepAreASequence) {
  const Model open = small_model(Shape::kUnknown, /*return_sequences=*/true);
  open.save(cli.path("open.keras"));
  const Ran steps = cli.run("predict open.keras - -", "1,2\n3,4\n5,6\n");
  expect_success(steps);
  const Tensor X = Tensor{{1, 2}, {3, 4}, {5, 6}}.reshape({1, 3, 2});
  const Tensor y = open.predict(X, {.verbose = 0});
  EXPECT_TRUE(numbers_in(steps.out).cast(DType::float32).identical(y.reshape({3, 1}))) << steps.out;
  const Ran rows = cli.run("predict open.keras - -", "1,2,3,4,5,6\n");
  EXPECT_TRUE(numbers_in(rows.out).cast(DType::float32).identical(y.reshape({1, 3}))) << "a row of three steps";
  expect_failure(cli.run("predict open.keras - -", "1,2,3\n"), 3, {"3 numbers", "2 numbers a row", "multiple"});
}

TEST_F(Predict, ASequenceWithOnePredictionGivesOneRow) {
  const Model last = small_model(Shape::kUnknown);
  last.save(cli.path("last.keras"));
  const Ran ran = cli.run("predict last.keras - -", "1,2\n3,4\n5,6\n");
  expect_success(ran);
  EXPECT_EQ(numbers_in(ran.out).shape(), (Shape{1, 1}));
}

TEST_F(Predict, ATextInANumbersPlaceIsNamedWithItsLine) {
  cli.write("x.csv", "a,b,c,d,e,f,g,h\n1,2,3,4,5,6,7,8\n1,2,3,4,oops,6,7,8\n");
  expect_failure(cli.run("predict m.keras x.csv y.csv"), 3, {"x.csv, line 3", "'e'", "'oops'"});
  expect_failure(cli.run("predict m.keras - -", "1,2,3,4,5,6,7,x\n"), 3, {"standard input, line 1", "'x'"});
  EXPECT_FALSE(std::filesystem::exists(cli.path("y.csv")));
}

TEST_F(Predict, WhatAMessageAdvisesIsAnOptionAndHelps) {
  struct Case {
    const char *rows, *given, *advice;
  };
  for (const Case& c :
       {Case{"1,2,3,4,5,6,7,nil\n", "", "--missing \"nil\""}, Case{"1;2;3;4;5;6;7;8,5\n", "", "--decimal ,"},
        Case{"1,2,3,4,5,6,7,\"8,5\"\n", "", "--separator , --decimal ,"},
        Case{"1;2;3;4;5;6;7;8.5\n", "--decimal ,", "--decimal ."},
        Case{"1,1,3,4,5,6,7,8\n", "--header yes", "--header no"}}) {
    const Ran ran = cli.run(std::string("predict m.keras - - ") + c.given, c.rows);
    expect_failure(ran, 3, {"standard input, line 1", c.advice});
    for (const char* member : {"{.", "text("}) EXPECT_EQ(ran.err.find(member), std::string::npos) << ran.err;
    expect_success(cli.run(std::string("predict m.keras - - ") + c.advice, c.rows));
  }
  expect_failure(cli.run("predict m.keras - -", "1,2\n1,2,3\n"), 3, {"line 2", "--separator"});
}

TEST_F(Predict, CellsMayMeanMissingValues) {
  const Ran ran =
      cli.run("predict m.keras - - --missing nil --missing -999", "1,2,nil,4,5,6,7,8\n1,2,3,4,5,6,7,-999\n");
  expect_success(ran);
  EXPECT_EQ(ran.out, "nan\nnan\n");
  EXPECT_EQ(cli.run("predict m.keras - - --separator ';'", "1;2;3;4;5;6;7;8\n").out,
            cli.run("predict m.keras - -", "1,2,3,4,5,6,7,8\n").out);
  EXPECT_EQ(cli.run("predict m.keras - - --separator tab", "1\t2\t3\t4\t5\t6\t7\t8\n").out,
            cli.run("predict m.keras - -", "1,2,3,4,5,6,7,8\n").out);
}

// A model of single numbers, which are what comes out.
TEST_F(Predict, BlankLinesAreGapsInASeriesOfSingleNumbers) {
  const Sequential same{Dense(1, {.use_bias = false, .kernel_initializer = "ones", .input_shape = {1}})};
  same.save(cli.path("same.keras"));
  const auto predicted = [&](const std::string& csv) { return cli.run("predict same.keras - -", csv).out; };
  EXPECT_EQ(predicted("1\n\n3\n"), "1\nnan\n3\n");
  EXPECT_EQ(predicted("1\n\"\"\n3\n\n\n"), "1\nnan\n3\n");
  EXPECT_EQ(predicted("price\r\n1\r\n\r\n3\r\n"), "1\nnan\n3\n");
  cli.write("gap.csv", "1\n\n3");
  EXPECT_EQ(cli.run("predict same.keras gap.csv -").out, "1\nnan\n3\n");
}

TEST_F(Predict, WritesIntoPipesAndWhatLinksName) {
  cli.write("x.csv", "1,2,3,4,5,6,7,8\n");
  const std::string y = cli.run("predict m.keras x.csv -").out;
  ASSERT_EQ(mkfifo(cli.path("pipe.csv").c_str(), 0600), 0);
  const int pipe = open(cli.path("pipe.csv").c_str(), O_RDWR | O_NONBLOCK);  // so that nobody waits for the other end
  expect_success(cli.run("predict m.keras x.csv pipe.csv"));
  std::string got(y.size() + 1, ' ');
  got.resize(static_cast<std::size_t>(std::max<ssize_t>(0, read(pipe, got.data(), got.size()))));
  close(pipe);
  EXPECT_EQ(got, y);
  EXPECT_TRUE(std::filesystem::is_fifo(cli.path("pipe.csv")));
  cli.write("real.csv", "old");
  std::filesystem::create_symlink("real.csv", cli.path("link.csv"));
  expect_success(cli.run("predict m.keras x.csv link.csv"));
  EXPECT_EQ(cli.read("real.csv"), y);
  EXPECT_TRUE(std::filesystem::is_symlink(cli.path("link.csv")));
}

TEST_F(Predict, BatchesOfAStatefulModelMustDivideTheSamples) {
  const Sequential stateful{LSTM(3, {.stateful = true, .input_shape = {4, 2}}), Dense(1)};
  stateful.save(cli.path("s.keras"));
  cli.write("x.csv", csv_of(samples(4).reshape({4, 8})));
  EXPECT_NE(cli.run("predict s.keras x.csv - --batch-size 1").out, cli.run("predict s.keras x.csv -").out);
  expect_failure(cli.run("predict s.keras x.csv - --batch-size 3"), 3, {"stateful", "Use a --batch-size that divides"});
}

TEST_F(Predict, IntegersThatRoundingWouldChangeAreRefused) {
  std::string header = "{'descr': '<i8', 'fortran_order': True, 'shape': (1, 4, 2), }";
  header.resize(117, ' ');
  std::string bytes("\x93NUMPY\x01\x00\x76\x00", 10);
  bytes += header + "\n";
  std::int64_t numbers[8] = {1, 2, 3, 4, 5, 6, 7, (std::int64_t{1} << 53) + 1};
  cli.write("x.npy", bytes + std::string(reinterpret_cast<const char*>(numbers), sizeof numbers));
  expect_failure(cli.run("predict m.keras x.npy -"), 3, {"x.npy", "9007199254740993"});
  numbers[7] = 8;  // column by column
  cli.write("x.npy", bytes + std::string(reinterpret_cast<const char*>(numbers), sizeof numbers));
  EXPECT_EQ(cli.run("predict m.keras x.npy -").out, cli.run("predict m.keras - -", "1,5,2,6,3,7,4,8\n").out);
}

TEST_F(Predict, OptionsOfCsvAreRefusedForNpy) {
  for (const char* option : {"--header no", "--separator ,", "--decimal ,", "--missing nil"}) {
    expect_failure(cli.run(std::string("predict m.keras x.npy - ") + option), 2, {"for CSV", "x.npy"});
  }
  expect_failure(cli.run("predict m.keras - - --separator ':'"), 2, {"--separator"});
}

TEST_F(Predict, RowsOfAnotherLengthAreNamed) {
  expect_failure(cli.run("predict m.keras - -", "1,2,3\n"), 3,
                 {"standard input", "3 numbers", "(None, 4, 2) = (samples, timesteps, features)", "8 numbers a row"});
  expect_failure(cli.run("predict m.keras - -", "1,2,3,4,5,6,7,8\n1,2\n"), 3, {"line 2"});
  expect_failure(cli.run("predict m.keras - -", ""), 3, {"standard input", "nothing in it"});
  expect_failure(cli.run("predict m.keras - -", "a,b\n"), 3, {"standard input"});
}

TEST_F(Predict, ArraysOfAnotherShapeAreNamed) {
  write_npy(cli, "x.npy", "(2, 4, 3)", std::vector<float>(24));
  expect_failure(cli.run("predict m.keras x.npy y.npy"), 3, {"(None, 4, 2)", "(2, 4, 3)"});
  cli.write("text.npy", "1,2,3\n");
  expect_failure(cli.run("predict m.keras text.npy y.npy"), 3, {"text.npy"});
  expect_failure(cli.run("predict m.keras none.npy y.npy"), 1, {"none.npy", "No such file"});
}

TEST_F(Predict, NamesMustEndAsFilesOfNumbers) {
  expect_failure(cli.run("predict m.keras x.xlsx y.csv"), 2, {"x.xlsx", ".npy", ".csv"});
  expect_failure(cli.run("predict m.keras x.csv y.parquet"), 2, {"y.parquet", ".npy", ".csv"});
  expect_failure(cli.run("predict - - -"), 2, {"both"});
  expect_failure(cli.run("predict m.keras - - --batch-size 0"), 2, {"--batch-size"});
}

TEST_F(Predict, OutputsStandSideBySide) {
  Input in({2});
  const Model two({in}, {Dense(2, {.kernel_initializer = "ones"})(in), Dense(1, {.kernel_initializer = "zeros"})(in)});
  two.save(cli.path("two.keras"));
  const Ran ran = cli.run("predict two.keras - -", "1,2\n3,4\n");
  expect_success(ran);
  EXPECT_EQ(ran.out, "3,3,0\n7,7,0\n");
  cli.write("x.csv", "1,2\n");
  expect_failure(cli.run("predict two.keras x.csv y.npy"), 4, {"2 outputs"});
  expect_failure(cli.run("predict " + golden_model("functional_two.keras") + " x.csv y.csv"), 4, {"inputs"});
}

TEST_F(Predict, CtrlCEndsItWithAStatusOfItsOwn) {
  // Standard input stays open, so that the program waits for more of it.
  cli.write("script", "mkfifo in\n'" + test::program() +
                          "' predict m.keras - y.csv <in &\nexec 3>in\nsleep 0.5\nkill -INT $!\nwait $!\n");
  const int status = std::system(("cd '" + cli.path("") + "' && bash -m script 2>/dev/null").c_str());
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_FALSE(std::filesystem::exists(cli.path("y.csv")));
}

}  // namespace
}  // namespace rondo
