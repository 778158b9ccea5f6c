// Splitting CSV text into cells. What the cells mean is table.cpp's.
#include "data/csv.hpp"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <system_error>

#include <rondo/data.hpp>

#include "core/names.hpp"
#include "core/sizes.hpp"
#include "data/cells.hpp"

namespace rondo {

namespace {

struct Record {
  std::vector<std::string> cells;
  Index line = 1;                 // where it begins
  bool blank = false;             // a line with nothing on it
  bool quotes_separator = false;  // a cell in quotes holds the separator
};

// Reads one record after the other. Blank lines are its caller's. A quote means something only at the beginning of a
// cell.
class RecordReader {
 public:
  RecordReader(std::string_view text, char separator, const std::string& source, Index first_line = 1)
      : text_(text), separator_(separator), source_(source), line_(first_line) {}

  // The next record; false at the end.
  bool next(Record& record) {
    if (at_end()) return false;
    read(record);
    return true;
  }

  // The next record that is not blank; false at the end.
  bool next_filled(Record& record) {
    while (next(record)) {
      if (!record.blank) return true;
    }
    return false;
  }

 private:
  bool at_end() const { return at_ == text_.size(); }
  bool at_line_end() const { return text_[at_] == '\n' || text_[at_] == '\r'; }

  void read(Record& record) {
    record.cells.clear();
    record.line = line_;
    record.quotes_separator = false;
    bool quoted = false;
    for (;;) {
      bool in_quotes = false;
      record.cells.push_back(read_cell(in_quotes));
      quoted = quoted || in_quotes;
      record.quotes_separator =
          record.quotes_separator || (in_quotes && record.cells.back().find(separator_) != std::string::npos);
      if (at_end() || at_line_end()) break;
      ++at_;  // the separator; what follows is a cell even at the end of the text
    }
    if (!at_end()) skip_line_end();
    record.blank = record.cells.size() == 1 && !quoted && record.cells[0].find_first_not_of(" \t") == std::string::npos;
  }

  std::string read_cell(bool& quoted) {
    const std::size_t begin = at_;
    skip_blanks();
    if (!at_end() && text_[at_] == '"') {
      quoted = true;
      return read_quoted_cell();
    }
    while (!at_end() && !at_line_end() && text_[at_] != separator_) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string read_quoted_cell() {
    const Index opened = line_;
    std::string cell;
    for (++at_;; ++at_) {
      const std::size_t quote = text_.find('"', at_);
      if (quote == std::string_view::npos) {
        throw FileError(where(opened) +
                        "a quote (\") opens a cell here and is never closed; close it, or double a quote that is part "
                        "of a quoted cell");
      }
      count_lines(text_.substr(at_, quote - at_));
      cell += text_.substr(at_, quote - at_);
      at_ = quote + 1;
      if (at_end() || text_[at_] != '"') break;
      cell += '"';
    }
    skip_blanks();
    if (!at_end() && !at_line_end() && text_[at_] != separator_) {
      throw FileError(where(line_) + "text follows the quote (\") that closes a cell, but only the separator '" +
                      std::string(1, separator_) +
                      "' or the end of the line may; double a quote that is part of a quoted cell");
    }
    return cell;
  }

  void skip_blanks() {
    while (!at_end() && (text_[at_] == ' ' || text_[at_] == '\t') && text_[at_] != separator_) ++at_;
  }

  void skip_line_end() {
    const bool crlf = text_.substr(at_, 2) == "\r\n";
    at_ += crlf ? 2 : 1;
    ++line_;
  }

  void count_lines(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n' || (text[i] == '\r' && text.substr(i, 2) != "\r\n")) ++line_;
    }
  }

  std::string where(Index line) const { return source_ + ", line " + std::to_string(line) + ": "; }

