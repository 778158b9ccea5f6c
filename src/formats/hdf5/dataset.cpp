// The numbers of a data set, from wherever its layout has them.
#include <algorithm>
#include <string>

#include "core/sizes.hpp"
#include "formats/hdf5/chunks.hpp"
#include "formats/hdf5/file.hpp"
#include "formats/hdf5/filters.hpp"
#include "formats/hdf5/numbers.hpp"

namespace rondo::hdf5 {

namespace {

// Memory that one chunk may take even where the data set is smaller: those of a data set that may grow are.
constexpr std::uint64_t kSmallChunk = std::uint64_t{1} << 24;

Cursor open_required(const Place& place, const ObjectHeader& header, std::string_view what, MessageType type) {
  const Message* message = header.find(type);
  if (message == nullptr) place.fail(header.address(), "the header of the data set lacks " + std::string(what));
  return open(place, what, *message);
}

[[noreturn]] void fail_unwritten(const Place& place) {
  place.fail("not all of its numbers were written; what stands for them is not read");
}

// Chunks that may lie anywhere, each put where it belongs.
template <class T>
class ChunkReader {
 public:
  ChunkReader(const Place& place, const ObjectHeader& header, const Dataspace& space, const Layout& layout,
              const Datatype& type, std::span<T> to)
      : place_(place),
        space_(space),
        layout_(layout),
        type_(type),
        to_(to),
        grid_({}),
        stored_left_(place.image->bytes.size()) {
    if (const Message* message = header.find(MessageType::filters)) {
      filters_ = read_filters(open(place, "the list of filters", *message));
    }
    if (layout.chunk.size() != space.largest.size() || layout.element_size != type.size) {
      place.fail("its chunks have other axes or elements than itself");
    }
    grid_ = grid_of({space.shape.begin(), space.shape.end()}, layout.chunk);
    chunk_bytes_ = bytes_of_chunk();
  }

  void read() {
    const std::uint64_t chunks = grid_.size(place_);
    if (layout_.address == kNowhere) fail_unwritten(place_);
    // What chunks have besides the data set's numbers is work for nothing.
    const Size all = Size(static_cast<Index>(chunks)) * static_cast<Index>(chunk_bytes_);
    const std::uint64_t wanted = to_.size() * type_.size;
    place_.spend(std::max(all.known() ? static_cast<std::uint64_t>(all.count("bytes")) : UINT64_MAX, wanted) - wanted);
    seen_.resize(chunks);
    std::uint64_t found = 0;
    for_each_chunk(place_, space_, layout_, chunk_bytes_, !filters_.empty(), [&](const Chunk& chunk) {
      if (!grid_.contains(chunk.position)) return;  // what is left of a larger shape
      const std::uint64_t number = grid_.number(chunk.position);
      if (seen_[number]) place_.fail(chunk.address, "the index has a chunk twice");
      seen_[number] = true;
      ++found;
      read_chunk(chunk);
    });
    if (found < chunks) fail_unwritten(place_);
  }

 private:
  std::uint64_t bytes_of_chunk() const {
    Size size = static_cast<Index>(type_.size);
    for (const std::uint64_t n : layout_.chunk) size = size * static_cast<Index>(n);
    const std::uint64_t most = std::max<std::uint64_t>(kSmallChunk, to_.size() * type_.size);
    const auto bytes = size.known() ? static_cast<std::uint64_t>(size.count("bytes")) : UINT64_MAX;
    if (bytes > std::min<std::uint64_t>(most, UINT32_MAX)) {
      place_.fail("its chunks are said to have " + size.text() + " bytes each, more than the data set has");
    }
    return bytes;
  }

  void read_chunk(const Chunk& chunk) {
    const std::span<const std::byte> stored = Cursor(place_, "a chunk", chunk.address, chunk.size).take(chunk.size);
    // What is read twice would make a small file's work large.
    if (chunk.size > stored_left_) place_.fail(chunk.address, "chunks lie on top of each other");
    stored_left_ -= chunk.size;
    const bool sticks_out = layout_.unfiltered_edges && !lies_within(chunk.position);
    put(chunk.position, unfiltered(place_, chunk.address, stored, filters_, sticks_out ? ~0U : chunk.skipped,
                                   chunk_bytes_, type_.size, memory_));
  }

  bool lies_within(const Position& position) const {
    for (std::size_t i = 0; i < position.size(); ++i) {
      if ((position[i] + 1) * layout_.chunk[i] > extent(i)) return false;
    }
    return true;
  }

