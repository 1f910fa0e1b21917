#include "tools/command_import.h"

#include <cstdio>
#include <memory>
#include <utility>

#include "storage/base/clock.h"
#include "tools/interrupt.h"
#include "tools/message.h"
#include "tools/number_text.h"
#include "tools/report.h"

namespace tsdb::tools {
namespace {

// In words, what the ledger says is wrong; empty: nothing.
std::string Imbalance(const Ledger& before, const Ledger& after, uint64_t samples) {
  if (!after.Balanced()) return "the ledger does not balance";
  const uint64_t accepted = after.accepted - before.accepted;
  if (after.Buffered() == 0 && accepted == samples) return "";
  return Counted(samples, "sample") + " were read, but " + Grouped(accepted) +
         " accepted, of which " + Grouped(after.Buffered()) + " were never merged";
}

void AddDatabase(const ImportOptions& options, const Stats& stats, Report& report) {
  report.AddSection("database").figures = {
      {"directory", options.directory, ""},
      {"series", stats.series, ""},
      {"samples", stats.ledger.in_tree, ""},
      {"balanced", stats.ledger.Balanced(), ""},
      BytesFigure("log_bytes_written", stats.log_bytes),
      BytesFigure("checkpoint_bytes_written", stats.checkpoint_bytes)};
}

void SayWhatIsKept(const ImportOptions& options, const LoadedFiles& loaded) {
  const uint64_t samples = loaded.counts.samples;
  const std::string text =
      samples == 0 ? "no sample was stored"
                   : Counted(samples, "sample") + (samples == 1 ? " is kept" : " are kept");
  std::fprintf(stderr, "tsdb: %s in '%s'\n", text.c_str(), options.directory.c_str());
  SayHowFar(loaded);
}

void AddTimes(const LoadedFiles& loaded, Section& section) {
  if (loaded.first_time > loaded.last_time) return;
  section.figures.push_back({"from", ReadableTime(loaded.first_time), ""});
  section.figures.push_back({"to", ReadableTime(loaded.last_time), ""});
}

// Reads everything as an import would, and stores nothing.
ExitCode RunDry(const ImportOptions& options) {
  const Color color = options.color;
  std::unique_ptr<Database> known;
  if (!options.directory.empty() && CheckIsDatabase(options.directory).ok()) {
    auto opened = OpenToRead(options.directory, options.memory_budget_bytes);
    if (!opened.ok()) {
      PrintError(MessageOf(opened.status()), color);
      return kFailure;
    }
    known = *std::move(opened);
  }
  const InterruptScope interruptible;
  LoadedFiles loaded;
  ExitCode code = CheckFiles(options.input, color, known.get(), loaded);
  if (code != kOk) SayHowFar(loaded);
  std::fprintf(stderr, "tsdb: nothing was stored, because of --dry-run\n");
  Report report;
  Section& section = report.AddSection("dry_run");
  AddCounts(loaded.counts, section);
  section.figures.push_back({"series", loaded.series, ""});
  if (known != nullptr) section.figures.push_back({"new_series", loaded.new_series, ""});
  AddTimes(loaded, section);
  AddRate(loaded.counts.samples, loaded.seconds, section);
  if (const absl::Status printed = report.Print(options.json, color); !printed.ok()) {
    PrintError(MessageOf(printed), color);
    code = kFailure;
  }
  return code;
}

}  // namespace

ExitCode RunImport(const ImportOptions& options) {
  const Color color = options.color;
  if (const ExitCode code = CheckInput(options.input, color); code != kOk) return code;
  if (options.dry_run) return RunDry(options);
  const std::unique_ptr<Database> opened = OpenWhole(options, Missing::kMake, options.durability,
                                                     "nothing was imported", options.compression);
  if (opened == nullptr) return kFailure;
  Database& database = *opened;

  const InterruptScope interruptible;  // until all is closed
  const Stats before = database.Statistics();
  const int64_t start_ns = SystemClock()->MonotonicNs();
  LoadedFiles loaded;
  ExitCode code = LoadFiles(options.input, color, CountsFor::kAll, database, loaded);
  const auto fail = [&](const std::string& message) {
    PrintError(message, color);
    code = kFailure;
  };
  const Ledger merged = database.Statistics().ledger;
  if (const std::string imbalance = Imbalance(before.ledger, merged, loaded.counts.samples);
      !imbalance.empty()) {
    fail(imbalance);
  }
  if (const absl::Status closed =
          loaded.counts.samples > 0 ? CheckpointAndClose(database) : database.Close();
      !closed.ok()) {
    // Without figures: they would tell of samples that may not be on the disk.
    PrintError("closing the database in '" + options.directory + "': " + MessageOf(closed) +
                   "; tsdb verify --db " + options.directory + " says what is stored",
               color);
    return kFailure;
  }
  if (code != kOk) SayWhatIsKept(options, loaded);
  const double seconds = static_cast<double>(SystemClock()->MonotonicNs() - start_ns) * 1e-9;
  const Stats after = database.Statistics();

  Report report;
  Section& section = report.AddSection("import");
  AddCounts(loaded.counts, section);
  section.figures.push_back({"new_series", after.series - before.series, ""});
  section.figures.push_back(
      {"duplicates_replaced", after.ledger.replaced - before.ledger.replaced, ""});
  AddTimes(loaded, section);
  AddRate(loaded.counts.samples, seconds, section);
  AddDatabase(options, after, report);
  if (const absl::Status printed = report.Print(options.json, color); !printed.ok()) {
    fail(MessageOf(printed));
  }
  return code;
}

}  // namespace tsdb::tools
