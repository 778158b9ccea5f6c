// rondo: Rondo's command line.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <rondo/error.hpp>
#include <rondo/version.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "files.hpp"
#include "text.hpp"

namespace rondo::cli {

namespace {

constexpr const char* kAbout =
    "\nExit status: 0 done; 1 failed, as files that cannot be read; 2 wrong command line; 3 bad numbers in a file;\n"
    "4 model file damaged, not read, or not equal; 130 interrupted. Results go to standard output, errors to standard\n"
    "error. rondo COMMAND --help has more, with examples.\n";

std::vector<std::string> names_of(const std::vector<const CLI::App*>& commands) {
  std::vector<std::string> names;
  for (const CLI::App* command : commands) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> options_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// What is wrong with a command line, and the nearest that is right.
std::string complaint(const CLI::App& program, const CLI::ParseError& error) {
  const std::vector<CLI::App*> given = program.get_subcommands();
  const CLI::App& command = given.empty() ? program : *given.front();
  const std::string help =
      "\nrondo " + (given.empty() ? "" : command.get_name() + " ") + "--help tells how to call it.";
  const std::string where = given.empty() ? "" : command.get_name() + ": ";
  for (const std::string& word : program.remaining(/*recurse=*/true)) {
    if (word.starts_with("-") && word != "-") {
      const std::string option = word.substr(0, word.find('='));
      return where + "there is no option '" + option + "'." + did_you_mean(option, options_of(command)) + help;
    }
    if (given.empty()) {
      const std::vector<std::string> known = names_of(program.get_subcommands([](const CLI::App*) { return true; }));
      return "there is no command '" + word + "'." + did_you_mean(word, known) + help;
    }
    return where + "'" + word + "' is one argument too many." + help;
  }
  return where + error.what() + help;
}

int run(int argc, char** argv) {
  CLI::App program("Rondo: Keras's LSTM life-cycle. Looks into models, converts them, predicts with them.", "rondo");
  program.set_version_flag("--version", std::string("rondo ") + kVersion, "the version");
  program.require_subcommand(1);
  program.footer(kAbout);
  Command chosen;
  add_inspect(program, chosen);
  add_convert(program, chosen);
  add_predict(program, chosen);
  add_verify(program, chosen);
  if (argc == 1) throw Failure(kUsage, "which command?\n" + program.help());
  try {
    program.parse(argc, argv);
  } catch (const CLI::CallForVersion& version) {
    return print(std::string(version.what()) + "\n"), kDone;
  } catch (const CLI::CallForHelp&) {
    return print(program.help()), kDone;
  } catch (const CLI::ParseError& error) {
    throw Failure(kUsage, complaint(program, error));
  }
  return chosen();
}

int fail(const std::string& text, int status) {
  const std::string line = "rondo: " + text + (text.ends_with("\n") ? "" : "\n");
  std::fwrite(line.data(), 1, line.size(), stderr);
  return status;
}

}  // namespace

}  // namespace rondo::cli

int main(int argc, char** argv) {
  using namespace rondo::cli;
  try {
    return run(argc, argv);
  } catch (const Failure& failure) {
    return fail(failure.what(), failure.status());
  } catch (const rondo::Error& error) {
    return fail(error.what(), kFailed);
  } catch (const std::exception& error) {
    return fail(error.what(), kFailed);
  }
}
