// The command line: which commands and options there are. The only file that sees CLI11, which
// takes six seconds to compile; each command is in a file of its own. To add one, write its Add
// function, out of the groups of options below, and name it in Run.
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/command_backup.h"
#include "tools/command_compact.h"
#include "tools/command_delete.h"
#include "tools/command_export.h"
#include "tools/command_import.h"
#include "tools/command_labels.h"
#include "tools/command_query.h"
#include "tools/command_repair.h"
#include "tools/command_series.h"
#include "tools/command_stats.h"
#include "tools/command_top.h"
#include "tools/command_values.h"
#include "tools/command_verify.h"
#include "tools/exit_code.h"
#include "tools/message.h"

namespace tsdb::tools {
namespace {

constexpr const char* kDescription =
    "tsdb - a time-series database engine\n\n"
    "Examples:\n"
    "  tsdb import --db metrics.db export.jsonl.zst\n"
    "  tsdb query --db metrics.db 'http_requests_total{code=~\"5..\"}'\n"
    "  tsdb query --from metrics.prom up\n";

constexpr const char* kExitCodes = "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.";

constexpr const char* kImportFooter =
    "The directory is made if its parent exists. Samples of a time that is stored already replace\n"
    "what was there. What was read before an error or Ctrl-C is kept.\n\n"
    "Examples:\n"
    "  tsdb import --db metrics.db export.jsonl.zst\n"
    "  curl -s localhost:9100/metrics | tsdb import --db metrics.db -\n";

constexpr const char* kQueryFooter =
    "SELECTOR is PromQL's: name{a=\"x\",b!=\"y\",c=~\"regex\",d!~\"regex\"}; {} is everything.\n"
    "Times are seconds since the epoch or RFC 3339; --end itself is not included.\n\n"
    "Examples:\n"
    "  tsdb query --db metrics.db 'node_load1{instance=\"web-1\"}' --format json\n"
    "  tsdb query --from a.jsonl.zst b.jsonl.zst up\n"
    "  curl -s localhost:9100/metrics | tsdb query --from - '{__name__=~\"node_cpu.*\"}'\n"
    "  tsdb query --from day.om 'up' --start 2026-11-21T03:00:00Z --samples\n";

constexpr const char* kStatsFooter =
    "Reports what is stored, the bytes per sample, the encodings chosen and the ledger, which\n"
    "accounts for every sample. Files are read into memory.\n\n"
    "Examples:\n"
    "  tsdb stats --db metrics.db\n"
    "  tsdb stats --from *.prom --on-error skip --format json\n";

constexpr const char* kSeriesFooter =
    "A line a series, in order of labels. SELECTOR, --start and --end are as in tsdb query;\n"
    "without the two, series without any sample are listed, too.\n\n"
    "Examples:\n"
    "  tsdb series --db metrics.db '{job=\"node\"}'\n"
    "  tsdb series --db metrics.db 'up' --start 2026-11-21 --format json\n";

constexpr const char* kLabelsFooter =
    "SELECTOR, --start and --end are as in tsdb query; without the two, series without any sample\n"
    "count, too.\n\n"
    "Examples:\n"
    "  tsdb labels --db metrics.db\n"
    "  tsdb labels --db metrics.db 'node_cpu_seconds_total'\n";

constexpr const char* kValuesFooter =
    "SELECTOR, --start and --end are as in tsdb query; without the two, series without any sample\n"
    "count, too. The values of __name__ are the metrics.\n\n"
    "Examples:\n"
    "  tsdb values --db metrics.db __name__ '{job=\"node\"}'\n"
    "  tsdb values --from a.jsonl.zst instance up\n";

constexpr const char* kTopFooter =
    "Lists the metrics that have the most series, the labels that have the most values, and the\n"
    "pairs of label and value that the most series have: what to look at when there are too many\n"
    "series. Series without any sample count, too.\n\n"
    "Examples:\n"
    "  tsdb top --db metrics.db\n"
    "  tsdb top --db metrics.db --limit 100 --format json\n";

constexpr const char* kVerifyFooter =
    "Opens the database as after a crash, checks its invariants, reads every sample of every\n"
    "series, and compares their number with the ledger. Exits with 1 if anything that was stored\n"
    "is damaged or missing, naming file and offset. Changes nothing; another process may be\n"
    "writing.\n\n"
    "Examples:\n"
    "  tsdb verify --db metrics.db\n";

constexpr const char* kExportFooter =
    "OpenMetrics and JSON lines can be imported again and give the same samples; CSV is for other\n"
    "programs. SELECTOR, --start and --end are as in tsdb query.\n\n"
    "Examples:\n"
    "  tsdb export --db metrics.db --format jsonl -o all.jsonl\n"
    "  tsdb export --db metrics.db --format csv '{job=\"node\"}' --start 2026-11-21 | head\n";

constexpr const char* kDeleteFooter =
    "SELECTOR, --start and --end are as in tsdb query; what tsdb query prints is what is deleted.\n"
    "The space in files is freed by later checkpoints, or at once by tsdb compact. Labels stay.\n"
    "There is no undo: --dry-run says how much it would be, tsdb backup keeps a copy.\n\n"
    "Examples:\n"
    "  tsdb delete --db metrics.db 'up{job=\"old\"}' --dry-run\n"
    "  tsdb delete --db metrics.db 'up{job=\"old\"}'\n"
    "  tsdb delete --db metrics.db '{}' --end 2026-01-01 --all\n";

constexpr const char* kCompactFooter =
    "Writes segments that are small, or hold what was deleted or replaced, into new ones. Not\n"
    "needed in daily use: checkpoints do what is due.\n\n"
    "Examples:\n"
    "  tsdb compact --db metrics.db\n";

constexpr const char* kBackupFooter =
    "TARGET must not exist or be empty; it becomes a database like any other. On one file system\n"
    "segments are linked and take no space; a copy that shall survive the disk goes to another.\n\n"
    "Examples:\n"
    "  tsdb backup --db metrics.db /mnt/backup/metrics-2026-11-21.db\n"
    "  tsdb verify --db /mnt/backup/metrics-2026-11-21.db\n";

constexpr const char* kRepairFooter =
    "Keeps everything that is intact, drops what is damaged and says what that is: file, offset,\n"
    "and, where it is known, series and time. Segments that cannot be used as they are stay as\n"
    "segments/*.segment.damaged. Exits with 0 if the database is whole afterwards. Copy the\n"
    "directory before, or restore a backup instead, if what is lost matters.\n\n"
    "Examples:\n"
    "  cp -a metrics.db metrics.db.damaged && tsdb repair --db metrics.db\n";

// A command and what running it does.
struct Command {
  CLI::App* app;
  std::function<ExitCode()> run;
};

// A value out of a few words. The words are in the option's description, so CLI11 need not add
// them.
CLI::Validator OneOf(const std::vector<std::string>& words) {
  CLI::Validator validator = CLI::IsMember(words);
  validator.description("");
  return validator;
}

template <typename Choice>
CLI::Option* AddChoice(CLI::App& command, const std::string& name, const std::string& description,
                       Choice& target, const std::map<std::string, Choice>& choices) {
  std::vector<std::string> words;
  for (const auto& choice : choices) words.push_back(choice.first);
  const auto choose = [&target, choices](const std::string& word) { target = choices.at(word); };
  return command.add_option_function<std::string>(name, choose, description)->check(OneOf(words));
}

CLI::Option* AddDirectory(CLI::App& command, std::string& directory) {
  return command.add_option("--db", directory, "The database's directory")->type_name("DIR");
}

// How input files are read. With `files`, the option that names them, these need it.
void AddInputOptions(CLI::App& command, CLI::Option* files, InputOptions& input) {
  files->type_name("FILE")->expected(1, 1 << 20);
  CLI::Option* const options[] = {
      command
          .add_option("--input-format", input.format,
                      "prometheus, openmetrics or jsonl (told from name and content if not given)")
          ->check(OneOf({"prometheus", "openmetrics", "jsonl"}))
          ->type_name("FORMAT"),
      command.add_flag("--strict", input.strict,
                       "Hold OpenMetrics to all its rules, beyond the syntax"),
      AddChoice<bool>(command, "--on-error",
                      "What to do at a bad line: skip it and go on, or fail (default)",
                      input.skip_bad_lines, {{"skip", true}, {"fail", false}})
          ->type_name("skip|fail"),
      command
          .add_option("--timestamp", input.timestamp,
                      "Time of samples without one, in seconds since the epoch or as a date such "
                      "as 2026-01-31T12:00:00Z (default: the time of the import)")
          ->type_name("T")};
  for (CLI::Option* option : options) option->needs(files);
}

void AddMemoryBudget(CLI::App& command, uint64_t& bytes) {
  command
      .add_option("--memory-budget", bytes,
                  "Bytes the database may take, such as 512MB (default: half of the memory)")
      ->transform(CLI::AsSizeValue(false).description(""))
      ->type_name("BYTES");
}

void AddColor(CLI::App& command, Color& color) {
  AddChoice<Color>(command, "--color", "auto (default), always or never", color,
                   {{"auto", Color::kAuto}, {"always", Color::kAlways}, {"never", Color::kNever}})
      ->type_name("WHEN");
}

void AddReportFormat(CLI::App& command, bool& json) {
  AddChoice<bool>(command, "--format", "table (default) or json", json,
                  {{"table", false}, {"json", true}})
      ->type_name("FORMAT");
}

// What all commands have that work on one directory.
void AddDirectoryOptions(CLI::App& command, DirectoryOptions& options) {
  AddDirectory(command, options.directory)->required();
  AddMemoryBudget(command, options.memory_budget_bytes);
  AddReportFormat(command, options.json);
  AddColor(command, options.color);
}

// A command without further options.
template <typename RunIt>
Command AddDirectoryCommand(CLI::App& app, const std::string& name, const std::string& description,
                            const char* footer, RunIt run) {
  auto options = std::make_shared<DirectoryOptions>();
  CLI::App* command = app.add_subcommand(name, description);
  AddDirectoryOptions(*command, *options);
  command->footer(std::string(footer) + "\n" + kExitCodes);
  return {command, [options, run] { return run(*options); }};
}

constexpr const char* kFilesDescription =
    "Files to read: Prometheus or OpenMetrics text, JSON lines; plain, gzip, zstd or lz4; - is "
    "standard input";

// --db or --from, and what belongs to them.
void AddSource(CLI::App& command, SourceOptions& source) {
  AddDirectory(command, source.directory);
  AddInputOptions(command, command.add_option("--from", source.input.files, kFilesDescription),
                  source.input);
  AddMemoryBudget(command, source.memory_budget_bytes);
  AddColor(command, source.color);
}

// Whether exactly one of --db and --from is given; says so if not.
bool CheckSource(const SourceOptions& source) {
  if (source.directory.empty() != source.input.files.empty()) return true;
  PrintError(source.directory.empty()
                 ? "where from? Give --db DIR for a database or --from FILE... for files"
                 : "--db and --from exclude each other; tsdb import brings files into a database",
             source.color);
  return false;
}

void AddSelection(CLI::App& command, SelectionOptions& selection, const std::string& which) {
  command.add_option("SELECTOR", selection.selector, which)->type_name("");
  command
      .add_option("--start", selection.start,
                  "Samples from this time on: seconds since the epoch or a date")
      ->type_name("T");
  command.add_option("--end", selection.end, "Samples before this time: likewise")->type_name("T");
}

// `--from a b NAME SELECTOR` gives the option all that follows it: the last are these words, unless
// they stood elsewhere.
void TakeFromFiles(std::vector<std::string>& files, std::vector<std::string*> words) {
  std::erase_if(words, [](const std::string* word) { return !word->empty(); });
  std::vector<std::string> taken;
  struct stat status;
  while (taken.size() < words.size() && files.size() > 1 &&
         stat(files.back().c_str(), &status) != 0) {  // else it is one more file
    taken.push_back(std::move(files.back()));
    files.pop_back();
  }
  for (size_t i = 0; i < taken.size(); ++i) *words[i] = std::move(taken[taken.size() - 1 - i]);
}

Command AddImport(CLI::App& app) {
  auto options = std::make_shared<ImportOptions>();
  CLI::App* command = app.add_subcommand("import", "Read files into a database directory");
  AddDirectoryOptions(*command, *options);
  CLI::Option* files = command->add_option("FILE", options->input.files, kFilesDescription);
  AddInputOptions(*command, files->required(), options->input);
  AddChoice<Durability>(*command, "--durability",
                        "sync: each file is safe from a loss of power before the next is begun; "
                        "async (default): within a tenth of a second, and at the end",
                        options->durability,
                        {{"async", Durability::kAsync}, {"sync", Durability::kSync}})
      ->type_name("async|sync");
  AddChoice<Compression>(*command, "--compression",
                         "lz4 (default): leaves are compressed in groups where that saves a tenth; "
                         "none: each is used where it lies, and damage costs one leaf",
                         options->compression,
                         {{"none", Compression::kNone}, {"lz4", Compression::kLz4}})
      ->type_name("none|lz4");
  command->footer(std::string(kImportFooter) + "\n" + kExitCodes);
  return {command, [options] { return RunImport(*options); }};
}

Command AddQuery(CLI::App& app) {
  auto options = std::make_shared<QueryOptions>();
  CLI::App* command = app.add_subcommand("query", "Print the series that a selector picks");
  AddSource(*command, options->source);
  AddSelection(*command, options->selection, "Which series");
  AddChoice<QueryFormat>(*command, "--format",
                         "table, json, csv or auto: a table on a terminal, else CSV (default)",
                         options->format,
                         {{"auto", QueryFormat::kAuto},
                          {"table", QueryFormat::kTable},
                          {"json", QueryFormat::kJson},
                          {"csv", QueryFormat::kCsv}})
      ->type_name("FORMAT");
  command
      ->add_option("--limit", options->limit, "Series to print; 0 is all (default: 40 in a table)")
      ->type_name("N");
  command->add_flag("--samples", options->every_sample, "In a table, print every sample");
  command->footer(std::string(kQueryFooter) + "\n" + kExitCodes);
  return {command, [options]() -> ExitCode {
            std::string& selector = options->selection.selector;
            TakeFromFiles(options->source.input.files, {&selector});
            if (!CheckSource(options->source)) return kUsage;
            if (!selector.empty()) return RunQuery(*options);
            PrintError("no SELECTOR is given; {} picks every series", options->source.color);
            return kUsage;
          }};
}

// What all commands have that list something of some series.
void AddListOptions(CLI::App& command, ListOptions& options, const char* footer) {
  AddSource(command, options.source);
  AddSelection(command, options.selection, "Which series (default: {}, all)");
  AddReportFormat(command, options.json);
  command.footer(std::string(footer) + "\n" + kExitCodes);
}

template <typename RunIt>
Command AddListCommand(CLI::App& app, const std::string& name, const std::string& description,
                       const char* footer, RunIt run) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* command = app.add_subcommand(name, description);
  AddListOptions(*command, *options, footer);
  return {command, [options, run] {
            TakeFromFiles(options->source.input.files, {&options->selection.selector});
            return CheckSource(options->source) ? run(*options) : kUsage;
          }};
}

Command AddValues(CLI::App& app) {
  auto options = std::make_shared<ValuesOptions>();
  CLI::App* command = app.add_subcommand("values", "List the values of a label");
  command->add_option("NAME", options->name, "The label")->type_name("");
  AddListOptions(*command, *options, kValuesFooter);
  return {
      command, [options]() -> ExitCode {
        TakeFromFiles(options->source.input.files, {&options->name, &options->selection.selector});
        if (!CheckSource(options->source)) return kUsage;
        if (!options->name.empty()) return RunValues(*options);
        PrintError("no label NAME is given; tsdb labels lists them", options->source.color);
        return kUsage;
      }};
}

Command AddTop(CLI::App& app) {
  auto options = std::make_shared<TopOptions>();
  CLI::App* command = app.add_subcommand("top", "Say what most series and label values belong to");
  AddSource(*command, options->source);
  AddReportFormat(*command, options->json);
  command->add_option("--limit", options->limit, "Lines of each list; 0 is all (default: 10)")
      ->type_name("N");
  command->footer(std::string(kTopFooter) + "\n" + kExitCodes);
  return {command, [options] { return CheckSource(options->source) ? RunTop(*options) : kUsage; }};
}

Command AddStats(CLI::App& app) {
  auto options = std::make_shared<StatsOptions>();
  CLI::App* command = app.add_subcommand("stats", "Say what is stored and what keeping it takes");
  AddSource(*command, options->source);
  AddReportFormat(*command, options->json);
  command->footer(std::string(kStatsFooter) + "\n" + kExitCodes);
  return {command,
          [options] { return CheckSource(options->source) ? RunStats(*options) : kUsage; }};
}

Command AddExport(CLI::App& app) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command = app.add_subcommand("export", "Write samples as text for other programs");
  AddSource(*command, options->source);
  AddSelection(*command, options->selection, "Which series (default: {}, everything)");
  AddChoice<ExportFormat>(*command, "--format", "openmetrics, csv or jsonl", options->format,
                          {{"openmetrics", ExportFormat::kOpenMetrics},
                           {"csv", ExportFormat::kCsv},
                           {"jsonl", ExportFormat::kJsonLines}})
      ->type_name("FORMAT")
      ->required();
  command
      ->add_option("-o,--output", options->file,
                   "The file to write, put in place when it is whole (default: standard output)")
      ->type_name("FILE");
  command->footer(std::string(kExportFooter) + "\n" + kExitCodes);
  return {command, [options] {
            TakeFromFiles(options->source.input.files, {&options->selection.selector});
            return CheckSource(options->source) ? RunExport(*options) : kUsage;
          }};
}

