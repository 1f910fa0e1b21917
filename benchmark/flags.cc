#include "benchmark/flags.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <map>

namespace tsdb::benchmark {
namespace {

// An option whose value is one of some names.
template <typename Enum>
void AddChoice(CLI::App& app, const std::string& flag, Enum& value,
               const std::map<std::string, Enum>& names, const std::string& help) {
  std::vector<std::string> choices;
  std::string chosen;
  for (const auto& [name, named] : names) {
    choices.push_back(name);
    if (named == value) chosen = name;
  }
  app.add_option_function<std::string>(
         flag, [&value, names](const std::string& name) { value = names.at(name); }, help)
      ->check(CLI::IsMember(choices))
      ->type_name("")
      ->default_str(chosen);
}

void AddThreads(CLI::App& app, Flags& flags, Program program) {
  const bool writing = program == Program::kIngest || program == Program::kRecovery;
  auto* const writers = app.add_option("--writers", flags.writers,
                                       writing ? "Numbers of writing threads, one row each"
                                               : "Numbers of threads that write while others read");
  auto* const threads =
      app.add_option("--threads", flags.threads,
                     writing ? "Numbers of merge threads beside the writers; 0 for one per core"
                             : "Numbers of reading threads, one group of rows each");
  for (auto* const option : {writers, threads}) option->delimiter(',')->capture_default_str();
  writers->check(CLI::Range(1u, 1024u));
  threads->check(CLI::Range(writing ? 0u : 1u, 1024u));
  if (program == Program::kRecovery) {
    writers->expected(1)->description("Writing threads");
    threads->expected(1)->description("Merge threads; 0 for one per core");
  }
}

void AddShared(CLI::App& app, Flags& flags, Program program) {
  app.add_option("--series", flags.series, "Series of the workload")
      ->check(CLI::Range(1u, 100'000'000u))
      ->capture_default_str();
  app.add_option("--samples", flags.samples, "Samples of each series")
      ->check(CLI::Range(uint64_t{1}, uint64_t{20'000'000}))
      ->capture_default_str();
  AddChoice(app, "--order", flags.order,
            {{"scrape", Order::kScrape},
             {"series", Order::kSeries},
             {"shuffled", Order::kShuffled},
             {"late", Order::kLate}},
            "Order of the records");
  AddChoice(
      app, "--sharing", flags.sharing, {{"series", Sharing::kSeries}, {"time", Sharing::kTime}},
      "What a writer owns: series, or time (all series, in slices of time; always so with fewer "
      "series than writers)");
  AddThreads(app, flags, program);
  app.add_option("--repeat", flags.repeat, "Measured runs of each row, after one that warms up")
      ->check(CLI::Range(1u, 1000u))
      ->capture_default_str();
  app.add_option("--seed", flags.seed, "Seed of the workload")->capture_default_str();
  app.add_option("--json", flags.json,
                 "File for one JSON object per line; - for stdout (the table then goes to stderr)");
  app.add_option("--memory-budget", flags.memory_budget,
                 "Bytes the database may use; 0 for its default")
      ->transform(CLI::AsSizeValue(false))
      ->default_str("0");
  app.add_option("--write-buffer", flags.write_buffer,
                 "Bytes of it between append and merge; 0 for its default")
      ->transform(CLI::AsSizeValue(false))
      ->default_str("0");
  app.add_option("--prefault", flags.prefault,
                 "Bytes for stored data to touch when the database is opened; 0 for none")
      ->transform(CLI::AsSizeValue(false))
      ->default_str("0");
  app.add_flag("!--no-baselines", flags.baselines,
               "Measure the engine alone: no slot-only, generator, hand-rolled and copy rates");
  AddChoice(app, "--plant", flags.plant,
            {{"none", Defect::kNone},
             {"lost-record", Defect::kLostRecord},
             {"changed-value", Defect::kChangedValue},
             {"doubled-record", Defect::kDoubledRecord}},
            "Put a defect into the input, which must then be found");
}

void AddAppending(CLI::App& app, Flags& flags) {
  AddChoice(app, "--mode", flags.mode, {{"record", Shape::kRecords}, {"columns", Shape::kColumns}},
            "Append or AppendColumns");
  app.add_option("--column-length", flags.column_samples, "Samples of one AppendColumns call")
      ->check(CLI::Range(1u, static_cast<uint32_t>(kBlockRecords)))
      ->capture_default_str();
}

void AddCommitting(CLI::App& app, Flags& flags) {
  app.add_option("--commit-every", flags.commit_every,
                 "Records between commits of a writer; 0 for none")
      ->capture_default_str();
  AddChoice(app, "--await", flags.await_commit,
            {{"none", AwaitCommit::kNone},
             {"visible", AwaitCommit::kVisible},
             {"durable", AwaitCommit::kDurable}},
            "Wait after a commit");
}

void AddDurable(CLI::App& app, Flags& flags) {
  app.add_option("--directory", flags.directory,
                 "Where to make a database directory for each run; none for databases in memory");
  AddChoice(app, "--durability", flags.durability,
            {{"async", Durability::kAsync}, {"sync", Durability::kSync}},
            "What a durable commit survives, with --directory");
  app.add_option("--sync-delay", flags.sync_delay_us,
                 "Microseconds a sync waits for more commits, with --durability sync")
      ->check(CLI::Range(0u, 100u))
      ->capture_default_str();
}

void AddIngest(CLI::App& app, Flags& flags) {
  AddAppending(app, flags);
  AddCommitting(app, flags);
  AddDurable(app, flags);
  app.add_flag("!--no-checkpoint", flags.checkpoint,
               "Close without a checkpoint, so that reopening replays the log");
  app.add_flag("--compare-commit", flags.compare_commit,
               "Measure group commit instead: the writers committing every --commit-every records, "
               "against one writer whose commits each wait for a sync of their own");
  app.add_flag(
      "--compare-set", flags.compare_set,
      "Measure conditional writes instead, in mode sync: as many threads as --writers says "
      "together, against the same behind one lock");
}

void AddCold(CLI::App& app, Flags& flags, const std::string& when) {
  app.add_flag("--cold", flags.cold,
               "With the page cache dropped " + when +
                   ": the system's if that is permitted, else that of the database's files");
  app.add_flag("--cold-files", flags.cold_files_only,
               "As --cold, of the database's files only: does not disturb other processes");
}

void AddReading(CLI::App& app, Flags& flags, Program program) {
  if (program == Program::kLookup) {
    app.add_option("--lookups", flags.lookups, "Random lookups, all of existing samples")
        ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000'000}))
        ->capture_default_str();
    app.add_option("--batch", flags.batch, "Lookups of one LookupMany call")
        ->check(CLI::Range(1u, 1'048'576u))
        ->capture_default_str();
  } else if (program == Program::kScan) {
    app.add_option("--scans", flags.scans, "Scans at random places")
        ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000'000}))
        ->capture_default_str();
    app.add_option("--length", flags.length, "Consecutive samples of one scan")
        ->check(CLI::Range(uint64_t{1}, uint64_t{20'000'000}))
        ->capture_default_str();
    AddChoice(app, "--query", flags.query,
              {{"none", QueryKind::kNone},
               {"sum", QueryKind::kSum},
               {"rollup", QueryKind::kRollup},
               {"group", QueryKind::kGroup},
               {"topk", QueryKind::kTop},
               {"count", QueryKind::kCount}},
              "Ask by matchers instead, without writers beside: sum (of everything), rollup (mean, "
              "least and greatest of every minute of an hour, by one label), group (sums by one "
              "label), topk (the highest means), count (of samples, by fewer and fewer series)");
  }
  app.add_option("--pass-seconds", flags.pass_seconds,
                 "Passes of reads are repeated until they took as long")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  app.add_option("--load-writers", flags.load_writers, "Threads that load the workload first")
      ->check(CLI::Range(1u, 1024u))
      ->capture_default_str();
  app.add_flag("!--no-ingesting", flags.ingesting, "Leave out the rows with writers beside");
  app.add_option("--directory", flags.directory,
                 "Where to make a directory for each database, which is written, closed, reopened, "
                 "then read; none for databases in memory");
  AddCold(app, flags, "before each run");
}

void AddRecovery(CLI::App& app, Flags& flags) {
  const std::map<std::string, Scenario> scenarios = {{"checkpoint", Scenario::kCheckpoint},
                                                     {"log", Scenario::kLog},
                                                     {"killed", Scenario::kKilled}};
  AddAppending(app, flags);
  app.add_option("--commit-every", flags.commit_every,
                 "Records between durable commits of a writer; 0 for one at its end")
      ->capture_default_str();
  AddDurable(app, flags);
  AddCold(app, flags, "before each reopening");
  app.add_option("--scenarios", flags.scenarios,
                 "Rows: checkpoint, log (closed without a checkpoint), killed")
      ->delimiter(',')
      ->transform(CLI::CheckedTransformer(scenarios))
      ->default_str("checkpoint,log,killed");
  // For the processes that it starts itself; no group, so that --help does not show them.
  AddChoice(app, "--role", flags.role,
            {{"measure", Role::kMeasure}, {"write", Role::kWrite}, {"open", Role::kOpen}}, "");
  AddChoice(app, "--scenario", flags.scenario, scenarios, "");
  app.add_option("--database", flags.child_database);
  for (const char* hidden : {"--role", "--scenario", "--database"}) {
    app.get_option(hidden)->group("");
  }
}

void AddMixed(CLI::App& app, Flags& flags) {
  AddCommitting(app, flags);
  AddDurable(app, flags);
  app.add_option("--checkpoint-every", flags.checkpoint_every,
                 "Bytes of log after which a checkpoint is made; 0 for none")
      ->transform(CLI::AsSizeValue(false))
      ->default_str("0");
  app.add_flag("--compare-checkpoints", flags.compare_checkpoints,
               "Each run without checkpoints, too, and the ratios of append latencies");
  app.add_option("--rate", flags.rate,
                 "Records per second of all writers together; 0 for as fast as they can")
      ->capture_default_str();
  app.add_option("--time-every", flags.time_every, "One append in so many is timed by itself")
      ->check(CLI::Range(1u, 1'000'000u))
      ->capture_default_str();
  app.add_option("--reads-per-snapshot", flags.reads_per_snapshot,
                 "Reads between fresh snapshots of a reader")
      ->check(CLI::Range(1u, 1'000'000'000u))
      ->capture_default_str();
  app.add_option("--length", flags.length, "Consecutive samples of one scan")
      ->check(CLI::Range(uint64_t{1}, uint64_t{20'000'000}))
      ->capture_default_str();
  AddChoice(app, "--query", flags.beside,
            {{"none", BesideQuery::kNone},
             {"small", BesideQuery::kSmall},
             {"large", BesideQuery::kLarge}},
            "Ask by matchers instead: small (the mean of --length samples of one series), large "
            "(the sum of everything, every leaf decoded)");
}

// Of the index benchmark, which has series and no samples, nothing is shared but the words.
void AddIndex(CLI::App& app, Flags& flags) {
  app.add_option("--series", flags.series, "Series with six labels each")
      ->check(CLI::Range(1000u, 100'000'000u))
      ->capture_default_str();
  app.add_option("--threads", flags.threads, "Numbers of registering threads, one row each")
      ->delimiter(',')
      ->check(CLI::Range(1u, 1024u))
      ->capture_default_str();
  app.add_option("--repeat", flags.repeat, "Measured runs of each row")
      ->check(CLI::Range(1u, 1000u))
      ->capture_default_str();
  app.add_option("--seed", flags.seed, "Seed of the series that are looked up")
      ->capture_default_str();
  app.add_option("--json", flags.json,
                 "File for one JSON object per line; - for stdout (the table then goes to stderr)");
  AddChoice(app, "--plant", flags.plant,
            {{"none", Defect::kNone},
             {"lost-record", Defect::kLostRecord},
             {"changed-value", Defect::kChangedValue}},
            "Leave a series out, or change a label of one, which must then be found");
}

// Nor of the import benchmark, whose writer is the importer.
void AddImport(CLI::App& app, Flags& flags) {
  app.add_option("--series", flags.series, "Series, ten a host; a multiple of ten")
      ->check(CLI::Range(10u, 1'000'000u))
      ->capture_default_str();
  app.add_option("--samples", flags.samples, "Samples of each series")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000}))
      ->capture_default_str();
  AddChoice(app, "--order", flags.order, {{"scrape", Order::kScrape}, {"series", Order::kSeries}},
            "Order of the records in the files");
  app.add_option("--repeat", flags.repeat, "Measured runs of each row")
      ->check(CLI::Range(1u, 1000u))
      ->capture_default_str();
  app.add_option("--seed", flags.seed, "Seed of the workload")->capture_default_str();
  app.add_option("--directory", flags.directory, "Where to make the files and the databases")
      ->required();
  app.add_option("--json", flags.json,
                 "File for one JSON object per line; - for stdout (the table then goes to stderr)");
  AddChoice(app, "--plant", flags.plant,
            {{"none", Defect::kNone},
             {"lost-record", Defect::kLostRecord},
             {"changed-value", Defect::kChangedValue}},
            "Leave a record out of the files, or change one, which must then be found");
}

const char* Title(Program program) {
  switch (program) {
    case Program::kIngest:
      return "Ingest benchmark: append, merge, read back";
    case Program::kLookup:
      return "Lookup benchmark: random samples by timestamp";
    case Program::kScan:
      return "Scan benchmark: ranges and aggregates";
    case Program::kQuery:
      return "Query benchmark: PromQL over labels and time";
    case Program::kRecovery:
      return "Recovery benchmark: opening what another process wrote";
    case Program::kMixed:
      return "Mixed benchmark: latencies of appends and reads beside each other";
    case Program::kIndex:
      return "Index benchmark: registering series and finding them by their labels";
    case Program::kImport:
      return "Import benchmark: text files into a database directory";
  }
  return "";
}

void AddOwn(CLI::App& app, Flags& flags, Program program) {
  switch (program) {
    case Program::kIngest:
      return AddIngest(app, flags);
    case Program::kLookup:
    case Program::kScan:
    case Program::kQuery:
      return AddReading(app, flags, program);
    case Program::kRecovery:
      return AddRecovery(app, flags);
    case Program::kMixed:
      return AddMixed(app, flags);
    case Program::kIndex:
      return AddIndex(app, flags);
    case Program::kImport:
      return AddImport(app, flags);
  }
}

// Defaults that differ between the programs.
void SetDefaults(Flags& flags, Program program) {
  const std::vector<uint32_t> doubling = {1, 2, 4, 8, 16, 32};
  const bool reading =
      program == Program::kLookup || program == Program::kScan || program == Program::kQuery;
  flags.writers = program == Program::kIngest ? doubling : std::vector<uint32_t>{2};
  flags.threads = reading ? doubling : std::vector<uint32_t>{0};
  if (program == Program::kIndex) {
    flags.series = 1'000'000;
    flags.threads = {1, 2};
  }
  if (program == Program::kQuery) flags.threads = {1, 2};
  if (program == Program::kImport) {
    flags.series = 1000;
    flags.samples = 5000;
  }
  if (program == Program::kMixed) {
    flags.threads = {2};
    flags.length = 100;
  }
}

// As below, of the flags that have to do with directories.
std::string DirectoryContradiction(const Flags& flags, Program program) {
  const bool in_memory = flags.directory.empty();
  if (in_memory && program == Program::kRecovery) return "--directory is needed";
  if (in_memory && flags.cold) return "--cold needs --directory";
  if (flags.compare_commit && (in_memory || flags.commit_every == 0)) {
    return "--compare-commit needs --directory and --commit-every";
  }
  if (flags.compare_set && in_memory) return "--compare-set needs --directory";
  if (in_memory && flags.checkpoint_every > 0) return "--checkpoint-every needs --directory";
  if (flags.compare_checkpoints && flags.checkpoint_every == 0) {
    return "--compare-checkpoints needs --checkpoint-every";
  }
  return "";
}

// What is wrong with flags that are each right alone; empty if nothing.
std::string Contradiction(const Flags& flags, Program program) {
  const bool recorded = flags.order == Order::kShuffled || flags.order == Order::kLate;
  if (recorded && flags.mode == Shape::kColumns) {
    return "--mode columns needs --order scrape or series: shuffled and late records have no "
           "columns";
  }
  if (recorded && flags.samples > kRecordedSamplesMax) {
    return "--order shuffled and late take at most 4000000 samples per series";
  }
  if (program == Program::kImport && flags.series % 10 != 0) {
    return "--series must be a multiple of ten";
  }
  const bool scanning = program == Program::kScan || program == Program::kMixed;
  if (scanning && flags.length > flags.samples) {
    return "--length must not exceed --samples";
  }
  if (program == Program::kMixed && 2 * flags.length > flags.samples) {
    return "--length must not exceed half of --samples";  // some are there before, some written
  }
  if (const std::string wrong = DirectoryContradiction(flags, program); !wrong.empty()) {
    return wrong;
  }
  // Emptied now: after a run that fails no figures of an earlier one must be left.
  if (!flags.json.empty() && flags.json != "-" && !std::ofstream(flags.json)) {
    return "cannot write " + flags.json;
  }
  return "";
}

}  // namespace

