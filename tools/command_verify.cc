#include "tools/command_verify.h"

#include <vector>

#include "tools/audit.h"
#include "tools/message.h"
#include "tools/number_text.h"
#include "tools/open_directory.h"
#include "tools/report.h"

namespace tsdb::tools {
namespace {

void AddRecovery(const RecoveryReport& recovery, Report& report) {
  report.AddSection("recovery").figures = {{"checkpoint_records", recovery.checkpoint_records, ""},
                                           {"log_batches", recovery.batches, ""},
                                           BytesFigure("log_bytes", recovery.bytes),
                                           {"log_records", recovery.log_records, ""},
                                           {"torn_bytes", recovery.torn_bytes, ""},
                                           {"orphans", recovery.orphans, ""},
                                           {"damages", uint64_t{recovery.damage.size()}, ""}};
}

void AddContent(const Audit& audit, Report& report) {
  Section& section = report.AddSection("content");
  section.figures = {{"series", audit.stats.series, ""}, {"samples_read", audit.samples, ""}};
  if (audit.samples == 0) return;
  section.figures.push_back({"from", ReadableTime(audit.first), ""});
  section.figures.push_back({"to", ReadableTime(audit.last), ""});
}

// The damage in words is on stderr for people; programs find it beside the figures.
void AddWords(const std::vector<std::string>& words, Report& report) {
  Section& section = report.AddSection("damage");
  for (size_t i = 0; i < words.size(); ++i) {
    section.figures.push_back({std::to_string(i + 1), words[i], ""});
  }
}

}  // namespace

ExitCode RunVerify(const VerifyOptions& options) {
  const auto database = OpenToRead(options.directory, options.memory_budget_bytes);
  if (!database.ok()) {
    PrintError(MessageOf(database.status()), options.color);
    return kFailure;
  }
  const RecoveryReport& recovery = (*database)->Recovery();
  const Audit audit = AuditDatabase(**database);
  const std::vector<std::string> findings = audit.Findings();
  const bool intact = IsIntact(recovery) && findings.empty();

  Report report;
  AddRecovery(recovery, report);
  AddContent(audit, report);
  AddLedger(audit, report);
  if (options.json) AddWords(recovery.damage, report);
  report.AddSection("verdict").figures = {{"intact", intact, ""}};
  ExitCode code = intact ? kOk : kFailure;
  if (const absl::Status printed = report.Print(options.json, options.color); !printed.ok()) {
    PrintError(MessageOf(printed), options.color);
    code = kFailure;
  }
  WarnOfDamage(recovery, options.color);
  for (const std::string& finding : findings) PrintError(finding, options.color);
  if (!intact) {
    PrintError("'" + options.directory + "' is damaged; what is intact can be read and exported",
               options.color);
  }
  return code;
}

}  // namespace tsdb::tools
