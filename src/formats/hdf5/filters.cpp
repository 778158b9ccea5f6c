#include "formats/hdf5/filters.hpp"

#include <string>
#include <zlib.h>

#include "core/sizes.hpp"

namespace rondo::hdf5 {

namespace {

std::string filter_name(int id, std::string_view given) {
  switch (id) {
    case 3: return "the filter fletcher32 (checksums)";
    case 4: return "the filter szip";
    case 5: return "the filter nbit";
    case 6: return "the filter scaleoffset";
    case 32000: return "the filter lzf";
    default: break;
  }
  const std::string number = "the filter " + std::to_string(id);
  return given.empty() ? number : number + " (" + quoted(given.substr(0, given.find('\0'))) + ")";
}

Filter read_filter(Cursor& cursor, int version) {
  const int id = cursor.u16();
  const std::uint64_t name_bytes = version == 1 || id >= 256 ? cursor.number(2) : 0;
  cursor.skip(2);  // flags
  const std::uint64_t values = cursor.number(2);
  const std::string_view name = cursor.text(name_bytes);
  cursor.skip(4 * (version == 1 ? values + values % 2 : values));
  if (id != static_cast<int>(Filter::gzip) && id != static_cast<int>(Filter::shuffle)) {
    cursor.refuse(filter_name(id, name));
  }
  return static_cast<Filter>(id);
}

// gzip makes a byte of at most 1032, so a promise of more is none that the stored bytes can keep.
std::vector<std::byte> inflated(const Place& place, std::uint64_t address, std::span<const std::byte> stored,
                                std::uint64_t size) {
  constexpr std::uint64_t kBestRatio = 1032;
  if (stored.size() > UINT32_MAX) place.fail(address, "a chunk has more than 4 GB");
  if (size / kBestRatio > stored.size()) {
    place.fail(address, "a chunk of " + std::to_string(stored.size()) + " bytes is said to become " +
                            std::to_string(size) + " when gzip is undone, which is more than gzip can");
  }
  std::vector<std::byte> result = allocating(
      static_cast<Index>(size), [&] { return std::vector<std::byte>(size); }, [] { return "a chunk of an HDF5 file"; });
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) throw_out_of_memory(1 << 16, "undoing gzip");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(stored.data()));
  stream.avail_in = static_cast<uInt>(stored.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  const int state = inflate(&stream, Z_FINISH);
  const bool whole = state == Z_STREAM_END && stream.avail_out == 0;
  inflateEnd(&stream);
  if (!whole) place.fail(address, "a chunk does not become its " + std::to_string(size) + " bytes when gzip is undone");
  return result;
}

// The first bytes of all elements stand before the second ones, and so on; what is no whole element follows as it was.
std::vector<std::byte> unshuffled(std::span<const std::byte> stored, std::uint64_t element_size) {
  std::vector<std::byte> result(stored.begin(), stored.end());
  const std::uint64_t elements = stored.size() / element_size;
  for (std::uint64_t byte = 0; byte < element_size; ++byte) {
    for (std::uint64_t i = 0; i < elements; ++i) result[i * element_size + byte] = stored[byte * elements + i];
  }
  return result;
}

}  // namespace

std::vector<Filter> read_filters(Cursor cursor) {
  const int version = cursor.expect_version(1, 2);
  const int count = cursor.u8();
  if (version == 1) cursor.skip(6);
  std::vector<Filter> filters;
  for (int i = 0; i < count; ++i) filters.push_back(read_filter(cursor, version));
  if (filters.size() > 2) cursor.fail("it has " + std::to_string(count) + " filters; 2 are read at most");
  return filters;
}

std::span<const std::byte> unfiltered(const Place& place, std::uint64_t address, std::span<const std::byte> stored,
                                      const std::vector<Filter>& filters, std::uint32_t skipped,
                                      std::uint64_t chunk_bytes, std::uint64_t element_size,
                                      std::vector<std::byte>& memory) {
  for (std::size_t i = filters.size(); i-- > 0;) {
    if ((skipped >> i & 1) != 0) continue;
    memory =
        filters[i] == Filter::gzip ? inflated(place, address, stored, chunk_bytes) : unshuffled(stored, element_size);
    stored = memory;
  }
  if (stored.size() != chunk_bytes) {
    place.fail(address,
               "a chunk has " + std::to_string(stored.size()) + " bytes instead of " + std::to_string(chunk_bytes));
  }
  return stored;
}

}  // namespace rondo::hdf5
