// Rows of a CSV file that is never in memory as a whole.
#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "core/file.hpp"
#include "data/csv.hpp"
#include "data/rows_impl.hpp"

namespace rondo::detail {

namespace {

// Rows of which the place of the first is kept, and which are parsed together.
constexpr Index kStride = 16;
constexpr std::int64_t kBlock = std::int64_t{1} << 20;
constexpr int kHeadLines = 50;  // that tell the separator, as read_csv does

struct Place {
  std::int64_t offset;
  Index line;
};

// Where every kStride-th row begins, found in one walk through the file.
class RowFinder {
 public:
  RowFinder(std::int64_t begin, bool header, bool skips_blank_lines)
      : line_begin_(begin), header_(header), skips_blank_lines_(skips_blank_lines) {}

  // The text from the offset on, which is where the last one ended.
  void walk(std::string_view text, std::int64_t offset) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      filled_ = filled_ || text.substr(0, end).find_first_not_of(" \t\r") != std::string_view::npos;
      if (end == text.size()) return;
      text.remove_prefix(end + 1);
      offset += static_cast<std::int64_t>(end) + 1;
      end_line(offset);
    }
  }
  void finish(std::int64_t size) {
    if (line_begin_ < size) end_line(size);
    places_.push_back({size, line_});
  }

  Index rows() const { return rows_; }
  // One more at the end of the file.
  std::vector<Place> places() && { return std::move(places_); }

 private:
  void end_line(std::int64_t next) {
    const bool counts = filled_ || (!skips_blank_lines_ && begun_);
    begun_ = begun_ || filled_;
    if (counts && header_) {
      header_ = false;
    } else if (counts) {
      if (rows_ % kStride == 0) places_.push_back({line_begin_, line_});
      ++rows_;
    }
    ++line_;
    line_begin_ = next;
    filled_ = false;
  }

  std::int64_t line_begin_;
  bool header_;  // it is still to come
  bool skips_blank_lines_;
  Index line_ = 1, rows_ = 0;
  bool begun_ = false;   // a line that is not blank has come
  bool filled_ = false;  // the line
  std::vector<Place> places_;
};

class CsvRows final : public TypedRows<CsvRows> {
 public:
  CsvRows(std::unique_ptr<core::File> file, CsvPiece piece, std::vector<std::string> columns, Index count,
          std::vector<Place> places)
      : TypedRows(count, Shape{static_cast<Index>(columns.size())}, DType::float64),
        file_(std::move(file)),
        piece_(std::move(piece)),
        columns_(std::move(columns)),
        places_(std::move(places)) {}

  template <class T>
  void copy(Index first, Index count, T* to) const {
    for (const Index end = first + count; first < end;) {
      const Index begin = first / kStride * kStride, stop = std::min(begin + kStride, this->count());
      const Tensor numbers = block(begin / kStride, stop - begin);
      const Index last = std::min(stop, end);
      const auto from = numbers.data<double>().subspan(static_cast<std::size_t>((first - begin) * elements()),
                                                       static_cast<std::size_t>((last - first) * elements()));
      to = std::transform(from.begin(), from.end(), to, [](double v) { return static_cast<T>(v); });
      first = last;
    }
  }

 private:
  Tensor block(Index number, Index rows) const {
    const Place &from = places_[static_cast<std::size_t>(number)],
                &next = places_[static_cast<std::size_t>(number) + 1];
    std::string text(static_cast<std::size_t>(next.offset - from.offset), '\0');
    file_->read(from.offset, text.size(), text.data());
    CsvPiece piece = piece_;
    piece.line = from.line;
    const Table table = read_csv_piece(text, piece);
    if (table.rows() == rows) return table.tensor(columns_);
    throw FileError(piece.source + ", lines " + std::to_string(from.line) + " to " + std::to_string(next.line - 1) +
                    ": a cell in quotes goes on over a line's end, which read_csv reads and Rows::csv does not");
  }

  std::unique_ptr<core::File> file_;
  CsvPiece piece_;
  std::vector<std::string> columns_;
  std::vector<Place> places_;
};

// The first lines, whole ones, of those in the first block.
std::string head_of(const core::File& file) {
  std::string head(static_cast<std::size_t>(std::min(file.size(), kBlock)), '\0');
  file.read(0, head.size(), head.data());
  if (file.size() > kBlock) head.resize(head.find_last_of('\n') + 1);
  if (head.empty() && file.size() > 0) file.fail("its first line is longer than " + std::to_string(kBlock) + " bytes");
  for (std::size_t i = head.find('\r'); i != std::string::npos; i = head.find('\r', i + 1)) {
    if (i + 1 < head.size() && head[i + 1] != '\n') {
      file.fail("its lines end in CR alone, which read_csv reads and Rows::csv does not");
    }
  }
  std::size_t end = 0;
  for (int line = 0; line < kHeadLines && end < head.size(); ++line) {
    end = std::min(head.find('\n', end), head.size() - 1) + 1;
  }
  return head.substr(0, end);
}

}  // namespace

std::shared_ptr<const RowsImpl> csv_rows(const std::string& path, const std::vector<std::string>& columns,
                                         const CsvOptions& options) {
  auto file = std::make_unique<core::File>(path);
  const std::string head = head_of(*file);
  CsvPiece piece = csv_piece_of(head, options, path);
  (void)read_csv_piece("", piece).tensor(columns);  // a wrong name is told at once
  const std::int64_t begin = head.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  RowFinder finder(begin, options.header.value_or(true), options.skip_blank_lines);
  std::string block;
  for (std::int64_t at = begin; at < file->size(); at += static_cast<std::int64_t>(block.size())) {
    block.resize(static_cast<std::size_t>(std::min(kBlock, file->size() - at)));
    file->read(at, block.size(), block.data());
    finder.walk(block, at);
  }
  finder.finish(file->size());
  const Index count = finder.rows();
  return std::make_shared<CsvRows>(std::move(file), std::move(piece), columns, count, std::move(finder).places());
}

}  // namespace rondo::detail
