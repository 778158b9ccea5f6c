#include "csv_options.hpp"

#include <CLI/CLI.hpp>

#include "text.hpp"

namespace rondo::cli {

void add_csv_options(CLI::App& command, CsvChoices& choices) {
  const auto add = [&](const char* name, const std::vector<std::string>& known, const char* what, auto take) {
    const auto chosen = [&choices, take](const std::string& given) {
      take(choices.options, given);
      choices.given = true;
    };
    command.add_option_function<std::string>(name, chosen, what)->check(CLI::IsMember(known));
  };
  add("--header", {"yes", "no"}, "whether the first line of CSV names the columns (found out)",
      [](CsvOptions& csv, const std::string& is_there) { csv.header = is_there == "yes"; });
  add("--separator", {",", ";", "tab"}, "between the cells of CSV: comma, semicolon or tab (found out)",
      [](CsvOptions& csv, const std::string& sign) { csv.separator = sign == "tab" ? '\t' : sign[0]; });
  add("--decimal", {".", ","}, "the decimal sign of CSV: point or comma (point)",
      [](CsvOptions& csv, const std::string& sign) { csv.decimal = sign[0]; });
  const auto add_missing = [&choices](const std::vector<std::string>& cells) {
    choices.options.missing = cells;
    choices.given = true;
  };
  command
      .add_option_function<std::vector<std::string>>("--missing", add_missing,
                                                     "a cell of CSV that means a missing value; may be given again")
      ->allow_extra_args(false);
}

std::string in_csv_options(std::string message) {
  constexpr const char* kOptions[][2] = {
      {"{.separator = ',', .decimal = ','}", "--separator , --decimal ,"},
      {"{.decimal = ','}", "--decimal ,"},
      {"{.decimal = '.'}", "--decimal ."},
      {"{.header = false}", "--header no"},
      {"{.header = true}", "--header yes"},
      {"set another separator in CsvOptions", "name another with --separator"},
      {"{.missing = {", "--missing "},
      {"}}; otherwise correct it", "; otherwise correct it"},
  };
  for (const auto& [member, option] : kOptions) message = replaced(message, member, option);
  return message.substr(0, message.find(", or read the column with text("));
}

}  // namespace rondo::cli
