// How fast `tsdb import` brings text files of each format into a database directory: opening,
// reading, merging, the checkpoint and the close. What lies in the directory afterwards is read
// back and compared with the workload, bit for bit.
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmark/baselines.h"
#include "benchmark/flags.h"
#include "benchmark/import_text.h"
#include "benchmark/machine.h"
#include "benchmark/report.h"
#include "benchmark/scratch_directory.h"
#include "storage/base/clock.h"
#include "storage/base/status_macros.h"
#include "tools/database_sink.h"
#include "tools/import/importer.h"
#include "tsdb/database.h"

namespace tsdb::benchmark {
namespace {

class ImportBenchmark {
 public:
  explicit ImportBenchmark(const Flags& flags)
      : flags_(flags),
        workload_(flags.MakeWorkload()),
        report_({"format", "best", "median", "worst", "ns a sample", "CPU ns", "text"}) {}

  absl::Status Measure() {
    JsonObject machine = AddMachine(report_, "import");
    machine.Add("seed", flags_.seed);
    report_.AddObject(machine);
    report_.AddLine(std::to_string(flags_.series) + " series of " + std::to_string(flags_.samples) +
                    " samples in order " + OrderName(flags_.order) + "; best of " +
                    std::to_string(flags_.repeat) + ", everything read back and compared");
    for (const TextFormat format : kTextFormats) {
      TSDB_RETURN_IF_ERROR(MeasureFormat(format));
    }
    ShowProgress("");
    return absl::OkStatus();
  }
  bool Print() const { return report_.Print(flags_.json); }

 private:
  absl::Status MeasureFormat(TextFormat format) {
    const ScratchDirectory scratch(flags_.directory);
    std::error_code made;
    std::filesystem::create_directories(scratch.path(), made);
    if (made) return absl::UnavailableError(scratch.path() + ": " + made.message());
    const std::string file = scratch.path() + "/input" + TextFormatExtension(format);
    ShowProgress(std::string("writing ") + TextFormatName(format));
    TSDB_RETURN_IF_ERROR(WriteText(workload_, flags_.order, format, flags_.plant, file));
    Spread rate, cpu;
    uint64_t text_bytes = 0;
    for (uint32_t run = 0; run < flags_.repeat; ++run) {
      ShowProgress(std::string("importing ") + TextFormatName(format));
      const ScratchDirectory database(scratch.path());
      const double cpu_before = ProcessCpuSeconds();
      const int64_t start_ns = SystemClock()->MonotonicNs();
      TSDB_ASSIGN_OR_RETURN(text_bytes, Import(file, format, database.path()));
      const auto ns = static_cast<double>(SystemClock()->MonotonicNs() - start_ns);
      const double cpu_seconds = ProcessCpuSeconds() - cpu_before;
      TSDB_RETURN_IF_ERROR(ReadBack(format, database.path()));
      rate.Take(static_cast<double>(workload_.records()) * 1e9 / ns);
      cpu.Take(cpu_seconds * 1e9 / static_cast<double>(workload_.records()));
    }
    AddRow(format, rate, cpu, text_bytes);
    return absl::OkStatus();
  }

  void AddRow(TextFormat format, const Spread& rate, const Spread& cpu, uint64_t text_bytes) {
    JsonObject object;
    object.Add("benchmark", "import")
        .Add("format", TextFormatName(format))
        .Add("series", flags_.series)
        .Add("samples", flags_.samples)
        .Add("order", OrderName(flags_.order))
        .Add("records", workload_.records())
        .Add("repeat", flags_.repeat)
        .Add("text_bytes", text_bytes)
        .Add("samples_per_second", rate.Max());
    rate.AddTo(object, "samples_per_second");
    object.Add("cpu_ns_per_sample", cpu.Min()).Add("readback_matches", workload_.records());
    report_.AddRow(
        {TextFormatName(format), Quantity(rate.Max()) + "/s", Quantity(rate.Median()) + "/s",
         Quantity(rate.Min()) + "/s", Decimal(1e9 / rate.Max(), 0), Decimal(cpu.Min(), 0),
         Quantity(static_cast<double>(text_bytes)) + "B"},
        object);
  }

