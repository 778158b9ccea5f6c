#include "core/atomic_file.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <sys/resource.h>
#include <unistd.h>

#include <rondo/error.hpp>

#include "support/expect_error.hpp"

namespace rondo {
namespace {

using test::expect_error;

const std::string kContent(1000, 'x');

class WriteFile : public testing::Test {
 protected:
  void SetUp() override {
    // Tests run side by side, each in a process of its own.
    folder_ = std::filesystem::path(testing::TempDir()) / ("rondo_write_file_" + std::to_string(getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }

 private:
  std::filesystem::path folder_;
};

TEST_F(WriteFile, HoldsTheContentAndReplacesAnOlderFile) {
  std::ofstream(path("file")) << "old";
  core::write_file(path("file"), kContent);
  EXPECT_EQ(content(path("file")), kContent);
  EXPECT_EQ(files(), 1U);  // no temporary file is left
}

TEST_F(WriteFile, NamesPathAndReasonWhenItCannotBeWritten) {
  expect_error<FileError>([&] { core::write_file(path("none/file"), kContent); }, {"none/file", "No such file"});
  std::filesystem::create_directory(path("taken"));
  expect_error<FileError>([&] { core::write_file(path("taken"), kContent); }, {"taken", "directory"});
  EXPECT_EQ(files(), 1U);
}

TEST_F(WriteFile, FollowsLinksAndKeepsRights) {
  std::ofstream(path("file")) << "old";
  std::filesystem::permissions(path("file"), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::filesystem::create_directory(path("links"));
  std::filesystem::create_symlink("../file", path("links/one"));
  std::filesystem::create_symlink(path("links/one"), path("two"));
  core::write_file(path("two"), kContent);
  EXPECT_EQ(content(path("file")), kContent);
  EXPECT_TRUE(std::filesystem::is_symlink(path("two")));
  EXPECT_TRUE(std::filesystem::is_symlink(path("links/one")));
  EXPECT_EQ(std::filesystem::status(path("file")).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  // One that leads nowhere yet, and one that never does.
  std::filesystem::create_symlink("new", path("three"));
  core::write_file(path("three"), kContent);
  EXPECT_EQ(content(path("new")), kContent);
  std::filesystem::create_symlink("loop", path("loop"));
  expect_error<FileError>([&] { core::write_file(path("loop"), kContent); }, {"loop", "symbolic links"});
  EXPECT_TRUE(std::filesystem::is_symlink(path("loop")));
}

TEST_F(WriteFile, TakesNoDevicesPlace) {
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  expect_error<FileError>([&] { core::write_file(path("pipe"), kContent); }, {"pipe", "device or pipe"});
  EXPECT_TRUE(std::filesystem::is_fifo(path("pipe")));
}

// A limit on file sizes stands for a full disk.
TEST_F(WriteFile, KeepsTheOlderFileWhenTheDiskIsFull) {
  std::ofstream(path("file")) << "old";
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 100;
  setrlimit(RLIMIT_FSIZE, &small);
  std::string message;
  try {
    core::write_file(path("file"), kContent);
  } catch (const FileError& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_NE(message.find(path("file")), std::string::npos) << message;
  EXPECT_NE(message.find("File too large"), std::string::npos) << message;
  EXPECT_EQ(content(path("file")), "old");
  EXPECT_EQ(files(), 1U);
}

}  // namespace
}  // namespace rondo
