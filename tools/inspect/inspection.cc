#include "tools/inspect/inspection.h"

#include <memory>
#include <utility>

#include "storage/base/status_macros.h"
#include "tools/number_text.h"

namespace tsdb::tools {

std::string_view KindOf(std::span<const uint8_t> file) {
  const std::string_view begin(reinterpret_cast<const char*>(file.data()), file.size());
  if (begin.starts_with("tsdb log")) return "wal";
  if (begin.starts_with("tsdbmani")) return "manifest";
  return begin.starts_with("tsdbsegm") ? "segment" : "";
}

absl::StatusOr<FileCopy> CopyFile(FileSystem* files, const std::string& path) {
  TSDB_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> file, files->OpenReadable(path));
  TSDB_ASSIGN_OR_RETURN(const uint64_t size, files->FileSize(path));
  FileCopy copy;
  copy.words.resize((size + 7) / 8);
  const std::span<uint8_t> room(reinterpret_cast<uint8_t*>(copy.words.data()), size);
  TSDB_ASSIGN_OR_RETURN(copy.size, file->Read(0, room));
  return copy;
}

Figure TimeFigure(std::string name, Timestamp time) {
  return {std::move(name), ReadableTime(time), ""};
}

Figure BlankFigure() { return {"", std::string(), ""}; }

}  // namespace tsdb::tools
