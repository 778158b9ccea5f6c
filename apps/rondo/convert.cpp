// rondo convert: a model from one format to another.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include <rondo/saving.hpp>

#include "commands.hpp"
#include "formats.hpp"
#include "given_model.hpp"
#include "samples.hpp"
#include "text.hpp"

namespace rondo::cli {

namespace {

struct ConvertArguments {
  std::string in, out, to, architecture;
  bool no_compile = false;
  ExportChoices choices;
};

constexpr const char* kExamples =
    "\nExamples:\n"
    "  rondo convert old.h5 model.keras                      a model of 2017 for Keras 3\n"
    "  rondo convert model.keras airline.h --name airline    C for a microcontroller\n"
    "  rondo convert - - --to weights.h5 <model.keras >model.weights.h5\n"
    "  rondo convert weights.h5 model.keras --architecture model.json\n";

// As export_header takes it.
bool may_begin_names(const std::string& name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto fits = [&](char c) { return is_letter(c) || c == '_' || (c >= '0' && c <= '9'); };
  return is_letter(name.front()) && name.back() != '_' && name.find("__") == std::string::npos &&
         std::ranges::all_of(name, fits);
}

// What the library advises, as options.
std::string in_options(std::string message) {
  constexpr const char* kOptions[][2] = {{".states", "--states"},
                                         {".sequence_lengths", "--sequence-lengths"},
                                         {" = true", ""},
                                         {"give .name", "give --name"},
                                         {".calibration", "--calibration"}};
  for (const auto& [member, option] : kOptions) message = replaced(message, member, option);
  return message;
}

const Format& format_of_output(const ConvertArguments& o) {
  if (o.out != "-" && !o.to.empty()) {
    throw Failure(kUsage, "convert: --to is for standard output (-); the format of '" + o.out +
                              "' follows from the end of its name");
  }
  if (o.out != "-") return format_of(o.out);
  if (o.to.empty()) throw Failure(kUsage, "convert: standard output has no name; say --to FORMAT:\n" + format_table());
  return format_named(o.to);
}

void check_convert(const ConvertArguments& o, const Format& format) {
  if (o.choices.any_of_onnx() && !format.takes_onnx_choices) {
    throw Failure(kUsage, "convert: --states and --sequence-lengths are for .onnx, not for ." + format.ending);
  }
  if (o.choices.any_of_header() && !format.takes_header_choices) {
    throw Failure(kUsage,
                  "convert: --name, --precision, --calibration and its options of CSV are for C headers (.h), "
                  "not for ." +
                      format.ending);
  }
  if (o.choices.csv.given && !is_csv(o.choices.calibration)) {
    throw Failure(kUsage, std::string("convert: ") + kCsvOptions + " are for a --calibration in CSV");
  }
  if (!o.choices.name.empty() && !may_begin_names(o.choices.name)) {
    throw Failure(kUsage, "convert: --name '" + o.choices.name +
                              "' cannot begin the names of a header: letters, digits and single '_' between them, a "
                              "letter first");
  }
  const bool needs_calibration = !o.choices.precision.empty() && o.choices.precision != "float32";
  if (needs_calibration && o.choices.calibration.empty()) {
    throw Failure(kUsage, "convert: --precision " + o.choices.precision +
                              " needs --calibration FILE, some hundred samples of inputs as predict takes them");
  }
}

Model model_of(const std::string& architecture) {
  const std::string json = read_file(architecture);
  try {
    return model_from_json(json);
  } catch (const Error& error) {
    throw Failure(kBadModel, "'" + architecture + "': " + error.what());
  }
}

Model load(const ConvertArguments& o) {
  const GivenModel given(o.in);
  if (o.architecture.empty()) return given.load(!o.no_compile);
  Model model = model_of(o.architecture);
  given.read([&](const std::string& path) { return model.load_weights(path); });
  return model;
}

std::string write(const Model& model, const Format& format, const std::string& path, const ExportChoices& choices) {
  try {
    return format.write(model, path, choices);
  } catch (const ConfigError& error) {
    throw Failure(kBadModel, in_options(error.what()));  // no form of it in this format
  } catch (const ShapeError& error) {
    throw Failure(kBadData, in_options(error.what()));
  }
}

int run_convert(const ConvertArguments& o) {
  const Format& format = format_of_output(o);
  check_convert(o, format);
  const Model model = load(o);
  if (o.out != "-") {
    print(write(model, format, o.out, o.choices));
    return kDone;
  }
  const TemporaryFolder folder;
  const std::string path = folder.path("model." + format.ending);
  (void)write(model, format, path, o.choices);
  print(read_file(path));
  return kDone;
}

}  // namespace

void add_convert(CLI::App& program, Command& chosen) {
  const auto options = std::make_shared<ConvertArguments>();
  CLI::App* command = program.add_subcommand("convert", "write a model in another format");
  command
      ->add_option("IN", options->in,
                   "a .keras or .h5 file of any Keras, .onnx, .rtneural.json or .nam; - is standard input")
      ->required();
  command
      ->add_option("OUT", options->out, "the file to write or replace; its end says the format; - is standard output")
      ->required();
  command->add_option("--to", options->to, "the format of standard output, as the ends of names without the point");
  command->add_option("--architecture", options->architecture, "IN holds weights alone, for the model in this .json");
  command->add_flag("--no-compile", options->no_compile, "leave out optimizer, loss and metrics");
  command->add_option("--name", options->choices.name, ".h: what its names begin with (the model's name)");
  command->add_option("--precision", options->choices.precision, ".h: float32, int16x8 or int8")
      ->check(CLI::IsMember({"float32", "int16x8", "int8"}));
  command->add_option("--calibration", options->choices.calibration, ".h: a .npy or .csv file of inputs, for integers");
  add_csv_options(*command, options->choices.csv);
  command->add_flag("--states", options->choices.states, ".onnx: recurrent layers' states go in and come out");
  command->add_flag("--sequence-lengths", options->choices.sequence_lengths,
                    ".onnx: an input more says how many steps of each row count");
  command->footer("\nOUT ends in\n" + format_table() + kExamples);
  command->callback([options, &chosen] { chosen = [options] { return run_convert(*options); }; });
}

}  // namespace rondo::cli
