#include "tools/audit.h"

#include <algorithm>
#include <numeric>

#include "storage/base/mutex.h"
#include "tools/message.h"
#include "tools/number_text.h"

namespace tsdb::tools {
namespace {

void ReadBack(const Database& database, const Snapshot& snapshot, Audit& audit) {
  std::vector<SeriesId> all(database.SeriesCount());
  std::iota(all.begin(), all.end(), SeriesId{0});
  Mutex mutex;  // guards `audit`, to which several threads add
  snapshot.ScanMany(all, TimeRange::All(), 0, [&](SeriesId, Cursor& cursor) {
    Audit own;
    for (ColumnBlock block; cursor.Next(block);) {
      if (own.samples > 0 && block.timestamps.front() <= own.last) ++own.disordered;
      for (size_t i = 1; i < block.size(); ++i) {
        own.disordered += block.timestamps[i] <= block.timestamps[i - 1];
      }
      own.samples += block.size();
      own.first = std::min(own.first, block.timestamps.front());
      own.last = std::max(own.last, block.timestamps.back());
    }
    const MutexLock lock(&mutex);
    audit.samples += own.samples;
    audit.first = std::min(audit.first, own.first);
    audit.last = std::max(audit.last, own.last);
    audit.disordered += own.disordered;
  });
}

}  // namespace

std::vector<std::string> Audit::Findings() const {
  std::vector<std::string> findings;
  if (!verified.ok()) findings.push_back(MessageOf(verified));
  if (!stats.ledger.Balanced()) findings.emplace_back("the ledger does not balance");
  if (samples != stats.ledger.in_tree) {
    findings.push_back("read back " + Grouped(samples) + " samples of " +
                       Grouped(stats.ledger.in_tree));
  }
  if (disordered > 0) findings.push_back(Counted(disordered, "sample") + " out of order of time");
  return findings;
}

Audit AuditDatabase(Database& database) {
  Audit audit;
  audit.verified = database.Verify();
  ReadBack(database, database.NewSnapshot(), audit);
  audit.stats = database.Statistics();
  return audit;
}

void AddContent(const Audit& audit, Report& report) {
  Section& section = report.AddSection("content");
  section.figures = {{"series", audit.stats.series, ""}, {"samples_read", audit.samples, ""}};
  if (audit.samples == 0) return;
  section.figures.push_back({"from", ReadableTime(audit.first), ""});
  section.figures.push_back({"to", ReadableTime(audit.last), ""});
}

void AddLedger(const Audit& audit, Report& report) {
  const Ledger& ledger = audit.stats.ledger;
  report.AddSection("ledger").figures = {
      {"appended", ledger.appended, ""},
      {"rejected_unknown_series", ledger.rejected_unknown_series, ""},
      {"rejected_budget", ledger.rejected_budget, ""},
      {"rejected_log", ledger.rejected_log, ""},
      {"accepted", ledger.accepted, ""},
      {"buffered_open", ledger.buffered_open, ""},
      {"buffered_sealed", ledger.buffered_sealed, ""},
      {"buffered_late", ledger.buffered_late, ""},
      {"merged", ledger.merged, ""},
      {"in_tree", ledger.in_tree, ""},
      {"replaced", ledger.replaced, ""},
      {"deleted", ledger.deleted, ""},
      {"balanced", ledger.Balanced(), ""},
      {"all_read_back", audit.samples == ledger.in_tree, ""}};
}

}  // namespace tsdb::tools
