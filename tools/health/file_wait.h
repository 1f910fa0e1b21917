// Waiting for a file to be put in place in a directory, or for a time, whichever comes first.
// Thread safety: one thread.
#pragma once

#include <chrono>
#include <string>

namespace tsdb::tools {

class FileWait {
 public:
  // Where the system cannot tell of changes (another machine's files), it is the time that counts.
  explicit FileWait(const std::string& directory);
  ~FileWait();
  FileWait(const FileWait&) = delete;
  FileWait& operator=(const FileWait&) = delete;

  // Returns once a file was renamed into the directory since the last return, after `most`, or at
  // a signal.
  void Wait(std::chrono::milliseconds most);

 private:
  int descriptor_;  // -1: none
};

}  // namespace tsdb::tools
