#include "samples.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <rondo/npy.hpp>

#include "csv_options.hpp"
#include "files.hpp"
#include "text.hpp"

namespace rondo::cli {

namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  throw Failure(kBadData, (name == "standard input" ? name : "'" + name + "'") + ": " + why);
}

// ---- CSV -----------------------------------------------------------------------------------------------------------

// The number in a cell: NaN where it is missing, none for a text.
std::optional<double> number_in(const std::string& cell, CsvOptions csv) {
  csv.header = true;
  csv.separator = ';';
  try {
    return parse_csv("x\n\"" + replaced(cell, "\"", "\"\"") + "\"\n", csv).numbers("x").front();
  } catch (const Error&) {
    return {};
  }
}

// The first line names the columns where there is a text in it and no number.
bool begins_with_names(const Table& table, const CsvOptions& csv) {
  if (table.rows() == 0) return false;
  bool has_text = false;
  for (const std::string& column : table.columns()) {
    const std::optional<double> number = number_in(table.text(column).front(), csv);
    if (number && !std::isnan(*number)) return false;
    has_text = has_text || !number;
  }
  return has_text;
}

// A gap in a series of single numbers is a blank line. Those at the end are none.
Tensor with_gaps(const Table& table) {
  const std::vector<std::string>& cells = table.text(0);
  const auto last = std::find_if(cells.rbegin(), cells.rend(), [](const std::string& cell) { return !cell.empty(); });
  return table.tensor().rows(0, static_cast<Index>(cells.rend() - last));
}

Tensor numbers_of_csv(const std::string& path, CsvOptions csv) {
  const bool is_input = path == "-", finds_header = !csv.header;
  const std::string text = is_input ? read_input() : std::string();
  const auto parse = [&](bool header) {
    csv.header = header;
    return is_input ? parse_csv(text, csv) : read_csv(path, csv);
  };
  const auto read = [&] {
    Table table = parse(csv.header.value_or(false));
    if (finds_header && begins_with_names(table, csv)) table = parse(true);
    if (table.columns().size() > 1) return table.tensor();
    csv.skip_blank_lines = false;
    return with_gaps(parse(*csv.header));
  };
  try {
    if (!is_input) return reading(path, kBadData, read);
    return read();
  } catch (const Failure& failure) {
    throw Failure(failure.status(), in_csv_options(failure.what()));
  } catch (const Error& error) {
    throw Failure(kBadData, in_csv_options(replaced(error.what(), "CSV text", "standard input")));
  }
}

std::string shape_in_words(const Shape& input) {
  std::string words = to_string(input);
  if (input.rank() == 3) words += " = (samples, timesteps, features)";
  return words;
}

Samples samples_of_csv(const std::string& path, const Shape& input, const CsvOptions& csv) {
  const std::string name = path == "-" ? "standard input" : path;
  const Tensor table = numbers_of_csv(path, csv);
  const Index rows = table.shape()[0], columns = table.shape()[1];
  if (rows == 0) refuse(name, "there are no rows of numbers in it");
  const Shape sample = input.from(1);
  const std::string numbers = "its rows have " + std::to_string(columns) + (columns == 1 ? " number" : " numbers");
  const std::string reads = "; the model reads " + shape_in_words(input) + ", so ";
  if (sample.fully_known()) {
    if (sample.elements() == columns) return {table.reshape(sample.prepend(rows))};
    refuse(name, numbers + reads + std::to_string(sample.elements()) + " numbers a row: a row is a sample" +
                     (sample.rank() > 1 ? ", time step after time step" : ""));
  }
  if (sample.rank() < 2 || !sample.from(1).fully_known()) {
    refuse(name, "a model that reads " + shape_in_words(input) + " takes its samples from .npy files alone");
  }
  const Index step = sample.from(1).elements();
  if (columns == step) return {table.reshape(sample.with(0, rows).prepend(1)), /*is_series=*/true};
  if (columns % step == 0) return {table.reshape(sample.with(0, columns / step).prepend(rows))};
  refuse(name, numbers + reads + std::to_string(step) + " numbers a row where the rows are the time steps of one " +
                   "sequence, or a multiple of that where each row is a sample");
}

// ---- .npy ----------------------------------------------------------------------------------------------------------

Samples samples_of_npy(const std::string& path) {
  return reading(path, kBadData, [&] {
    Samples samples{read_npy(path)};
    if (samples.X.rank() == 0) refuse(path, "it holds a scalar; the first axis must be the samples");
    if (samples.X.empty()) refuse(path, "there are no samples in it");
    return samples;
  });
}

template <class T>
void append_row(std::string& text, std::span<const T> numbers) {
  for (const T number : numbers) {
    if (!text.empty() && text.back() != '\n') text += ',';
    text += exact_text(number);
  }
}

}  // namespace

bool is_npy(const std::string& path) { return path.ends_with(".npy"); }
bool is_csv(const std::string& path) {
  return path.ends_with(".csv") || path.ends_with(".tsv") || path.ends_with(".txt");
}

Samples read_samples(const std::string& path, const Shape& input, const CsvOptions& csv) {
  return is_npy(path) ? samples_of_npy(path) : samples_of_csv(path, input, csv);
}

std::string csv_of(const std::vector<Tensor>& outputs, const Samples& samples) {
  const Index steps = samples.is_series ? samples.X.shape()[1] : 0;
  const bool by_step = samples.is_series && std::ranges::all_of(outputs, [&](const Tensor& output) {
                         return output.rank() > 2 && output.shape()[1] == steps;
                       });
  const Index rows = by_step ? steps : samples.X.shape()[0];
  std::string text;
  for (Index row = 0; row < rows; ++row) {
    for (const Tensor& output : outputs) {
      const auto count = static_cast<std::size_t>(output.size() / rows), first = static_cast<std::size_t>(row) * count;
      if (output.dtype() == DType::float32) {
        append_row(text, output.data<float>().subspan(first, count));
      } else {
        append_row(text, output.data<double>().subspan(first, count));
      }
    }
    text += '\n';
  }
  return text;
}

}  // namespace rondo::cli
