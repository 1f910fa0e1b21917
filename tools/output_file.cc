#include "tools/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "storage/base/file_system.h"

namespace tsdb::tools {
namespace {

constexpr mode_t kMode = 0666;  // less the umask, as programs make files that users ask for

}  // namespace

absl::StatusOr<std::unique_ptr<OutputFile>> OutputFile::Open(const std::string& path) {
  std::unique_ptr<OutputFile> file(new OutputFile());
  if (path.empty() || path == "-") {
    file->output_.emplace();
    return file;
  }
  file->path_ = path;
  struct stat status;
  const bool exists = stat(path.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode)) {
    file->descriptor_ = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (file->descriptor_ < 0) return file->Error("open");
  } else {
    if (absl::Status opened = file->OpenDraft(path); !opened.ok()) return opened;
    // A file that is replaced keeps its permissions.
    if (exists && fchmod(file->descriptor_, status.st_mode & 07777) != 0) {
      return file->Error("set the permissions of");
    }
  }
  auto compressor = CompressorFor(path);
  if (!compressor.ok()) return compressor.status();
  file->output_.emplace(file->descriptor_, "'" + path + "'");
  file->output_->Compress(*std::move(compressor));
  return file;
}

absl::Status OutputFile::OpenDraft(const std::string& path) {
  std::error_code error;
  const std::filesystem::path followed = std::filesystem::canonical(path, error);
  target_ = error ? path : followed.string();
  const std::string draft = target_ + ".partial";
  descriptor_ = open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode);
  if (descriptor_ < 0) return Error("create");
  draft_ = draft;
  return absl::OkStatus();
}

absl::Status OutputFile::Error(const std::string& doing) const {
  return FileError(errno, doing, draft_.empty() ? path_ : draft_);
}

absl::Status OutputFile::Finish() {
  if (absl::Status flushed = output_->Finish(); !flushed.ok() || descriptor_ < 0) return flushed;
  if (!draft_.empty() && fsync(descriptor_) != 0) return Error("sync");
  const int descriptor = descriptor_;
  descriptor_ = -1;
  if (close(descriptor) != 0) return Error("close");
  if (draft_.empty()) return absl::OkStatus();
  if (std::rename(draft_.c_str(), target_.c_str()) != 0) return Error("give its name to");
  draft_.clear();
  return LocalFileSystem()->SyncDirectory(ParentPath(target_));
}

OutputFile::~OutputFile() {
  output_.reset();
  if (descriptor_ >= 0) close(descriptor_);
  if (!draft_.empty()) unlink(draft_.c_str());
}

}  // namespace tsdb::tools