  // As command_import.cc does it; the bytes of text.
  absl::StatusOr<uint64_t> Import(const std::string& file, TextFormat format,
                                  const std::string& directory) {
    Options options;
    options.directory = directory;
    options.checkpoint_on_close = false;
    TSDB_ASSIGN_OR_RETURN(const std::unique_ptr<Database> database, Database::Open(options));
    importer::ImportOptions import_options;
    if (format == TextFormat::kWideCsv) {
      import_options.csv.metric = std::string();
      import_options.csv.label_columns = {"cpu", "instance", "job", "region"};  // cpu is a number
    }
    importer::ImportObserver observer;
    std::string refusal;
    observer.on_file = [](const std::string&, std::optional<uint64_t>) {};
    observer.on_progress = [](uint64_t) {};
    observer.on_refusal = [&](const importer::ImportObserver::Refusal& refused) {
      refusal = refused.place + ": " + refused.message;
    };
    const std::atomic<bool> interrupted = false;
    uint64_t text_bytes = 0;
    {
      tools::DatabaseSink sink(*database);
      importer::Importer importer(import_options, sink, observer, interrupted);
      const absl::Status imported = importer.ImportFile(file);
      if (!refusal.empty()) return absl::InternalError(refusal);
      TSDB_RETURN_IF_ERROR(imported);
      TSDB_RETURN_IF_ERROR(sink.Settle());
      text_bytes = importer.counts().text_bytes;
    }
    TSDB_RETURN_IF_ERROR(database->Flush());
    TSDB_RETURN_IF_ERROR(database->Checkpoint());
    TSDB_RETURN_IF_ERROR(database->Close());
    return text_bytes;
  }

  absl::Status ReadBack(TextFormat format, const std::string& directory) {
    Options options;
    options.directory = directory;
    options.read_only = true;
    TSDB_ASSIGN_OR_RETURN(const std::unique_ptr<Database> database, Database::Open(options));
    const Snapshot snapshot = database->NewSnapshot();
    uint64_t matches = 0;
    for (SeriesId series = 0; series < workload_.series(); ++series) {
      TSDB_ASSIGN_OR_RETURN(const Labels labels, ImportedLabels(series));
      TSDB_ASSIGN_OR_RETURN(const SeriesId id, database->FindSeries(labels));
      matches += Matches(snapshot, id, series, TimesOf(series, format));
    }
    const uint64_t stored = database->Statistics().ledger.in_tree;
    if (matches == workload_.records() && stored == matches) return absl::OkStatus();
    return absl::DataLossError(std::string(TextFormatName(format)) + ": of " +
                               std::to_string(workload_.records()) + " records " +
                               std::to_string(matches) + " came back, " + std::to_string(stored) +
                               " are stored");
  }

  // How many records of the series are what was written, with the times of the series `times`, up
  // to the first that is not.
  uint64_t Matches(const Snapshot& snapshot, SeriesId id, SeriesId series, SeriesId times) const {
    const auto reader = std::make_unique<SeriesReader>(workload_, series, 0, workload_.samples());
    const auto time_reader =
        std::make_unique<SeriesReader>(workload_, times, 0, workload_.samples());
    Cursor cursor = snapshot.Scan(id, TimeRange::All());
    ColumnBlock block;
    size_t filled = 0, place = 0;
    uint64_t matches = 0;
    while (cursor.Next(block)) {
      for (size_t i = 0; i < block.size(); ++i, ++place, ++matches) {
        if (place == filled) {
          place = 0;
          filled = reader->Next();
          if (filled == 0 || time_reader->Next() != filled) return matches;
        }
        if (block.timestamps[i] != time_reader->timestamps()[place] ||
            block.values[i] != reader->values()[place]) {
          return matches;
        }
      }
    }
    return matches;
  }

  const Flags flags_;
  const Workload workload_;
  Report report_;
};

}  // namespace
}  // namespace tsdb::benchmark

int main(int argc, char** argv) {
  using namespace tsdb::benchmark;
  int exit_code = 0;
  const auto flags = ParseFlags(argc, argv, Program::kImport, exit_code);
  if (!flags) return exit_code;
  ImportBenchmark benchmark(*flags);
  if (absl::Status status = benchmark.Measure(); !status.ok()) {
    return Fail("import_benchmark", status);
  }
  return benchmark.Print() ? 0 : 1;
}
