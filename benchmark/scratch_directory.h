// A directory for one run's database, gone with the object.
//
// Thread safety: none needed, one thread.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace tsdb::benchmark {

class ScratchDirectory {
 public:
  // In `parent`, which is made if need be; none if `parent` is empty. Does not exist yet.
  explicit ScratchDirectory(const std::string& parent) {
    if (parent.empty()) return;
    std::error_code ignored;  // opening the database in it will fail, and say why
    std::filesystem::create_directories(parent, ignored);
    static unsigned made = 0;  // several at once have names of their own
    path_ = parent + "/benchmark-" + std::to_string(getpid()) + "-" + std::to_string(made++);
    std::filesystem::remove_all(path_, ignored);
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }  // empty: none

 private:
  std::string path_;
};

}  // namespace tsdb::benchmark
