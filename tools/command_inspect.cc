#include "tools/command_inspect.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/base/file_system.h"
#include "storage/base/status_macros.h"
#include "storage/segment/segment_format.h"
#include "storage/wal/log_format.h"
#include "storage/wal/log_reader.h"
#include "tools/inspect/inspection.h"
#include "tools/json_text.h"
#include "tools/message.h"
#include "tools/number_text.h"
#include "tools/open_directory.h"
#include "tools/output.h"

namespace tsdb::tools {
namespace {

constexpr uint64_t kRowsInTables = 40;
constexpr size_t kFindingsShownMax = 20;
// Far more than a log file, a manifest or a segment has: what is longer is something else.
constexpr uint64_t kFileBytesMax = uint64_t{1} << 30;

// The file's name, without what is added when it is kept for its damage.
std::string NameOf(const std::string& path) {
  std::string name = path.substr(path.rfind('/') + 1);
  constexpr std::string_view kDamaged = wal::kDamagedSuffix;
  if (name.ends_with(kDamaged)) name.resize(name.size() - kDamaged.size());
  return name;
}

absl::StatusOr<Inspection> InspectLogFile(const std::string& path, const InspectOptions& options) {
  FileSystem* const files = LocalFileSystem();
  const std::optional<uint64_t> first = wal::ParseLogFileName(NameOf(path));
  TSDB_ASSIGN_OR_RETURN(const FileCopy copy, CopyFile(files, path));
  std::optional<uint64_t> next;
  if (first.has_value()) {
    // The file behind it shows that all of this one was durable.
    std::vector<std::string> foreign;
    TSDB_ASSIGN_OR_RETURN(const std::vector<uint64_t> firsts,
                          wal::ListLogFiles(files, ParentPath(path), &foreign));
    const auto after = std::upper_bound(firsts.begin(), firsts.end(), *first);
    if (after != firsts.end()) next = *after;
  }
  return InspectLog(copy.bytes(), first, next, options);
}

// Whether it is a file, and none of another kind.
absl::Status CheckFile(const InspectFileOptions& options) {
  struct stat status;
  if (stat(options.file.c_str(), &status) != 0) {
    const int error = errno;
    if (error == ENOENT) return absl::NotFoundError("there is no such file; check the path");
    return FileError(error, "look at", options.file);
  }
  if (S_ISDIR(status.st_mode)) {
    return absl::FailedPreconditionError(
        "it is a directory; give one file of it, or see tsdb info --db DIR for all of a database");
  }
  if (!S_ISREG(status.st_mode)) return absl::FailedPreconditionError("it is no regular file");
  const auto size = static_cast<uint64_t>(status.st_size);
  if (size > kFileBytesMax) {
    return absl::FailedPreconditionError(
        absl::StrCat("it has ", size, " bytes, and no file of a database more than ", kFileBytesMax,
                     "; check the path"));
  }
  TSDB_ASSIGN_OR_RETURN(const auto file, LocalFileSystem()->OpenReadable(options.file));
  uint8_t begin[8];
  TSDB_ASSIGN_OR_RETURN(const size_t read, file->Read(0, begin));
  const std::string kind(KindOf({begin, read}));
  if (kind.empty() || kind == options.kind) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("its first bytes say that it is another kind of file; tsdb inspect ", kind, " ",
                   options.file, " decodes it"));
}

absl::StatusOr<Inspection> InspectFile(const InspectFileOptions& options) {
  TSDB_RETURN_IF_ERROR(CheckFile(options));
  InspectOptions inspect;
  inspect.limit = options.limit.value_or(options.json ? 0 : kRowsInTables);
  inspect.contents = options.blocks;
  if (options.kind == "wal") return InspectLogFile(options.file, inspect);
  if (options.kind == "segment") {
    return InspectSegment(LocalFileSystem(), options.file,
                          segment::ParseSegmentFileName(NameOf(options.file)), inspect);
  }
  TSDB_ASSIGN_OR_RETURN(const FileCopy copy, CopyFile(LocalFileSystem(), options.file));
  return InspectManifest(copy.bytes(), inspect);
}

FigureTable FindingsTable(const Inspection& inspection) {
  FigureTable table{"findings", {"offset", "reason"}, {}, 0};
  for (const FileFinding& finding : inspection.findings) {
    table.Add({{"", finding.offset, ""}, {"", Printable(finding.reason), ""}}, 0);
  }
  return table;
}

void PrintJson(const Inspection& inspection, Output& output) {
  output << "{\n  \"file\": {";
  for (const Figure& figure : inspection.figures) {
    output << (&figure == &inspection.figures.front() ? "" : ", ") << JsonString(figure.name)
           << ": " << FigureJson(figure);
  }
  output << "}";
  for (const FigureTable& table : inspection.tables) {
    output << ",\n  " << JsonString(table.name) << ": ";
    PrintFigureRows(table, output);
    if (table.left_out > 0) {
      output << ",\n  " << JsonString(table.name + "_left_out") << ": "
             << std::to_string(table.left_out);
    }
  }
  output << ",\n  \"findings\": ";
  PrintFigureRows(FindingsTable(inspection), output);
  output << "\n}\n";
}

void PrintTables(const InspectFileOptions& options, const Inspection& inspection, Output& output) {
  const Style style(UseColor(options.color, StdoutIsTerminal()));
  Report report;
  report.AddSection(options.kind).figures = inspection.figures;
  report.PrintReadable(output, style);
  for (const FigureTable& table : inspection.tables) {
    if (table.rows.empty()) continue;
    output << "\n" << style.bold << WithBlanks(table.name) << style.reset << "\n";
    PrintFigureTable(table, OutputWidth(), style, output);
  }
}

// The database directory in which the file has its place; "DIR" if it lies elsewhere.
std::string DatabaseOf(const InspectFileOptions& options) {
  std::string directory = ParentPath(options.file);
  if (options.kind != "manifest") directory = directory == "." ? ".." : ParentPath(directory);
  return CheckIsDatabase(directory).ok() ? directory : "DIR";
}

ExitCode TellFindings(const InspectFileOptions& options, const Inspection& inspection) {
  const std::vector<FileFinding>& findings = inspection.findings;
  if (findings.empty()) return kOk;
  for (size_t i = 0; i < std::min(findings.size(), kFindingsShownMax); ++i) {
    PrintError(absl::StrCat(options.file, ": offset ", findings[i].offset, ": ",
                            Printable(findings[i].reason)),
               options.color);
  }
  if (findings.size() > kFindingsShownMax) {
    std::fprintf(stderr, "... and %s more; --format json has them all\n",
                 Counted(findings.size() - kFindingsShownMax, "finding").c_str());
  }
  std::fprintf(
      stderr,
      "hint: tsdb verify --db %s says what the database lost by this, if anything, and tsdb repair "
      "makes a whole one of the rest\n",
      Printable(DatabaseOf(options)).c_str());
  return kFindings;
}

}  // namespace

ExitCode RunInspect(const InspectFileOptions& options) {
  const auto inspection = InspectFile(options);
  if (!inspection.ok()) {
    PrintError(
        absl::StrCat("cannot inspect '", options.file, "': ", MessageOf(inspection.status())),
        options.color);
    return kFailure;
  }
  Output output;
  if (options.json) {
    PrintJson(*inspection, output);
  } else {
    PrintTables(options, *inspection, output);
  }
  if (const absl::Status status = output.Flush(); !status.ok()) {
    PrintError(MessageOf(status), options.color);
    return kFailure;
  }
  return TellFindings(options, *inspection);
}

}  // namespace tsdb::tools
