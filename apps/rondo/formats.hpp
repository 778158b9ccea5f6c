// The formats of models.
#pragma once

#include <string>
#include <vector>

#include <rondo/model.hpp>

#include "csv_options.hpp"

namespace rondo::cli {

// Of `rondo convert`, for formats that take them.
struct ExportChoices {
  std::string name, precision, calibration;  // "": not given
  CsvChoices csv = {};                       // of the calibration
  bool states = false, sequence_lengths = false;
  bool any_of_header() const { return !name.empty() || !precision.empty() || !calibration.empty() || csv.given; }
  bool any_of_onnx() const { return states || sequence_lengths; }
};

struct Format {
  std::string ending;  // of file names, behind the point; also its name for --to
  std::string what;    // for the help
  bool takes_header_choices = false, takes_onnx_choices = false;
  // Writes a file; returns what there is to tell of it, usually nothing.
  std::string (*write)(const Model& model, const std::string& path, const ExportChoices& choices) = nullptr;
  // Reads one; null where load_model does, or where a file holds no whole model.
  Model (*read)(const std::string& path) = nullptr;
};

// All there are.
const std::vector<Format>& formats();
// That of a file's name: the longest ending that fits. kUsage, with the endings that there are, where none does.
const Format& format_of(const std::string& path);
// That of a file which load_model does not read, by its name's end; null for any other file.
const Format* format_read_by_name(const std::string& path);
// The model of a file: by its name's end, or by load_model. Errors are Rondo's.
Model read_model(const std::string& path, bool compile);
// That of a name.
const Format& format_named(const std::string& name);

// "keras, h5, ...", and a line for each.
std::vector<std::string> format_names();
std::string format_table();

}  // namespace rondo::cli
