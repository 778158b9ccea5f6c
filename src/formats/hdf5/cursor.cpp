#include "formats/hdf5/cursor.hpp"

#include <string>

namespace rondo::hdf5 {

Cursor::Cursor(const Place& place, std::string_view what, std::uint64_t address, std::uint64_t length)
    : place_(&place), what_(what), address_(address) {
  const std::span<const std::byte> all = place.image->bytes;
  if (address == kNowhere) place.fail(std::string(what) + " is said to be nowhere");
  if (address > all.size() || length > all.size() - address) {
    place.fail(address, std::string(what) + " is said to be here and to have " + std::to_string(length) +
                            " bytes, but the file ends at byte " + std::to_string(place.image->base + all.size()) +
                            ": it was cut off, or is damaged");
  }
  bytes_ = all.subspan(address, length);
}

std::uint64_t Cursor::number(std::uint64_t bytes) {
  const std::span<const std::byte> digits = take(bytes);
  std::uint64_t value = 0;
  for (std::size_t i = digits.size(); i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(digits[i]);
  return value;
}

std::uint64_t Cursor::address() {
  const std::uint64_t size = place_->image->address_size;
  const std::uint64_t value = number(size);
  return value == kNowhere >> (64 - 8 * size) ? kNowhere : value;
}

std::uint64_t Cursor::length() { return number(place_->image->length_size); }

std::span<const std::byte> Cursor::take(std::uint64_t bytes) {
  if (bytes > left()) {
    fail(std::to_string(bytes) + " bytes should follow, but it ends after " + std::to_string(left()));
  }
  const std::span<const std::byte> taken = bytes_.subspan(at_, bytes);
  at_ += bytes;
  return taken;
}

std::string_view Cursor::text(std::uint64_t bytes) {
  const std::span<const std::byte> taken = take(bytes);
  return {reinterpret_cast<const char*>(taken.data()), taken.size()};
}

std::string_view Cursor::text_to_zero() {
  const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + at_, left());
  const std::size_t length = rest.find('\0');
  if (length == std::string_view::npos) fail("a name begins here and does not end");
  at_ += length + 1;
  return rest.substr(0, length);
}

void Cursor::expect_signature(std::string_view signature) {
  const std::uint64_t address = position();
  if (text(signature.size()) != signature) {
    place_->fail(address, std::string(what_) + " should begin here with '" + std::string(signature) + "'");
  }
}

int Cursor::expect_version(int lowest, int highest) {
  const std::uint64_t address = position();
  const int version = u8();
  if (version >= lowest && version <= highest) return version;
  const std::string known = lowest == highest ? std::to_string(lowest) + " is"
                                              : std::to_string(lowest) + " to " + std::to_string(highest) + " are";
  place_->fail(address, std::string(what_) + " has version " + std::to_string(version) + "; " + known + " read");
}

void Cursor::fail(std::string_view why) const {
  place_->fail(position(), std::string(what_) + ": " + std::string(why));
}

void Cursor::refuse(std::string_view feature) const {
  fail(std::string(feature) + " is not read; save the file again with h5py's defaults");
}

Cursor Walk::open(std::string_view what, std::uint64_t address, std::uint64_t length) {
  Cursor cursor(*place_, what, address, length);
  count(what, address, length);
  return cursor;
}

void Walk::count(std::string_view what, std::uint64_t address, std::uint64_t length) {
  if (length > left_) place_->fail(address, std::string(what) + " leads in a circle, or lies on top of others");
  left_ -= length;
  place_->spend(length);
}

void check_sum(Cursor& cursor, std::uint64_t begin) {
  const Image& image = *cursor.place().image;
  const std::uint64_t end = cursor.position();
  const std::uint32_t stored = cursor.u32();
  if (!image.verify_checksums) return;
  if (stored != checksum(image.bytes.subspan(begin, end - begin))) {
    cursor.place().fail(end, "the checksum of the bytes before it is another: the file is damaged");
  }
}

namespace {

constexpr std::uint32_t rotated(std::uint32_t x, int bits) { return x << bits | x >> (32 - bits); }

struct Lanes {
  std::uint32_t a, b, c;

  void mix() {
    a = (a - c) ^ rotated(c, 4), c += b;
    b = (b - a) ^ rotated(a, 6), a += c;
    c = (c - b) ^ rotated(b, 8), b += a;
    a = (a - c) ^ rotated(c, 16), c += b;
    b = (b - a) ^ rotated(a, 19), a += c;
    c = (c - b) ^ rotated(b, 4), b += a;
  }
  void finish() {
    c = (c ^ b) - rotated(b, 14);
    a = (a ^ c) - rotated(c, 11);
    b = (b ^ a) - rotated(a, 25);
    c = (c ^ b) - rotated(b, 16);
    a = (a ^ c) - rotated(c, 4);
    b = (b ^ a) - rotated(a, 14);
    c = (c ^ b) - rotated(b, 24);
  }
};

// The next four bytes as a number; bytes beyond the end are 0.
std::uint32_t word(std::span<const std::byte> bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4 && at + i < bytes.size(); ++i) {
    value |= std::to_integer<std::uint32_t>(bytes[at + i]) << (8 * i);
  }
  return value;
}

}  // namespace

std::uint32_t checksum(std::span<const std::byte> bytes) {
  const std::uint32_t start = 0xdeadbeef + static_cast<std::uint32_t>(bytes.size());
  Lanes lanes{start, start, start};
  if (bytes.empty()) return start;
  for (std::size_t at = 0;; at += 12) {
    lanes.a += word(bytes, at);
    lanes.b += word(bytes, at + 4);
    lanes.c += word(bytes, at + 8);
    if (bytes.size() - at <= 12) break;
    lanes.mix();
  }
  lanes.finish();
  return lanes.c;
}

}  // namespace rondo::hdf5