  std::string_view text_;
  char separator_;
  const std::string& source_;
  std::size_t at_ = 0;
  Index line_;
};

void check_options(const CsvOptions& options) {
  if (options.decimal != '.' && options.decimal != ',') {
    throw ConfigError("CsvOptions: decimal must be '.' or ',', got '" + std::string(1, options.decimal) + "'");
  }
  const bool usable = std::string_view("\"\r\n").find(options.separator) == std::string_view::npos;
  if (!usable || (options.separator == '.' && options.decimal == '.')) {
    throw ConfigError("CsvOptions: the separator must not be a quote, a line end or a decimal point; 0 finds it out");
  }
}

// How many cells the first records have if this is the separator: of the header, and whether all have as many; and
// whether one of them is in quotes because it holds the separator.
struct Guess {
  std::size_t cells = 0;
  bool even = true;
  bool quotes_separator = false;
};

Guess try_separator(std::string_view text, char separator, const std::string& source) {
  constexpr int kRecords = 50;
  Guess guess;
  try {
    RecordReader reader(text, separator, source);
    Record record;
    for (int i = 0; i < kRecords && reader.next_filled(record); ++i) {
      if (i == 0) guess.cells = record.cells.size();
      guess.quotes_separator = guess.quotes_separator || record.quotes_separator;
      guess.even = guess.even && record.cells.size() == guess.cells;
    }
  } catch (const FileError&) {
    guess.even = false;  // the reader that follows will say so, if this is the separator after all
  }
  return guess;
}

// A tab or semicolon that cuts all lines alike is hardly ever there by chance, a comma may be a decimal comma; so the
// comma comes last among those. Where it is the decimal sign, it is the separator only if cells with commas are in
// quotes: who wrote them so meant it. In an uneven file the header decides.
char detect_separator(std::string_view text, char decimal, const std::string& source) {
  char best = decimal == ',' ? ';' : ',';
  std::size_t most = 1;
  for (const char candidate : {'\t', ';', ','}) {
    const Guess guess = try_separator(text, candidate, source);
    if (candidate == decimal && !guess.quotes_separator) continue;
    if (guess.even && guess.cells > 1) return candidate;
    if (guess.cells > most) {
      most = guess.cells;
      best = candidate;
    }
  }
  return best;
}

std::string_view without_byte_order_mark(std::string_view text, const std::string& source) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    throw FileError(source + ": the text is UTF-16; save it as UTF-8");
  }
  if (text.find('\0') != std::string_view::npos) {
    throw FileError(source +
                    ": there are zero bytes in it, so this is no CSV text (or it is UTF-16; save it as UTF-8)");
  }
  return text;
}

// The first line of a file without a header would be taken for names, and its row would be gone.
void require_names(const Record& first, char decimal, const std::string& source) {
  bool any_number = false;
  for (const std::string& cell : first.cells) {
    const std::string_view name = without_blanks(cell);
    const bool number = parse_number(name, decimal).number.has_value();
    if (!number && !means_missing(name)) return;
    any_number = any_number || number;
  }
  if (!any_number) return;
  throw FileError(source + ", line " + std::to_string(first.line) +
                  ": the names of the columns would all be numbers; if this line is the first row, read the file with "
                  "{.header = false}, and if it names the columns, with {.header = true}");
}

// A column without a name is called by its position.
std::vector<std::string> column_names(const Record& first, bool header, const std::string& source) {
  std::vector<std::string> names;
  std::map<std::string, std::size_t> seen;
  for (std::size_t c = 0; c < first.cells.size(); ++c) {
    std::string name(header ? without_blanks(first.cells[c]) : "");
    if (name.empty()) name = "column" + std::to_string(c);
    const auto [earlier, is_new] = seen.emplace(name, c);
    if (!is_new) {
      throw FileError(source + ", line " + std::to_string(first.line) + ": columns " +
                      std::to_string(earlier->second + 1) + " and " + std::to_string(c + 1) + " are both called '" +
                      in_one_line(name) +
                      "'; rename one, or read with {.header = false} if the file has no header line");
    }
    names.push_back(std::move(name));
  }
  return names;
}

std::string name_of(char separator) { return separator == '\t' ? "a tab" : std::string("'") + separator + "'"; }

}  // namespace

// Fills a Table from text.
class TableBuilder {
 public:
  static Table build(std::string_view text, const CsvOptions& options, const std::string& source) {
    return build_all(text, options, source).table;
  }

  static CsvPiece piece_of(std::string_view head, const CsvOptions& options, const std::string& source) {
    const Built built = build_all(head, options, source);
    CsvPiece piece{.source = source, .options = options, .columns = built.table.columns_};
    piece.options.separator = built.table.separator_;
    piece.header_line = built.first_line;
    return piece;
  }

  static Table build_piece(std::string_view text, const CsvPiece& piece) {
    Table table = empty(piece.columns, piece.options.separator, piece.options, piece.source);
    RecordReader reader(text, piece.options.separator, piece.source, piece.line);
    append_all(table, reader, piece.header_line, piece.options);
    return table;
  }

 private:
  struct Built {
    Table table;
    Index first_line;  // where the columns are named, or the first row stands
  };

