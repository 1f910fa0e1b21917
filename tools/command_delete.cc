#include "tools/command_delete.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/message.h"
#include "tools/number_text.h"
#include "tools/recovery.h"
#include "tools/report.h"

namespace tsdb::tools {
namespace {

bool PicksEverySeries(const Selector& selector) {
  return std::all_of(selector.matchers().begin(), selector.matchers().end(),
                     [](const Matcher& matcher) {
                       return matcher.op == MatchOp::kRegex && matcher.value == ".*";
                     });
}

struct Chosen {
  std::vector<SeriesId> series;  // with samples in the range
  uint64_t samples = 0;
};

absl::StatusOr<Chosen> Choose(Database& database, const Snapshot& snapshot,
                              const Selector& selector, TimeRange range) {
  const auto selected = Select(database, snapshot, selector, range);
  if (!selected.ok()) return selected.status();
  Chosen chosen;
  for (const SelectedSeries& series : *selected) {
    chosen.series.push_back(series.id);
    chosen.samples += snapshot.Count(series.id, range);
  }
  return chosen;
}

std::unique_ptr<Database> Open(const DeleteOptions& options) {
  if (!options.dry_run) {
    return OpenWhole(options, Missing::kRefuse, Durability::kSync, "nothing was deleted");
  }
  auto database = OpenToRead(options.directory, options.memory_budget_bytes);
  if (!database.ok()) {
    PrintError(MessageOf(database.status()), options.color);
    return nullptr;
  }
  WarnOfDamage((*database)->Recovery(), options.color);
  return *std::move(database);
}

// Deletes, and has it in a checkpoint. Not kOk: explained on stderr.
ExitCode Delete(const DeleteOptions& options, const Chosen& chosen, TimeRange range,
                Database& database) {
  const auto deleted = database.Delete(chosen.series, range);
  if (!deleted.ok()) {
    PrintError("deleting from '" + options.directory + "': " + MessageOf(deleted.status()),
               options.color);
    return kFailure;
  }
  if (const absl::Status closed = CheckpointAndClose(database); !closed.ok()) {
    PrintError("closing the database in '" + options.directory + "': " + MessageOf(closed) +
                   "; what was to be deleted is, but tsdb verify --db " + options.directory +
                   " says what is stored",
               options.color);
    return kFailure;
  }
  if (*deleted == chosen.samples && database.Statistics().ledger.Balanced()) return kOk;
  PrintError(Counted(chosen.samples, "sample") + " were found and " + Grouped(*deleted) +
                 " deleted, or the ledger does not balance; run tsdb verify --db " +
                 options.directory,
             options.color);
  return kFailure;
}

}  // namespace

ExitCode RunDelete(const DeleteOptions& options) {
  TimeRange range;
  Selector selector;
  if (!ParseSelection(options.selection, options.color, selector, range)) return kUsage;
  if (!options.dry_run && !options.all && PicksEverySeries(selector)) {
    PrintError("the selector " + options.selection.selector +
                   " picks every series; add --all if that is meant, or --dry-run to see how much "
                   "it is",
               options.color);
    return kUsage;
  }
  const std::unique_ptr<Database> database = Open(options);
  if (database == nullptr) return kFailure;
  // What waits to be merged is not counted as stored.
  if (const absl::Status flushed = database->Flush(); !flushed.ok()) {
    PrintError("reading the database in '" + options.directory + "': " + MessageOf(flushed),
               options.color);
    return kFailure;
  }
  const auto chosen = Choose(*database, database->NewSnapshot(), selector, range);
  if (!chosen.ok()) {
    PrintError(MessageOf(chosen.status()), options.color);
    return kFailure;
  }
  ExitCode code = kOk;
  if (chosen->series.empty()) {
    SayNothingMatches(options.selection.selector);
  } else if (!options.dry_run) {
    code = Delete(options, *chosen, range, *database);
  }
  if (code != kOk) return code;
  const uint64_t stored = database->Statistics().ledger.in_tree;
  Report report;
  report.AddSection(options.dry_run ? "would_delete" : "deleted").figures = {
      {"series", uint64_t{chosen->series.size()}, ""}, {"samples", chosen->samples, ""}};
  report.AddSection("database").figures = {{"directory", options.directory, ""},
                                           {"samples", stored, ""}};
  if (const absl::Status printed = report.Print(options.json, options.color); !printed.ok()) {
    PrintError(MessageOf(printed), options.color);
    return kFailure;
  }
  return kOk;
}

}  // namespace tsdb::tools
