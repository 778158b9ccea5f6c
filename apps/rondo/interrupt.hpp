// Ctrl-C.
#pragma once

namespace rondo::cli {

// From here on the first Ctrl-C is noted, so that nothing is left half done; the second one ends the program.
void listen_to_ctrl_c();

// Throws a Failure of kInterrupted where one was noted.
void stop_if_interrupted();

}  // namespace rondo::cli
