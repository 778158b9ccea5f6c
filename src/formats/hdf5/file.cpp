#include "formats/hdf5/file.hpp"

#include <algorithm>
#include <utility>

#include "formats/hdf5/superblock.hpp"

namespace rondo::hdf5 {

namespace {

const Link* find(const std::vector<Link>& links, std::string_view name) {
  const auto found = std::ranges::lower_bound(links, name, {}, &Link::name);
  return found == links.end() || found->name != name ? nullptr : &*found;
}

[[noreturn]] void fail_missing(const Place& place, std::string_view name, const std::vector<Link>& links) {
  std::string known;
  for (const Link& link : links) known += (known.empty() ? "; there is " : ", ") + quoted(link.name);
  place.fail("there is no " + quoted(name) + " here" + known.substr(0, 1000));
}

std::uint64_t address_of(const Place& place, std::string_view name, const std::vector<Link>& links) {
  const Link* link = find(links, name);
  if (link == nullptr) fail_missing(place, name, links);
  switch (link->kind) {
    case Link::Kind::hard: return link->address;
    case Link::Kind::soft:
      place.fail(quoted(name) + " is a soft link (to " + quoted(link->target) +
                 "), which is not followed; save the object itself there");
    case Link::Kind::external:
      place.fail(quoted(name) + " is an external link, into another file, which is not followed");
    case Link::Kind::unknown: break;
  }
  place.fail(quoted(name) + " is a link of a kind that is not read");
}

std::string child_path(const std::string& path, std::string_view name) {
  return (path == "/" ? path : path + "/") + std::string(name);
}

}  // namespace

File::File(std::span<const std::byte> bytes, std::string name, const ReadOptions& options)
    : image_(std::make_shared<Image>(read_superblock(bytes, std::move(name), options.verify_checksums))) {
  // Reading a model takes some five times what its file has of structures.
  constexpr std::uint64_t kMostTimes = 64, kSmallFile = std::uint64_t{1} << 25;
  image_->left = kSmallFile + kMostTimes * bytes.size();
}

Group File::root() const {
  Place place{image_, "/"};
  ObjectHeader header(place, image_->root);
  return Group(std::move(place), std::move(header));
}

bool is_hdf5(std::span<const std::byte> bytes) { return find_superblock(bytes) != kNowhere; }

Group::Group(Place place, ObjectHeader header) : Object(std::move(place), std::move(header)) {
  if (!hdf5::is_group(header_)) place_.fail(header_.address(), "it is no group");
  links_ = read_links(place_, header_);
}

std::vector<std::string> Group::names() const {
  std::vector<std::string> names;
  for (const Link& link : links_) names.emplace_back(link.name);
  return names;
}

bool Group::contains(std::string_view name) const { return find(links_, name) != nullptr; }

ObjectHeader Group::open(std::string_view path, Place& place) const {
  constexpr int kDeepest = 64;
  const std::string whole(path);
  std::vector<Link> below;
  const std::vector<Link>* links = &links_;
  for (int depth = 0; depth < kDeepest; ++depth) {
    const std::size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    ObjectHeader header(place, address_of(place, name, *links));
    place.path = child_path(place.path, name);
    if (slash == std::string_view::npos) return header;
    if (!hdf5::is_group(header))
      place.fail("it is no group, so there is no " + quoted(path.substr(slash + 1)) + " in it");
    below = read_links(place, header);
    links = &below;
    path = path.substr(slash + 1);
  }
  place_.fail("the path " + quoted(whole) + " leads through more than " + std::to_string(kDeepest) + " groups");
}

Group Group::group(std::string_view path) const {
  Place place = place_;
  ObjectHeader header = open(path, place);
  if (!hdf5::is_group(header)) place.fail("it is a data set where a group is expected");
  return Group(std::move(place), std::move(header));
}

Dataset Group::dataset(std::string_view path) const {
  Place place = place_;
  ObjectHeader header = open(path, place);
  if (hdf5::is_group(header)) place.fail("it is a group where a data set is expected");
  return Dataset(std::move(place), std::move(header));
}

bool Group::is_group(std::string_view path) const {
  Place place = place_;
  return hdf5::is_group(open(path, place));
}

}  // namespace rondo::hdf5
