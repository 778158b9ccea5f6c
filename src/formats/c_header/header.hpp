// The text of a header around what a program writes.
#pragma once

#include <string>
#include <vector>

#include <rondo/export.hpp>

#include "formats/c_header/program.hpp"

namespace rondo::c_header {

// Steps that a header walks to test itself: row-major, numbers as the header's step takes and gives them.
struct SelfTest {
  std::size_t steps = 0;
  std::vector<double> inputs, outputs;
};

// Fills in what the report says of bytes, and returns the text.
std::string header_text(const Program& program, const SelfTest& test, ExportReport& report);

}  // namespace rondo::c_header
