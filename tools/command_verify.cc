#include "tools/command_verify.h"

#include <string>
#include <vector>

#include "tools/audit.h"
#include "tools/message.h"
#include "tools/recovery.h"
#include "tools/report.h"

namespace tsdb::tools {
ExitCode RunVerify(const DirectoryOptions& options) {
  const auto database = OpenToRead(options.directory, options.memory_budget_bytes);
  if (!database.ok()) {
    PrintError(MessageOf(database.status()), options.color);
    return absl::IsDataLoss(database.status()) ? kFindings : kFailure;
  }
  const RecoveryReport& recovery = (*database)->Recovery();
  const Audit audit = AuditDatabase(**database);
  const std::vector<std::string> findings = audit.Findings();
  const bool intact = IsIntact(recovery) && findings.empty();

  Report report;
  AddRecovery(recovery, report);
  AddContent(audit, report);
  AddLedger(audit, report);
  if (options.json) AddDamage(recovery, report);
  report.AddSection("verdict").figures = {{"intact", intact, ""}};
  ExitCode code = intact ? kOk : kFindings;
  if (const absl::Status printed = report.Print(options.json, options.color); !printed.ok()) {
    PrintError(MessageOf(printed), options.color);
    code = kFailure;
  }
  WarnOfDamage(recovery, options.color);
  for (const std::string& finding : findings) PrintError(finding, options.color);
  if (!intact) {
    SayWhatToDo(options.directory, options.color);
  }
  return code;
}

}  // namespace tsdb::tools
