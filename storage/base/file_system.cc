#include "storage/base/file_system.h"

#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "storage/base/string_view_bridge.h"

namespace tsdb {
namespace {

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return absl::StatusCode::kResourceExhausted;
    case ENOTDIR:
    case EISDIR:
    case ENOTEMPTY:
      return absl::StatusCode::kFailedPrecondition;
    case EIO:
      return absl::StatusCode::kDataLoss;
    default:
      return absl::StatusCode::kUnknown;
  }
}

}  // namespace

absl::Status FileError(int error, std::string_view operation, std::string_view path) {
  return absl::Status(CodeOf(error), absl::StrCat("cannot ", ToAbsl(operation), " '", ToAbsl(path),
                                                  "': ", std::generic_category().message(error),
                                                  " (errno ", error, ")"));
}

std::string JoinPath(std::string_view directory, std::string_view name) {
  return absl::StrCat(ToAbsl(directory), directory.ends_with('/') ? "" : "/", ToAbsl(name));
}

std::string ParentPath(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

}  // namespace tsdb
