// What all subcommands have in common.
#include <gtest/gtest.h>

#include <rondo/version.hpp>

#include "cli/program.hpp"

namespace rondo {
namespace {

using test::Cli;
using test::expect_failure;
using test::expect_success;
using test::Ran;

TEST(CommandLine, TellsItsVersion) {
  const Ran ran = Cli().run("--version");
  expect_success(ran);
  EXPECT_EQ(ran.out, std::string("rondo ") + kVersion + "\n");
}

TEST(CommandLine, HelpNamesAllCommandsAndExitStatuses) {
  const Ran ran = Cli().run("--help");
  expect_success(ran);
  for (const char* word : {"inspect", "convert", "predict", "verify", "Exit status"}) {
    EXPECT_NE(ran.out.find(word), std::string::npos) << word;
  }
}

TEST(CommandLine, EachCommandHasHelpWithAnExample) {
  const Cli cli;
  for (const std::string& command : std::vector<std::string>{"inspect", "convert", "predict", "verify"}) {
    const Ran ran = cli.run(command + " --help");
    expect_success(ran);
    EXPECT_NE(ran.out.find("rondo " + command + " "), std::string::npos) << ran.out;
  }
}

TEST(CommandLine, NothingGivenIsAnErrorWithTheHelp) {
  expect_failure(Cli().run(""), 2, {"which command?", "inspect", "convert"});
}

TEST(CommandLine, AWrongCommandSuggestsTheNearest) {
  expect_failure(Cli().run("inspct model.keras"), 2, {"no command 'inspct'", "Did you mean 'inspect'?"});
  expect_failure(Cli().run("transmogrify"), 2, {"no command 'transmogrify'.\n", "--help"});
}

TEST(CommandLine, AWrongOptionSuggestsTheNearest) {
  const Cli cli;
  expect_failure(cli.run("inspect --weigths model.keras"), 2,
                 {"inspect: ", "'--weigths'", "Did you mean '--weights'?"});
  expect_failure(cli.run("predict m x.npy y.npy --batchsize=4"), 2, {"'--batchsize'", "Did you mean '--batch-size'?"});
  expect_failure(cli.run("--vresion"), 2, {"'--vresion'", "Did you mean '--version'?"});
}

TEST(CommandLine, ArgumentsThatAreMissingOrTooManyAreNamed) {
  const Cli cli;
  expect_failure(cli.run("convert model.keras"), 2, {"convert: ", "OUT is required"});
  expect_failure(cli.run("inspect a.keras b.keras"), 2, {"'b.keras' is one argument too many"});
}

TEST(CommandLine, FilesThatCannotBeReadAreNoFaultOfTheModel) {
  const Cli cli;
  for (const std::string& command : std::vector<std::string>{"inspect", "verify"}) {
    expect_failure(cli.run(command + " nothing.keras"), 1, {"nothing.keras", "No such file"});
    expect_failure(cli.run(command + " ."), 1, {"'.'"});
  }
  expect_failure(cli.run("convert nothing.keras out.h5"), 1, {"nothing.keras", "No such file"});
  expect_failure(cli.run("predict nothing.keras x.npy y.npy"), 1, {"nothing.keras", "No such file"});
}

TEST(CommandLine, AFullDiskIsAnError) {
  const Ran ran = Cli().run("inspect " + test::golden_model("seed_model.keras") + " >/dev/full");
  expect_failure(ran, 1, {"standard output", "No space left"});
}

// Damaged files end in messages, whatever is done with them.
TEST(CommandLine, DamagedFilesAreRefusedByEachCommand) {
  const Cli cli;
  cli.write("x.csv", "1\n");
  for (const std::string& name :
       std::vector<std::string>{"truncated_half.keras", "not_a_zip.keras", "crc_mismatch.keras", "empty.keras",
                                "unknown_layer.keras", "legacy_truncated.h5", "units_huge.keras"}) {
    const std::string file = test::golden_model("bad/" + name);
    for (const std::string& command :
         std::vector<std::string>{"inspect --json " + file, "verify " + file, "convert " + file + " out.keras",
                                  "predict " + file + " x.csv y.csv"}) {
      SCOPED_TRACE(command);
      expect_failure(cli.run(command), 4, {name});
    }
    EXPECT_FALSE(std::filesystem::exists(cli.path("out.keras")));
    EXPECT_FALSE(std::filesystem::exists(cli.path("y.csv")));
  }
}

}  // namespace
}  // namespace rondo