  std::uint64_t extent(std::size_t axis) const {
    return static_cast<std::uint64_t>(space_.shape[static_cast<Index>(axis)]);
  }

  // Row by row along the last axis, without what sticks out of the shape.
  void put(const Position& chunk, std::span<const std::byte> bytes) {
    const std::size_t rank = chunk.size();
    Position shown(rank);  // elements of the chunk that belong to the shape
    for (std::size_t i = 0; i < rank; ++i) {
      shown[i] = std::min(layout_.chunk[i], extent(i) - chunk[i] * layout_.chunk[i]);
    }
    Position rows = shown;
    rows.back() = 1;
    const Grid shown_rows(rows);
    const Grid in_chunk(layout_.chunk);
    const Grid in_shape(Position(space_.shape.begin(), space_.shape.end()));
    const std::uint64_t count = shown_rows.size(place_);
    for (std::uint64_t row = 0; row < count; ++row) {
      Position at = shown_rows.position(row);
      const std::uint64_t from = in_chunk.number(at);
      for (std::size_t i = 0; i < rank; ++i) at[i] += chunk[i] * layout_.chunk[i];
      convert(place_, type_, bytes.subspan(from * type_.size, shown.back() * type_.size),
              to_.subspan(in_shape.number(at), shown.back()));
    }
  }

  const Place& place_;
  const Dataspace& space_;
  const Layout& layout_;
  const Datatype& type_;
  std::span<T> to_;
  Grid grid_;
  std::vector<Filter> filters_;
  std::uint64_t chunk_bytes_ = 0;
  std::uint64_t stored_left_;
  std::vector<bool> seen_;
  std::vector<std::byte> memory_;
};

}  // namespace

Dataset::Dataset(Place place, ObjectHeader header) : Object(std::move(place), std::move(header)) {
  Cursor space = open_required(place_, header_, "its shape", MessageType::dataspace);
  space_ = read_dataspace(space);
  Cursor type = open_required(place_, header_, "its type", MessageType::datatype);
  type_ = read_datatype(type);
}

Index Dataset::elements() const {
  const Size elements = Size::product(shape().dims());
  if (!elements.known()) place_.fail("its shape " + to_string(shape()) + " has more elements than can be counted");
  return elements.count("elements");
}

template <class T>
void Dataset::read(std::span<T> to) const {
  if (static_cast<std::uint64_t>(elements()) != to.size()) {
    place_.fail("it has the shape " + to_string(shape()) + ", " + std::to_string(elements()) + " numbers, where " +
                std::to_string(to.size()) + " are expected");
  }
  check_numbers(place_, type_, std::is_integral_v<T>);
  const Layout layout = read_layout();
  if (to.empty()) return;
  switch (layout.kind) {
    case Layout::Kind::compact: convert(place_, type_, layout.bytes, to); break;
    case Layout::Kind::contiguous: convert(place_, type_, in_one_piece(layout), to); break;
    case Layout::Kind::chunked: ChunkReader<T>(place_, header_, space_, layout, type_, to).read(); break;
  }
}

Layout Dataset::read_layout() const {
  if (header_.find(MessageType::external_files) != nullptr) {
    place_.fail("its numbers stand in other files (external storage), which are not read");
  }
  return hdf5::read_layout(open_required(place_, header_, "the layout of its numbers", MessageType::layout));
}

std::span<const std::byte> Dataset::in_one_piece(const Layout& layout) const {
  if (layout.address == kNowhere) fail_unwritten(place_);
  const std::uint64_t bytes = static_cast<std::uint64_t>(elements()) * type_.size;
  if (layout.size < bytes) {
    place_.fail(layout.address,
                "its numbers take " + std::to_string(bytes) + " bytes, but there are " + std::to_string(layout.size));
  }
  return Cursor(place_, "its numbers", layout.address, bytes).take(bytes);
}

std::span<const std::byte> Dataset::in_place(std::size_t bytes_of_number) const {
  if (type_.kind != Datatype::Kind::floating || type_.size != bytes_of_number || type_.big_endian) return {};
  const Layout layout = read_layout();
  if (layout.kind != Layout::Kind::contiguous || elements() == 0) return {};
  return in_one_piece(layout);
}

void Dataset::read_into(std::span<float> to) const { read(to); }
void Dataset::read_into(std::span<double> to) const { read(to); }
void Dataset::read_into(std::span<std::int64_t> to) const { read(to); }

}  // namespace rondo::hdf5
