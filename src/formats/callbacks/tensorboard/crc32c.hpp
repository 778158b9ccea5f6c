// CRC-32C (Castagnoli), the check sum of event files.
#pragma once

#include <cstdint>
#include <string_view>

namespace rondo::formats {

std::uint32_t crc32c(std::string_view bytes);

}  // namespace rondo::formats
