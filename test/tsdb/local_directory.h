// A directory on the machine's own files.
//
// Thread safety: one thread at a time.
#pragma once

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace tsdb {

// Gone with what is in it afterwards.
class LocalDirectory {
 public:
  LocalDirectory() {
    path_ = (std::filesystem::temp_directory_path() / "tsdb_XXXXXX").string();
    REQUIRE(::mkdtemp(path_.data()) != nullptr);
  }
  ~LocalDirectory() { std::filesystem::remove_all(path_); }
  LocalDirectory(const LocalDirectory&) = delete;
  LocalDirectory& operator=(const LocalDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace tsdb
