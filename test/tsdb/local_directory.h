// A directory on the machine's own files, and waiting for what another thread or process does
// there.
//
// Thread safety: one thread at a time.
#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "storage/base/mutex.h"

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

// Asks `happened` again and again until it says so, or two minutes have passed: for what tells
// nobody when it happens.
template <typename Happened>
bool AwaitEvent(Happened happened) {
  Mutex mutex;
  CondVar never;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (!happened()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    MutexLock lock(&mutex);
    never.WaitFor(&mutex, std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace tsdb
