// The subcommands, each in a file of its own.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace rondo::cli {

// What a subcommand does, once the command line has been read. Returns the exit status; throws a Failure, or an error
// of Rondo's.
using Command = std::function<int()>;

// Each adds its subcommand to the program; where that is given, `chosen` becomes what it does.
void add_inspect(CLI::App& program, Command& chosen);
void add_convert(CLI::App& program, Command& chosen);
void add_verify(CLI::App& program, Command& chosen);
void add_predict(CLI::App& program, Command& chosen);

}  // namespace rondo::cli
