#include <array>
#include <bit>
#include <clocale>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>

#include <rondo/data.hpp>

namespace rondo {
namespace {

using Doubles = std::vector<double>;
using Strings = std::vector<std::string>;

// The text of the error that `action` throws; the test fails if it throws another kind or nothing.
template <class Expected, class Action>
std::string message_of(Action action) {
  try {
    action();
  } catch (const Expected& error) {
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another kind of exception: " << error.what();
    return "";
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

void expect_mentions(const std::string& message, const Strings& parts) {
  for (const std::string& part : parts) {
    EXPECT_NE(message.find(part), std::string::npos) << "'" << part << "' is not in: " << message;
  }
}

// A file that is gone at the end of the test.
class TemporaryFile {
 public:
  TemporaryFile(const std::string& name, const std::string& content)
      : path_((std::filesystem::path(testing::TempDir()) / ("rondo_csv_" + std::to_string(getpid()) + name)).string()) {
    std::ofstream(path_, std::ios::binary) << content;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(Csv, ReadsColumnsByNameAndByPosition) {
  const Table table = parse_csv("Month,Passengers\n1949-01,112\n1949-02,118\n");
  EXPECT_EQ(table.rows(), 2);
  EXPECT_EQ(table.columns(), (Strings{"Month", "Passengers"}));
  EXPECT_EQ(table.numbers("Passengers"), (Doubles{112, 118}));
  EXPECT_EQ(table.numbers(1), (Doubles{112, 118}));
  EXPECT_EQ(table.numbers(-1), (Doubles{112, 118}));
  EXPECT_EQ(table.text("Month"), (Strings{"1949-01", "1949-02"}));
  EXPECT_EQ(table.text(std::string("Month")), table.text(0));
}

TEST(Csv, ReadsQuotedCellsWithCrlfAndNoFinalNewline) {
  const Table table = parse_csv("\"Month\",\"Sales\"\r\n\"1-01\",266.0\r\n\"1-02\",145.9");
  EXPECT_EQ(table.columns(), (Strings{"Month", "Sales"}));
  EXPECT_EQ(table.text("Month"), (Strings{"1-01", "1-02"}));
  EXPECT_EQ(table.numbers("Sales"), (Doubles{266.0, 145.9}));
}

TEST(Csv, ReadsSeparatorsQuotesAndLineEndsInsideQuotes) {
  const Table table = parse_csv("note,x\n\"a, \"\"b\"\"\r\nc\",1\n \"d\" ,2\n5\" pipe,3\n\"\",4\n");
  EXPECT_EQ(table.text("note"), (Strings{"a, \"b\"\r\nc", "d", "5\" pipe", ""}));
  EXPECT_EQ(table.numbers("x"), (Doubles{1, 2, 3, 4}));
}

TEST(Csv, ReadsEveryKindOfLineEnd) {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    const Table table = parse_csv("a,b" + end + "1,2" + end + end + "  " + end + "3,4" + end);
    EXPECT_EQ(table.numbers("a"), (Doubles{1, 3}));
    EXPECT_EQ(table.numbers("b"), (Doubles{2, 4}));
  }
}

TEST(Csv, SkipsTheByteOrderMark) {
  EXPECT_EQ(parse_csv("\xEF\xBB\xBF"
                      "year,flow\n1871,1120\n")
                .numbers("year"),
            Doubles{1871});
}

TEST(Csv, ReadsEmptyCellsAndNaAsNaN) {
  const Table table = parse_csv("x,y\n,1\nNA,1\nNaN,1\nnan,1\nnull,1\nN/A,1\n?,1\n  ,1\n\"\",1\n2,1\n");
  const Doubles x = table.numbers("x");
  ASSERT_EQ(x.size(), 10U);
  for (std::size_t i = 0; i < 9; ++i) EXPECT_TRUE(std::isnan(x[i])) << i;
  EXPECT_EQ(x[9], 2);
}

TEST(Csv, KeepsAnEmptyCellAtTheEndOfTheText) {
  const Table table = parse_csv("x,y\n1,");
  EXPECT_EQ(table.rows(), 1);
  EXPECT_TRUE(std::isnan(table.numbers("y")[0]));
}

TEST(Csv, ReadsNumbersInAllSpellings) {
  const Table table = parse_csv("x\n +1.5\t\n-2e3\n.5\n7.\n1E-2\ninf\n-inf\n0.1\n");
  EXPECT_EQ(table.numbers("x"), (Doubles{1.5, -2000, 0.5, 7, 0.01, HUGE_VAL, -HUGE_VAL, 0.1}));
}

TEST(Csv, ReadsTheSameNumbersInEveryLocale) {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  for (const char* locale : {"de_DE.UTF-8", "fr_FR.UTF-8", "C"}) {
    if (std::setlocale(LC_ALL, locale) == nullptr) continue;
    EXPECT_EQ(parse_csv("x\n1.5\n").numbers("x"), Doubles{1.5}) << locale;
  }
  std::setlocale(LC_ALL, before.c_str());
}

TEST(Csv, FindsTheSeparatorOut) {
  EXPECT_EQ(parse_csv("a;b\n1;2\n").numbers("b"), Doubles{2});
  EXPECT_EQ(parse_csv("a\tb\n1\t2\n").numbers("b"), Doubles{2});
  EXPECT_EQ(parse_csv("a,b\n1,2\n").numbers("b"), Doubles{2});
  EXPECT_EQ(parse_csv("\"a,b\";\"c,d\"\n1;2\n").columns(), (Strings{"a,b", "c,d"}));
  EXPECT_EQ(parse_csv("a\n1\n").columns(), Strings{"a"});
  EXPECT_EQ(parse_csv("a;b, c, d\n1;2\n").columns(), (Strings{"a", "b, c, d"}));
  EXPECT_EQ(parse_csv("1,5;2,5\n3,5;4,5\n", {.header = false}).columns().size(), 2U);
}

TEST(Csv, ReadsDecimalCommasWhenTold) {
  const CsvOptions german{.decimal = ','};
  EXPECT_EQ(parse_csv("a;b\n1,5;-2,25e1\n", german).numbers("a"), Doubles{1.5});
  EXPECT_EQ(parse_csv("a;b\n1,5;-2,25e1\n", german).numbers("b"), Doubles{-22.5});
  EXPECT_EQ(parse_csv("a\n1,5\n", german).numbers("a"), Doubles{1.5});
}

TEST(Csv, ReadsFilesWithoutHeaderAndColumnsWithoutName) {
  const Table table = parse_csv("1,2\n3,4\n", {.header = false});
  EXPECT_EQ(table.columns(), (Strings{"column0", "column1"}));
  EXPECT_EQ(table.numbers("column1"), (Doubles{2, 4}));
  EXPECT_EQ(parse_csv(",x \n0,1\n").columns(), (Strings{"column0", "x"}));
}

TEST(Csv, ReadsDecimalCommasInQuotesBetweenCommas) {
  const std::string euro = "Datum,Kurs\n\"27.07.2025\",\"1,1749\"\n\"28.07.2025\",\"-1,16\"\n";
  for (const char separator : {'\0', ','}) {
    const Table table = parse_csv(euro, {.separator = separator, .decimal = ','});
    EXPECT_EQ(table.columns(), (Strings{"Datum", "Kurs"}));
    EXPECT_EQ(table.numbers("Kurs"), (Doubles{1.1749, -1.16}));
    EXPECT_EQ(table.text("Datum"), (Strings{"27.07.2025", "28.07.2025"}));
  }
  // Without quotes a comma is the decimal sign only.
  EXPECT_EQ(parse_csv("Kurs, EUR\n1,5\n2,5\n", {.decimal = ','}).columns(), Strings{"Kurs, EUR"});
}

TEST(Csv, ReadsTheMarksOfMissingValuesThatPandasKnows) {
  const Strings marks = {"",     "#N/A", "#N/A N/A", "#NA",  "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
                         "<NA>", "N/A",  "NA",       "NULL", "NaN",     "None",     "n/a",  "nan",  "null"};
  for (const std::string& mark : marks) {
    EXPECT_TRUE(std::isnan(parse_csv("x,y\n" + mark + ",1\n").numbers("x")[0])) << mark;
  }
}

TEST(Csv, ReadsFurtherMarksOfMissingValuesWhenTold) {
  const Table table = parse_csv("x\n.\n -999 \n3\n-9990\n", {.missing = {".", "-999"}});
  const Doubles x = table.numbers("x");
  EXPECT_TRUE(std::isnan(x[0]));
  EXPECT_TRUE(std::isnan(x[1]));
  EXPECT_EQ(x[2], 3);
  EXPECT_EQ(x[3], -9990);
}

TEST(Csv, SkipsBlankLinesUnlessTheyAreRows) {
  const std::string text = "\nx\n1\n\n3\n  \n";
  EXPECT_EQ(parse_csv(text).numbers("x"), (Doubles{1, 3}));
  const Table table = parse_csv(text, {.skip_blank_lines = false});
  const Doubles x = table.numbers("x");
  ASSERT_EQ(x.size(), 4U);
  EXPECT_EQ(x[0], 1);
  EXPECT_TRUE(std::isnan(x[1]));
  EXPECT_EQ(x[2], 3);
  EXPECT_TRUE(std::isnan(x[3]));
  const Table wide = parse_csv("x,y\n1,2\n\n3,4", {.skip_blank_lines = false});
  EXPECT_EQ(wide.rows(), 3);
  EXPECT_TRUE(std::isnan(wide.numbers("y")[1]));
}

TEST(Csv, AsksWhetherNumbersAreNames) {
  const auto message = [](const std::string& text, const CsvOptions& options = {}) {
    return message_of<FileError>([&] { (void)parse_csv(text, options); });
  };
  for (const char* text : {"112\n118\n", "1.5,2\n3,4\n", "1,NA\n3,4\n", ",0\n0,5\n"}) {
    expect_mentions(message(text), {"line 1", "all be numbers", "{.header = false}", "{.header = true}"});
  }
  expect_mentions(message("1,5;2\n", {.decimal = ','}), {"all be numbers"});
  EXPECT_EQ(parse_csv("112\n118\n", {.header = false}).numbers(0), (Doubles{112, 118}));
  EXPECT_EQ(parse_csv("2024,2025\n1,2\n", {.header = true}).numbers("2025"), Doubles{2});
  EXPECT_EQ(parse_csv("year,2025\n1,2\n").numbers("2025"), Doubles{2});
  EXPECT_EQ(parse_csv("NA,\n1,2\n").columns(), (Strings{"NA", "column1"})) << "no number among them";
}

TEST(Csv, ReadsNumbersTooSmallForADoubleAsZero) {
  const Table table = parse_csv("x\n1e-400\n-1e-400\n0." + std::string(400, '0') + "1\n123456e-99999999999999999999\n");
  const Doubles x = table.numbers("x");
  for (const double value : x) EXPECT_EQ(value, 0);
  EXPECT_TRUE(std::signbit(x[1]));
  EXPECT_EQ(parse_csv("x\n4.9e-324\n1e-310\n0e999\n").numbers("x"), (Doubles{4.9e-324, 1e-310, 0}));
  EXPECT_EQ(parse_csv("x\n0,0e-5\n1,5E-400\n", {.decimal = ','}).numbers("x"), (Doubles{0, 0}));
}

TEST(Csv, MakesATensorOfColumns) {
  const Table table = parse_csv("date,temp,wind\nmon,20.5,3\ntue,21,\n");
  const Tensor X = table.tensor({"wind", "temp"});
  EXPECT_EQ(X.shape(), (Shape{2, 2}));
  EXPECT_EQ(X.dtype(), DType::float64);
  EXPECT_EQ(X(0, 0), 3);
  EXPECT_EQ(X(1, 1), 21);
  EXPECT_TRUE(std::isnan(X(1, 0)));
  EXPECT_EQ(parse_csv("a,b\n1,2\n").tensor().shape(), (Shape{1, 2}));
  EXPECT_EQ(parse_csv("a,b\n").tensor().shape(), (Shape{0, 2}));
}

TEST(Csv, ReadsAFileAsTheSameTextInMemory) {
  const TemporaryFile file("airline.csv", "Month,Passengers\n1949-01,112\n");
  EXPECT_EQ(read_csv(file.path()).numbers("Passengers"), Doubles{112});
}

TEST(CsvError, MissingFileNamesPathAndReason) {
  expect_mentions(message_of<FileError>([] { (void)read_csv("no/such/airline.csv"); }),
                  {"no/such/airline.csv", "No such file"});
  expect_mentions(message_of<FileError>([] { (void)read_csv(testing::TempDir()); }), {"directory"});
}

TEST(CsvError, TextInANumberColumnNamesFileLineColumnCellAndFix) {
  const TemporaryFile file("text.csv", "Month,Passengers\n\n1949-01,112\n1949-02,many\n");
  const Table table = read_csv(file.path());
  expect_mentions(message_of<FileError>([&] { (void)table.numbers("Passengers"); }),
                  {file.path(), "line 4", "'Passengers'", "'many'", "not a number", "text(\"Passengers\")"});
}

TEST(CsvError, LineNumbersCountLinesInsideQuotes) {
  const Table table = parse_csv("note,x\r\n\"one\r\ntwo\",1\r\nthree,oops\r\n");
  expect_mentions(message_of<FileError>([&] { (void)table.numbers("x"); }), {"line 4", "'oops'"});
}

TEST(CsvError, NumbersWithGarbageAreRefused) {
  for (const char* cell : {"1.5x", "1 2", "0x10", "1e", "+-1", "--1", "1_000", "nan(2)", "12:30", "1.2.3"}) {
    const Table table = parse_csv("x\n" + std::string(cell) + "\n");
    expect_mentions(message_of<FileError>([&] { (void)table.numbers("x"); }), {"line 2", cell});
  }
  for (const std::string& cell : {std::string("1e999"), std::string("-2E+309"), "1" + std::string(309, '0'),
                                  std::string("0.001e99999999999999999999")}) {
    expect_mentions(message_of<FileError>([&] { (void)parse_csv("x\n" + cell + "\n").numbers("x"); }),
                    {"range of float64"});
  }
}

TEST(CsvError, DecimalCommaIsExplained) {
  expect_mentions(message_of<FileError>([] { (void)parse_csv("a;b\n1,5;2\n").numbers("a"); }),
                  {"line 2", "'1,5'", ".decimal = ','"});
  expect_mentions(message_of<FileError>([] { (void)parse_csv("a;b\n1.5;2\n", {.decimal = ','}).numbers("a"); }),
                  {"line 2", "'1.5'", ".decimal = '.'"});
}

// What a message advises is done, and must work.
TEST(CsvError, AdviceLeadsToNumbers) {
  struct Case {
    std::string text, advice;
    CsvOptions first, then;
  };
  const std::vector<Case> cases = {
      {"x;y\n1,5;2\n", "{.decimal = ','}", {}, {.decimal = ','}},
      {"x\n1,5\n2,5\n", "{.decimal = ','}", {}, {.decimal = ','}},
      {"x\n1.5\n", "{.decimal = '.'}", {.decimal = ','}, {.decimal = '.'}},
      {"x,y\n\"1,5\",\"a\"\n", "{.separator = ',', .decimal = ','}", {}, {.separator = ',', .decimal = ','}},
      {"x\n.\n", "{.missing = {\".\"}}", {}, {.missing = {"."}}},
      {"x;y\n-;3\n", "{.missing = {\"-\"}}", {}, {.missing = {"-"}}},
      {"12\n13\n", "{.header = false}", {}, {.header = false}},
      {"12\n13\n", "{.header = true}", {}, {.header = true}},
      {"12,12\n13,13\n", "{.header = false}", {.header = true}, {.header = false}},
  };
  for (const Case& c : cases) {
    expect_mentions(message_of<FileError>([&] { (void)parse_csv(c.text, c.first).numbers(0); }), {c.advice});
    EXPECT_EQ(parse_csv(c.text, c.then).numbers(0).size(), static_cast<std::size_t>(parse_csv(c.text, c.then).rows()));
  }
}

TEST(CsvError, AdviceIsNotGivenWhereItWouldNotHelp) {
  const auto message = [](const char* cell, char decimal) {
    return message_of<FileError>(
        [&] { (void)parse_csv("x;y\n" + std::string(cell) + ";1\n", {.decimal = decimal}).numbers("x"); });
  };
  EXPECT_EQ(message("27.07.2025", ',').find(".decimal"), std::string::npos) << "a date with a point is none without";
  EXPECT_EQ(message("1,234,567.8", '.').find(".decimal"), std::string::npos);
  expect_mentions(message("1,234,567.8", '.'), {"take the commas out", "thousands"});
  expect_mentions(message("1.234.567,8", ','), {"take the points out", "thousands"});
  expect_mentions(message("1,234", '.'), {"{.decimal = ','}", "thousands"});
  EXPECT_EQ(message("1,5", '.').find("thousands"), std::string::npos);
}

TEST(CsvError, LongAndMultiLineCellsAreShownShort) {
  const Table table = parse_csv("x\n\"first\nsecond " + std::string(1000, 'z') + "\"\n");
  const std::string message = message_of<FileError>([&] { (void)table.numbers("x"); });
  EXPECT_LT(message.size(), 300U);
  expect_mentions(message, {"'first second zzz", "...'"});
  expect_mentions(message_of<ConfigError>([] { (void)parse_csv("\"two\nlines\"\n1\n").numbers("one"); }),
                  {"'two lines'"});
}

TEST(CsvError, UnevenRowNamesLineFoundAndExpected) {
  expect_mentions(message_of<FileError>([] { (void)parse_csv("a,b\n1,2\n1,2,3\n"); }),
                  {"line 3", "found 3", "expected 2", "','"});
  expect_mentions(message_of<FileError>([] { (void)parse_csv("1;2\n1\n", {.header = false}); }),
                  {"line 2", "found 1", "expected 2", "';'"});
}

TEST(CsvError, QuotesThatDoNotCloseNameTheLineWhereTheyOpened) {
  expect_mentions(message_of<FileError>([] { (void)parse_csv("a,b\n1,2\n3,\"four\n5,6\n"); }),
                  {"line 3", "never closed"});
  expect_mentions(message_of<FileError>([] { (void)parse_csv("a,b\n1,\"2\"3\n"); }), {"line 2", "follows the quote"});
}

TEST(CsvError, UnknownColumnNamesTheNearestAndAllKnown) {
  const Table table = parse_csv("Month,Passengers\n1949-01,112\n");
  expect_mentions(message_of<ConfigError>([&] { (void)table.numbers("passenger"); }),
                  {"'passenger'", "Did you mean 'Passengers'?", "'Month', 'Passengers'"});
  expect_mentions(message_of<ConfigError>([&] { (void)table.text(2); }), {"no column 2", "it has 2"});
  expect_mentions(message_of<ConfigError>([&] { (void)table.tensor({"Month", "Year"}); }), {"'Year'"});
  expect_mentions(message_of<ConfigError>([&] { (void)table.tensor(Strings{}); }), {"at least one column"});
}

TEST(CsvError, DuplicateColumnNamesAreNamed) {
  expect_mentions(message_of<FileError>([] { (void)parse_csv("x,y,x\n1,2,3\n"); }),
                  {"'x'", "columns 1 and 3", "header = false"});
}

TEST(CsvError, EmptyAndBinaryContentIsRefused) {
  for (const char* text : {"", "\n\n", "\xEF\xBB\xBF", "  \r\n"}) {
    expect_mentions(message_of<FileError>([&] { (void)parse_csv(text); }), {"nothing in it"});
  }
  expect_mentions(message_of<FileError>([] {
                    (void)parse_csv(
                        "\xFF\xFE"
                        "a");
                  }),
                  {"UTF-16", "UTF-8"});
  expect_mentions(message_of<FileError>([] { (void)parse_csv(std::string("a\0b", 3)); }), {"zero bytes"});
}

TEST(CsvError, SeparatorsThatCannotWorkAreRefused) {
  for (const char separator : {'"', '\n', '\r', '.'}) {
    expect_mentions(message_of<ConfigError>([&] { (void)parse_csv("a\n", {.separator = separator}); }), {"separator"});
  }
  expect_mentions(message_of<ConfigError>([] { (void)parse_csv("a\n", {.decimal = ';'}); }), {"decimal"});
}

// Any text written by the rules is read back as it was.
TEST(CsvProperty, ReadsBackWhatWasWritten) {
  constexpr std::array<const char*, 12> kPieces = {"a", "B c", ",", ";", "\t", "\"", "\n", "\r\n", "1.5", "", "ü", "'"};
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    const std::size_t columns = 1 + random() % 4;
    const std::size_t rows = random() % 5;
    const char separator = ",;\t"[random() % 3];
    std::vector<Strings> cells(columns);
    std::string text;
    for (std::size_t c = 0; c < columns; ++c)
      text += (c == 0 ? "" : std::string(1, separator)) + "n" + std::to_string(c);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < columns; ++c) {
        std::string cell, quoted;
        for (std::size_t n = random() % 4; n > 0; --n) cell += kPieces[random() % kPieces.size()];
        for (const char ch : cell) quoted += ch == '"' ? "\"\"" : std::string(1, ch);
        text += (c == 0 ? std::string("\n") : std::string(1, separator)) + '"' + quoted + '"';
        cells[c].push_back(cell);
      }
    }
    const Table table = parse_csv(text, {.separator = separator});
    ASSERT_EQ(table.rows(), static_cast<Index>(rows)) << text;
    for (std::size_t c = 0; c < columns; ++c) ASSERT_EQ(table.text(c), cells[c]) << text;
  }
}

TEST(CsvProperty, NumbersKeepTheirBits) {
  std::mt19937_64 random(11);
  Doubles numbers;
  std::string text = "x\n";
  while (numbers.size() < 2000) {
    const auto number = std::bit_cast<double>(static_cast<std::uint64_t>(random()));
    if (!std::isnormal(number)) continue;
    char printed[32];
    std::snprintf(printed, sizeof printed, "%.17g\n", number);
    text += printed;
    numbers.push_back(number);
  }
  EXPECT_EQ(parse_csv(text).numbers("x"), numbers);
}

// Whatever the bytes: a table, or an error of the family.
TEST(CsvFuzz, AnyBytesGiveATableOrAnError) {
  constexpr std::string_view kLikely = ",;\t\"\"\n\r\n 01.5-eE+NAnaxyz";
  std::mt19937 random(3);
  int tables = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text(random() % 60, ' ');
    const bool wild = round % 4 == 0;
    for (char& c : text) c = wild ? static_cast<char>(random() % 256) : kLikely[random() % kLikely.size()];
    CsvOptions options{.separator = "\0\0,;\t "[random() % 6], .header = random() % 2 == 0};
    if (round % 5 == 0) options.decimal = ',';
    try {
      const Table table = parse_csv(text, options);
      ++tables;
      for (const std::string& name : table.columns()) {
        ASSERT_EQ(static_cast<Index>(table.text(name).size()), table.rows());
        try {
          (void)table.numbers(name);
        } catch (const FileError&) {
        }
      }
    } catch (const Error&) {
    }
  }
  EXPECT_GT(tables, 1000);
}

}  // namespace
}  // namespace rondo
