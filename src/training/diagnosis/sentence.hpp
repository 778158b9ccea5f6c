// Sentences about what was measured.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <rondo/diagnosis.hpp>

namespace rondo::training {

// Words and numbers put together; numbers that were measured to three digits.
class Sentence {
 public:
  Sentence& operator<<(std::string_view words);
  Sentence& operator<<(double measured);
  Sentence& operator<<(Index count);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// What a rule says: nothing, or one finding.
using Findings = std::vector<Finding>;

Findings finding(FindingKind kind, const Sentence& text, const Sentence& advice, const std::string& layer = {},
                 Index epoch = -1);
Findings finding(FindingKind kind, const Sentence& text, std::string_view advice, const std::string& layer = {},
                 Index epoch = -1);

}  // namespace rondo::training
