#include "training/diagnosis/sentence.hpp"

#include "core/names.hpp"

namespace rondo::training {

Sentence& Sentence::operator<<(std::string_view words) {
  text_ += words;
  return *this;
}
Sentence& Sentence::operator<<(double measured) { return *this << number_text(measured, 3); }
Sentence& Sentence::operator<<(Index count) { return *this << std::to_string(count); }

Findings finding(FindingKind kind, const Sentence& text, const Sentence& advice, const std::string& layer,
                 Index epoch) {
  return finding(kind, text, advice.text(), layer, epoch);
}

Findings finding(FindingKind kind, const Sentence& text, std::string_view advice, const std::string& layer,
                 Index epoch) {
  Findings one(1);
  one[0].kind = kind;
  one[0].text = text.text();
  one[0].advice = advice;
  one[0].layer = layer;
  one[0].epoch = epoch;
  return one;
}

}  // namespace rondo::training
