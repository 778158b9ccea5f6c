#include "formats/callbacks/tensorboard/event_file.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <unistd.h>

#include <rondo/error.hpp>

#include "core/names.hpp"
#include "formats/callbacks/folder.hpp"
#include "formats/callbacks/tensorboard/crc32c.hpp"

namespace rondo::formats {

namespace {

// What TensorBoard knows the files by; behind it comes a number, which is TensorFlow's clock where that has written
// one.
constexpr std::string_view kBegin = "events.out.tfevents.";
constexpr std::size_t kDigits = 10;

[[noreturn]] void fail(const std::string& path, int error) {
  throw FileError("TensorBoard cannot write '" + path + "': " + system_error_text(error));
}

// That behind the begin; -1 for the name of something else.
std::int64_t number_in(std::string_view name) {
  std::int64_t number = -1;
  if (name.starts_with(kBegin)) std::from_chars(name.data() + kBegin.size(), name.data() + name.size(), number);
  return number;
}

std::int64_t highest_number(const std::string& folder) {
  std::int64_t highest = -1;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    highest = std::max(highest, number_in(at->path().filename().string()));
  }
  if (error) fail(folder, error.value());
  return highest;
}

std::string name_of(std::int64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(kBegin) + std::string(kDigits - std::min(kDigits, digits.size()), '0') + digits + ".rondo";
}

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

protobuf::Message new_event() { return protobuf::Message().number(1, now()); }

std::string number_bytes(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i);
  return text;
}

// Sums over data that hold sums themselves would be weak, so they are turned and shifted.
std::string check_sum(std::string_view bytes) {
  const std::uint32_t sum = crc32c(bytes);
  return number_bytes((sum >> 15 | sum << 17) + 0xA282EAD8, 4);
}

}  // namespace

EventFile::EventFile(const std::string& folder) {
  make_folder_of(folder + "/file");
  for (std::int64_t number = highest_number(folder) + 1; descriptor_ < 0; ++number) {
    path_ = folder + "/" + name_of(number);
    descriptor_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST) fail(path_, errno);
  }
  add_record(new_event().text(3, "brain.Event:2"));  // the version of the format
}

EventFile::~EventFile() { close(descriptor_); }

void EventFile::add(Index step, const protobuf::Message& value) {
  const protobuf::Message summary = protobuf::Message().message(1, value);
  add_record(new_event().integer(2, step).message(5, summary));
}

void EventFile::add_record(const protobuf::Message& event) {
  const std::string length = number_bytes(event.view().size(), 8);
  pending_ += length + check_sum(length) + std::string(event.view()) + check_sum(event.view());
}

void EventFile::flush() {
  for (std::string_view left = pending_; !left.empty();) {
    const ssize_t written = ::write(descriptor_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(path_, errno);
    left.remove_prefix(static_cast<std::size_t>(written));
  }
  pending_.clear();
}

}  // namespace rondo::formats
