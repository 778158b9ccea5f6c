// Files of events that TensorBoard reads: records (length, check sum, bytes, check sum), each an Event of event.proto.
#pragma once

#include <string>

#include <rondo/shape.hpp>

#include "formats/protobuf/writer.hpp"

namespace rondo::formats {

class EventFile {
 public:
  // A new file in a folder, which is made where it is not there. TensorBoard reads the files of a folder in the order
  // of their names, so it stands behind those that are there. FileError where that cannot be.
  explicit EventFile(const std::string& folder);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  // An event of now, with a Summary.Value. It is in the file after flush.
  void add(Index step, const protobuf::Message& value);
  // FileError where the file cannot be written.
  void flush();

 private:
  void add_record(const protobuf::Message& event);

  std::string path_;
  int descriptor_ = -1;
  std::string pending_;
};

}  // namespace rondo::formats