Command AddDelete(CLI::App& app) {
  auto options = std::make_shared<DeleteOptions>();
  CLI::App* command = app.add_subcommand("delete", "Delete the samples that a selector picks");
  AddDirectoryOptions(*command, *options);
  AddSelection(*command, options->selection, "Which series");
  command->get_option("SELECTOR")->required();
  command->add_flag("--dry-run", options->dry_run, "Say how much it would be, and delete nothing");
  command->add_flag("--all", options->all, "A selector that picks every series is meant");
  command->footer(std::string(kDeleteFooter) + "\n" + kExitCodes);
  return {command, [options] { return RunDelete(*options); }};
}

Command AddBackup(CLI::App& app) {
  auto options = std::make_shared<BackupOptions>();
  CLI::App* command = app.add_subcommand("backup", "Copy a database into a directory of its own");
  AddDirectoryOptions(*command, *options);
  command->add_option("TARGET", options->target, "The copy's directory")
      ->type_name("DIR")
      ->required();
  command->footer(std::string(kBackupFooter) + "\n" + kExitCodes);
  return {command, [options] { return RunBackup(*options); }};
}

bool IsCommand(const CLI::App& app, const std::string& name) {
  for (const CLI::App* each : app.get_subcommands({})) {
    if (each->get_name() == name) return true;
  }
  return false;
}

