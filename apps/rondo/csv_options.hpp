// How a subcommand is told to read CSV.
#pragma once

#include <string>

#include <rondo/data.hpp>

namespace CLI {
class App;
}

namespace rondo::cli {

struct CsvChoices {
  CsvOptions options = {};
  bool given = false;  // any of them
};

// Adds --header, --separator, --decimal and --missing, which make the choices; these live as long as the command.
void add_csv_options(CLI::App& command, CsvChoices& choices);
// For messages: their names.
constexpr const char* kCsvOptions = "--header, --separator, --decimal and --missing";

// A message about a CSV file, whose advice names members of CsvOptions, with the command line's options instead.
std::string in_csv_options(std::string message);

}  // namespace rondo::cli