  static Built build_all(std::string_view text, const CsvOptions& options, const std::string& source) {
    check_options(options);
    text = without_byte_order_mark(text, source);
    const char separator = options.separator != 0 ? options.separator : detect_separator(text, options.decimal, source);
    RecordReader reader(text, separator, source);
    Record record;
    if (!reader.next_filled(record)) {
      throw FileError(source + ": there is nothing in it; a CSV file has at least one line");
    }
    if (!options.header) require_names(record, options.decimal, source);
    const bool header = options.header.value_or(true);

    Table table = empty(column_names(record, header, source), separator, options, source);
    const Index first_line = record.line;
    if (!header) append(table, record);
    append_all(table, reader, first_line, options);
    return {std::move(table), first_line};
  }

  static Table empty(const std::vector<std::string>& columns, char separator, const CsvOptions& options,
                     const std::string& source) {
    Table table;
    table.source_ = source;
    table.separator_ = separator;
    table.decimal_ = options.decimal;
    for (const std::string& mark : options.missing) table.missing_.emplace_back(without_blanks(mark));
    table.columns_ = columns;
    table.cells_.resize(columns.size());
    return table;
  }

  static void append_all(Table& table, RecordReader& reader, Index first_line, const CsvOptions& options) {
    Record record;
    while (options.skip_blank_lines ? reader.next_filled(record) : reader.next(record)) {
      if (record.blank) record.cells.assign(table.columns_.size(), "");
      if (record.cells.size() != table.columns_.size()) uneven(table, record, first_line, options);
      append(table, record);
    }
  }

  static void append(Table& table, Record& record) {
    for (std::size_t c = 0; c < record.cells.size(); ++c) table.cells_[c].push_back(std::move(record.cells[c]));
    table.lines_.push_back(record.line);
  }

  [[noreturn]] static void uneven(const Table& table, const Record& record, Index first_line,
                                  const CsvOptions& options) {
    const bool decimals =
        options.separator == 0 && options.decimal == '.' && table.separator_ == ',' && table.columns_.size() == 1;
    throw FileError(
        table.source_ + ", line " + std::to_string(record.line) + ": found " + std::to_string(record.cells.size()) +
        " cells, expected " + std::to_string(table.columns_.size()) + " as on line " + std::to_string(first_line) +
        " (separator: " + name_of(table.separator_) + "); " +
        (decimals ? "if the comma is the decimal sign, read the file with {.decimal = ','}; otherwise " : "") +
        "put cells that contain the separator in quotes, or set another separator in CsvOptions");
  }
};

namespace {

std::string read_file(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file) throw FileError("cannot open '" + path + "': " + system_error_text(errno));

  // The size is a promise to be checked: a pipe has none, and a file may change while it is read.
  std::error_code no_size;
  const std::uintmax_t size = fs::is_regular_file(path, ignored) ? fs::file_size(path, no_size) : 0;
  std::string text = allocating(
      static_cast<Index>(size), [&] { return std::string(no_size ? 0 : static_cast<std::size_t>(size), '\0'); },
      [&] { return "the text of '" + path + "'"; });
  std::size_t got = text.empty() ? 0 : std::fread(text.data(), 1, text.size(), file.get());
  text.resize(got);
  for (char block[65536]; (got = std::fread(block, 1, sizeof block, file.get())) > 0;) text.append(block, got);
  if (std::ferror(file.get()) != 0) throw FileError("cannot read '" + path + "': " + system_error_text(errno));
  if (text.size() < size) {
    throw FileError("cannot read '" + path + "': got " + std::to_string(text.size()) + " of its " +
                    std::to_string(size) + " bytes");
  }
  return text;
}

Table build(std::string_view text, const CsvOptions& options, const std::string& source) {
  return allocating(
      static_cast<Index>(text.size()), [&] { return TableBuilder::build(text, options, source); },
      [&] { return "the cells of " + source; });
}

}  // namespace

CsvPiece csv_piece_of(std::string_view head, const CsvOptions& options, const std::string& source) {
  return TableBuilder::piece_of(head, options, source);
}

Table read_csv_piece(std::string_view text, const CsvPiece& piece) { return TableBuilder::build_piece(text, piece); }

Table read_csv(const std::string& path, const CsvOptions& options) { return build(read_file(path), options, path); }

Table parse_csv(std::string_view text, const CsvOptions& options) { return build(text, options, "CSV text"); }

}  // namespace rondo