int Run(int argc, char** argv) {
  CLI::App app(kDescription, "tsdb");
  app.set_version_flag("--version", "tsdb " TSDB_VERSION);
  app.require_subcommand(1);
  const Command commands[] = {
      AddImport(app),
      AddQuery(app),
      AddListCommand(app, "series", "List series", kSeriesFooter, RunSeries),
      AddListCommand(app, "labels", "List the names of labels", kLabelsFooter, RunLabels),
      AddValues(app),
      AddTop(app),
      AddStats(app),
      AddExport(app),
      AddDirectoryCommand(app, "verify", "Say whether a database directory is whole", kVerifyFooter,
                          RunVerify),
      AddDelete(app),
      AddDirectoryCommand(app, "compact", "Free the space of what was deleted or replaced",
                          kCompactFooter, RunCompact),
      AddBackup(app),
      AddDirectoryCommand(app, "repair", "Make a whole database of what is intact of a damaged one",
                          kRepairFooter, RunRepair)};
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (argc > 1 && argv[1][0] != '-' && !IsCommand(app, argv[1])) {
      PrintError(std::string("there is no command '") + argv[1] + "'; see tsdb --help",
                 Color::kAuto);
      return kUsage;
    }
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  for (const Command& command : commands) {
    if (command.app->parsed()) return command.run();
  }
  return kUsage;
}

}  // namespace
}  // namespace tsdb::tools

int main(int argc, char** argv) { return tsdb::tools::Run(argc, argv); }
