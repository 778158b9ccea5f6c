#include "formats.hpp"

#include <algorithm>
#include <cmath>

#include <rondo/audio.hpp>
#include <rondo/export.hpp>
#include <rondo/onnx.hpp>
#include <rondo/saving.hpp>

#include "files.hpp"
#include "samples.hpp"
#include "text.hpp"

namespace rondo::cli {

namespace {

using Text = std::string;

Text save(const Model& model, const Text& path, const ExportChoices&) { return model.save(path), ""; }
Text save_weights(const Model& model, const Text& path, const ExportChoices&) { return model.save_weights(path), ""; }
Text save_json(const Model& model, const Text& path, const ExportChoices&) {
  return write_file(path, model.to_json() + "\n"), "";
}

Text save_onnx(const Model& model, const Text& path, const ExportChoices& choices) {
  export_onnx(model, path, {.states = choices.states, .sequence_lengths = choices.sequence_lengths});
  return "";
}

Text save_rtneural(const Model& model, const Text& path, const ExportChoices&) {
  return export_rtneural(model, path), "";
}
Model read_rtneural(const Text& path) { return import_rtneural(path); }
Text save_nam(const Model& model, const Text& path, const ExportChoices&) { return export_nam(model, path), ""; }
Model read_nam(const Text& path) { return import_nam(path).model; }

Tensor calibration_of(const Model& model, const ExportChoices& choices) {
  Tensor X = read_samples(choices.calibration, model.inputs().front().shape(), choices.csv.options).X;
  if (std::ranges::all_of(X.to_vector(), [](double v) { return std::isfinite(v); })) return X;
  throw Failure(kBadData, "'" + choices.calibration +
                              "': a number for the calibration is missing, or not finite; leave out its sample");
}

Text save_header(const Model& model, const Text& path, const ExportChoices& choices) {
  ExportHeaderOptions options{.name = choices.name};
  if (!choices.precision.empty()) options.precision = choices.precision;
  if (!choices.calibration.empty()) options.calibration = calibration_of(model, choices);
  const ExportReport report = export_header(model, path, options);
  Text text = report.name + ": " + report.precision + ", a state of " + std::to_string(report.state_bytes) +
              " bytes, constants of " + std::to_string(report.constant_bytes) + ", arrays on the stack of " +
              std::to_string(report.stack_bytes) + "\n";
  if (report.precision != "float32") {
    text += "error on the calibration: at most " + short_text(report.max_error) + ", " + short_text(report.mean_error) +
            " on average, of outputs up to " + short_text(report.largest_output) + "\n";
  }
  return text;
}

// The longest ending that fits; null where none does.
const Format* find(const std::string& path) {
  const Format* found = nullptr;
  for (const Format& format : formats()) {
    const bool is_longer = found == nullptr || format.ending.size() > found->ending.size();
    if (is_longer && path.ends_with("." + format.ending)) found = &format;
  }
  return found;
}

}  // namespace

const std::vector<Format>& formats() {
  static const std::vector<Format> all = {
      {.ending = "keras", .what = "Keras 3's archive, with what the optimizer remembers", .write = save},
      {.ending = "h5", .what = "a whole model as Keras 2 keeps it, in HDF5", .write = save},
      {.ending = "weights.h5", .what = "Keras 3's weights alone, in HDF5", .write = save_weights},
      {.ending = "json", .what = "the layers alone, without weights, as Keras's to_json", .write = save_json},
      {.ending = "h",
       .what = "C for programs without Rondo: --name, --precision, --calibration",
       .takes_header_choices = true,
       .write = save_header},
      {.ending = "onnx",
       .what = "ONNX, for ONNX Runtime and others: --states, --sequence-lengths",
       .takes_onnx_choices = true,
       .write = save_onnx,
       .read = import_onnx},
      {.ending = "rtneural.json",
       .what = "RTNeural's, for audio plug-ins",
       .write = save_rtneural,
       .read = read_rtneural},
      {.ending = "nam", .what = "the Neural Amp Modeler's, of LSTMs", .write = save_nam, .read = read_nam},
  };
  return all;
}

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const Format& format : formats()) names.push_back(format.ending);
  return names;
}

std::string format_table() {
  std::string text;
  for (const Format& format : formats()) {
    text += "  ." + format.ending + std::string(15 - format.ending.size(), ' ') + format.what + "\n";
  }
  return text;
}

const Format& format_of(const std::string& path) {
  if (const Format* found = find(path)) return *found;
  throw Failure(kUsage, "'" + path + "' does not end as one of the formats that are written:\n" + format_table());
}

const Format* format_read_by_name(const std::string& path) {
  const Format* format = find(path);
  return format != nullptr && format->read != nullptr ? format : nullptr;
}

Model read_model(const std::string& path, bool compile) {
  const Format* format = format_read_by_name(path);
  return format != nullptr ? format->read(path) : load_model(path, {.compile = compile});
}

const Format& format_named(const std::string& name) {
  const auto found = std::ranges::find(formats(), name, &Format::ending);
  if (found != formats().end()) return *found;
  throw Failure(kUsage, "there is no format '" + name + "'." + did_you_mean(name, format_names()) + " There are:\n" +
                            format_table());
}

}  // namespace rondo::cli
