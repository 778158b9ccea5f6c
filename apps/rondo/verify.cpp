// rondo verify: the same numbers here as where the model was saved?
#include <CLI/CLI.hpp>
#include <memory>

#include <rondo/inspection.hpp>

#include "commands.hpp"
#include "formats.hpp"
#include "given_model.hpp"
#include "text.hpp"

namespace rondo::cli {

namespace {

constexpr const char* kVerifyHelp =
    "\nRondo keeps a few inputs and the model's predictions for them in each model that it saves. They are predicted\n"
    "again here and compared to the bit (models of the policy mixed_bfloat16: to a hundredth).\n"
    "Exit status: 0 equal, 4 not equal or nothing to compare with (files of Keras, other formats).\n"
    "\nExample:\n"
    "  rondo verify model.keras && cp model.keras /srv/models/\n";

std::string line_of(const VerifiedOutput& output, double tolerance) {
  const std::string what = output.name + " " + to_string(output.shape) + ": ";
  if (output.identical) return what + "equal to the bit\n";
  std::string text = what + "differs by up to " + short_text(output.largest_difference);
  if (tolerance > 0) text += output.passed ? ", which is within the tolerance" : ", which is beyond the tolerance";
  return text + "\n";
}

int run_verify(const std::string& argument) {
  const GivenModel given(argument);
  if (const Format* format = format_read_by_name(argument)) {
    given.load(false);  // a file that is missing or damaged has its own error
    throw Failure(kBadModel, given.name() + ": nothing to verify with: ." + format->ending +
                                 " keeps no predictions. .keras and .h5 files that Rondo saves do.");
  }
  const Verification result = given.read([](const std::string& path) { return verify_file(path); });
  std::string text = given.name() + ": saved by Rondo " + result.rondo_version + "\n";
  for (const VerifiedOutput& output : result.outputs) text += line_of(output, result.tolerance);
  print(text);
  return result.passed() ? kDone : kBadModel;
}

}  // namespace

void add_verify(CLI::App& program, Command& chosen) {
  const auto file = std::make_shared<std::string>();
  CLI::App* command =
      program.add_subcommand("verify", "compare a model's predictions here with those it was saved with");
  command->add_option("FILE", *file, "a .keras or .h5 file that Rondo saved; - is standard input")->required();
  command->footer(kVerifyHelp);
  command->callback([file, &chosen] { chosen = [file] { return run_verify(*file); }; });
}

}  // namespace rondo::cli
