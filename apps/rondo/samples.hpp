// Files of numbers: samples for a model, and its predictions.
#pragma once

#include <string>
#include <vector>

#include <rondo/data.hpp>
#include <rondo/shape.hpp>
#include <rondo/tensor.hpp>

namespace rondo::cli {

struct Samples {
  Tensor X;                // (samples, ...)
  bool is_series = false;  // one sequence, whose time steps are the rows of the file
};

// Whether a name ends as one of a file of numbers: ".npy", or ".csv", ".tsv", ".txt" as CSV.
bool is_npy(const std::string& path);
bool is_csv(const std::string& path);

// Of a .npy or CSV file, or of standard input ("-") as CSV, for a model with this batch shape of its input. In CSV a
// row is a sample, its numbers in row-major order; where the number of time steps is open and the rows have as many
// columns as a step, the rows are the steps of one sequence. Where `csv` does not say whether there is a header, there
// is one if its cells are no numbers. Ends the program with kBadData for a file that is not so.
Samples read_samples(const std::string& path, const Shape& input, const CsvOptions& csv);

// A row for each sample, or of a series, whose outputs have its time steps too, for each step. Outputs stand side by
// side; numbers are the shortest that read back the same.
std::string csv_of(const std::vector<Tensor>& outputs, const Samples& samples);

}  // namespace rondo::cli