const char* DurabilityName(Durability durability) {
  return durability == Durability::kSync ? "sync" : "async";
}

Options Flags::DatabaseOptions(uint32_t merge_threads, const std::string& database) const {
  Options options;
  options.directory = database;
  options.durability = durability;
  options.sync_delay_us = sync_delay_us;
  options.checkpoint_on_close = checkpoint;
  options.memory_budget_bytes = memory_budget;
  options.write_buffer_bytes = write_buffer;
  options.prefault_bytes = prefault;
  options.merge_threads = merge_threads;
  return options;
}

std::optional<Flags> ParseFlags(int argc, char** argv, Program program, int& exit_code) {
  Flags flags;
  SetDefaults(flags, program);
  CLI::App app(Title(program));
  if (program != Program::kIndex && program != Program::kImport) AddShared(app, flags, program);
  AddOwn(app, flags, program);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  flags.cold = flags.cold || flags.cold_files_only;
  // Writers beside would warm the caches, and a database that is written cannot be reopened.
  if (flags.cold) flags.ingesting = false;
  // What they write would match, too.
  if (flags.query != QueryKind::kNone || program == Program::kQuery) flags.ingesting = false;
  if (const std::string contradiction = Contradiction(flags, program); !contradiction.empty()) {
    std::fprintf(stderr, "%s\n", contradiction.c_str());
    exit_code = 2;
    return std::nullopt;
  }
  return flags;
}

}  // namespace tsdb::benchmark
