#include "tools/command_repair.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "tools/audit.h"
#include "tools/directory_files.h"
#include "tools/message.h"
#include "tools/number_text.h"
#include "tools/recovery.h"
#include "tools/report.h"

namespace tsdb::tools {
namespace {

// Opens the database, which drops what is damaged, and makes what is left the checkpoint. `found`
// is what it found, even if writing failed.
absl::Status Rewrite(const DirectoryOptions& options, RecoveryReport& found) {
  const auto database = OpenToWrite(options, Missing::kRefuse, Durability::kSync);
  if (!database.ok()) return database.status();
  found = (*database)->Recovery();
  WarnOfDamage(found, options.color);
  // What is whole is left as it is.
  if (IsIntact(found)) return (*database)->Close();
  const absl::Status written = CheckpointAndClose(**database);
  if (written.ok()) return written;
  return absl::Status(written.code(), "repairing '" + options.directory + "': " +
                                          MessageOf(written) + "; what is intact can be exported");
}

// Files that are kept aside now and were not before.
std::vector<std::string> KeptSince(const std::vector<std::string>& before,
                                   const std::vector<std::string>& now) {
  std::vector<std::string> kept;
  std::set_difference(now.begin(), now.end(), before.begin(), before.end(),
                      std::back_inserter(kept));
  return kept;
}

void SayWhatWasDone(const DirectoryOptions& options, const RecoveryReport& found,
                    const std::vector<std::string>& kept) {
  if (IsIntact(found)) {
    std::fprintf(stderr, "tsdb: nothing is damaged in '%s'\n", options.directory.c_str());
    return;
  }
  std::fprintf(stderr, "tsdb: what is named above was dropped from '%s'\n",
               options.directory.c_str());
  for (const std::string& path : kept) {
    std::fprintf(stderr,
                 "tsdb: the damaged file is kept as '%s'; remove it when it is not needed\n",
                 path.c_str());
  }
}

// Opens it once more and reads everything. Not kOk: explained on stderr.
ExitCode CheckIsWhole(const DirectoryOptions& options, Report& report) {
  const auto database = OpenToRead(options.directory, options.memory_budget_bytes);
  if (!database.ok()) {
    PrintError(MessageOf(database.status()), options.color);
    return kFailure;
  }
  const RecoveryReport& recovery = (*database)->Recovery();
  const Audit audit = AuditDatabase(**database);
  const std::vector<std::string> findings = audit.Findings();
  const bool whole = IsIntact(recovery) && findings.empty();
  AddContent(audit, report);
  report.AddSection("verdict").figures = {{"intact", whole, ""}};
  if (whole) return kOk;
  PrintError("'" + options.directory + "' is still not whole:", options.color);
  WarnOfDamage(recovery, options.color);
  for (const std::string& finding : findings) PrintError(finding, options.color);
  return kFailure;
}

}  // namespace

ExitCode RunRepair(const DirectoryOptions& options) {
  const auto fail = [&](const absl::Status& status) {
    PrintError(MessageOf(status), options.color);
    return kFailure;
  };
  if (const absl::Status status = CheckIsDatabase(options.directory); !status.ok()) {
    return fail(status);
  }
  const auto before = ListFiles(options.directory);
  if (!before.ok()) return fail(before.status());
  RecoveryReport found;
  if (const absl::Status status = Rewrite(options, found); !status.ok()) return fail(status);
  const auto after = ListFiles(options.directory);
  if (!after.ok()) return fail(after.status());
  const std::vector<std::string> kept = KeptSince(before->damaged, after->damaged);
  SayWhatWasDone(options, found, kept);

  Report report;
  AddRecovery(found, report);
  if (options.json) {
    AddDamage(found, report);
    Section& section = report.AddSection("kept_files");
    for (size_t i = 0; i < kept.size(); ++i) {
      section.figures.push_back({std::to_string(i + 1), kept[i], ""});
    }
  }
  ExitCode code = CheckIsWhole(options, report);
  if (const absl::Status printed = report.Print(options.json, options.color); !printed.ok()) {
    code = fail(printed);
  }
  return code;
}

}  // namespace tsdb::tools
