#include "tools/directory_files.h"

#include <sys/stat.h>

#include <cerrno>

#include "storage/base/file_system.h"
#include "storage/base/status_macros.h"

namespace tsdb::tools {
namespace {

struct Found {
  std::string path;
  uint64_t bytes;
  bool linked;
};

// The files directly in `folder`; none if it is not there.
absl::StatusOr<std::vector<Found>> FilesIn(const std::string& folder) {
  const auto names = LocalFileSystem()->List(folder);
  if (absl::IsNotFound(names.status())) return std::vector<Found>();
  TSDB_RETURN_IF_ERROR(names.status());
  std::vector<Found> found;
  for (const std::string& name : *names) {
    const std::string path = JoinPath(folder, name);
    struct stat status;
    if (stat(path.c_str(), &status) != 0) {
      const int error = errno;
      if (error == ENOENT) continue;
      return FileError(error, "look at", path);
    }
    if (!S_ISREG(status.st_mode)) continue;
    found.push_back({path, static_cast<uint64_t>(status.st_size), status.st_nlink > 1});
  }
  return found;
}

}  // namespace

absl::StatusOr<DirectoryFiles> ListFiles(const std::string& directory) {
  DirectoryFiles files;
  const auto count = [&files](const Found& file) {
    ++files.files;
    files.bytes += file.bytes;
    files.linked += file.linked;
  };
  TSDB_ASSIGN_OR_RETURN(const std::vector<Found> top, FilesIn(directory));
  for (const Found& file : top) count(file);
  TSDB_ASSIGN_OR_RETURN(const std::vector<Found> segments,
                        FilesIn(JoinPath(directory, "segments")));
  for (const Found& file : segments) {
    count(file);
    if (file.path.ends_with(".segment")) {
      ++files.segment_files;
      files.segment_bytes += file.bytes;
    } else if (file.path.ends_with(".damaged")) {
      files.damaged.push_back(file.path);
    }
  }
  TSDB_ASSIGN_OR_RETURN(const std::vector<Found> log, FilesIn(JoinPath(directory, "log")));
  for (const Found& file : log) {
    count(file);
    ++files.log_files;
    files.log_bytes += file.bytes;
  }
  return files;
}

void AddFiles(const DirectoryFiles& files, Section& section) {
  const std::vector<Figure> figures = {{"segment_files", files.segment_files, ""},
                                       BytesFigure("segment_file_bytes", files.segment_bytes),
                                       {"log_files", files.log_files, ""},
                                       BytesFigure("log_file_bytes", files.log_bytes),
                                       {"files", files.files, ""},
                                       BytesFigure("file_bytes", files.bytes)};
  section.figures.insert(section.figures.end(), figures.begin(), figures.end());
}

}  // namespace tsdb::tools
