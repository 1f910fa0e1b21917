// This file, those called add_* and read_command_tree.cc are the only ones that see CLI11, which
// takes six seconds to compile. To add a command, write its Add function, out of the groups of
// options here and in add_*.h, and name it in MakeProgram.
#include "tools/command_line.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "storage/base/string_view_bridge.h"
#include "tools/add_figures_commands.h"
#include "tools/add_file_commands.h"
#include "tools/add_input_options.h"
#include "tools/add_source_options.h"
#include "tools/command_backup.h"
#include "tools/command_bench.h"
#include "tools/command_compact.h"
#include "tools/command_completion.h"
#include "tools/command_delete.h"
#include "tools/command_export.h"
#include "tools/command_generate.h"
#include "tools/command_import.h"
#include "tools/command_info.h"
#include "tools/command_labels.h"
#include "tools/command_query.h"
#include "tools/command_repair.h"
#include "tools/command_samples.h"
#include "tools/command_series.h"
#include "tools/command_shell.h"
#include "tools/command_top.h"
#include "tools/command_values.h"
#include "tools/command_verify.h"
#include "tools/exit_code.h"
#include "tools/guide/command_tree.h"
#include "tools/help_text.h"
#include "tools/message.h"
#include "tools/read_command_tree.h"

namespace tsdb::tools {
namespace {

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

void AddSelection(CLI::App& command, SelectionOptions& selection, const std::string& which) {
  command.add_option("SELECTOR", selection.selector, which)->type_name("");
  command
      .add_option("--start", selection.start,
                  "Samples from this time on: seconds since the epoch or a date")
      ->type_name("T");
  command.add_option("--end", selection.end, "Samples before this time: likewise")->type_name("T");
}

Command AddImport(CLI::App& app) {
  auto options = std::make_shared<ImportOptions>();
  CLI::App* command = app.add_subcommand("import", "Read files into a database directory");
  AddDirectoryOptions(*command, *options);
  command->get_option("--db")->required(false);
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
  command->add_flag("--dry-run", options->dry_run,
                    "Read everything, say what it is and what is wrong with it, store nothing; "
                    "works without --db");
  command->footer(std::string(kImportFooter) + "\n" + kExitCodes);
  return {command, [options]() -> ExitCode {
            if (!options->directory.empty() || options->dry_run) return RunImport(*options);
            PrintError("--db is required (or --dry-run, which stores nothing)", options->color);
            return kUsage;
          }};
}

// When an expression is asked.
void AddWhen(CLI::App& command, WhenOptions& when) {
  command.add_option("--time", when.time, "Ask at this time (default: the newest sample's)")
      ->type_name("T");
  command.add_option("--start", when.start, "Ask from this time on, step by step")->type_name("T");
  command.add_option("--end", when.end, "... up to this time (default: the newest sample's)")
      ->type_name("T");
  command.add_option("--last", when.last, "Ask over the last D of what is stored, such as 1h")
      ->type_name("D");
  command.add_option("--step", when.step, "Time between steps (default: some 250 steps)")
      ->type_name("D");
}

// How expressions are asked, within which bounds, and what answers look like.
void AddAsking(CLI::App& command, AskOptions& options) {
  command
      .add_option("--lookback", options.lookback,
                  "How old the latest sample of a series may be (default: 5m)")
      ->type_name("D");
  command.add_flag("--closed-ranges", options.closed_ranges,
                   "As Prometheus 2 does: ranges include both ends");
  command
      .add_option("--max-steps", options.steps_max, "Refuse more steps than these (default: 11000)")
      ->type_name("N");
  command
      .add_option("--max-memory", options.memory_max,
                  "Refuse what takes more memory, such as 4GB (default: 1GiB)")
      ->transform(CLI::AsSizeValue(false).description(""))
      ->type_name("BYTES");
  std::map<std::string, ResultFormat> formats;
  for (const auto& part : absl::StrSplit(ToAbsl(kResultFormatNames), '|')) {
    const std::string name(part);
    formats[name] = *ParseResultFormat(name);
  }
  AddChoice<ResultFormat>(command, "--format",
                          std::string(kResultFormatNames) +
                              "; auto: a chart or a table on a terminal, else CSV (default)",
                          options.format, formats)
      ->type_name("FORMAT");
  command.add_option("--limit", options.limit, "Series shown to people; 0 is all (default: 40)")
      ->type_name("N");
}

Command AddQuery(CLI::App& app) {
  auto options = std::make_shared<QueryOptions>();
  CLI::App* command = app.add_subcommand("query", "Ask a question in PromQL");
  AddSource(*command, options->source);
  command->add_option("EXPR", options->expression, "The question")->type_name("");
  AddWhen(*command, options->when);
  AddAsking(*command, *options);
  command->add_option("-o,--output", options->output, "A file to write instead of standard output")
      ->type_name("FILE");
  command->add_flag("--explain", options->explain,
                    "Print how the question was understood and what it took, not the answer");
  command->footer(std::string(kQueryFooter) + "\n" + kExitCodes);
  return {command, [options]() -> ExitCode {
            TakeFromFiles(options->source.input.files, {&options->expression});
            if (!CheckSource(options->source)) return kUsage;
            if (!options->expression.empty()) return RunQuery(*options);
            PrintError("no EXPR is given; such as up, or rate(http_requests_total[5m])",
                       options->source.color);
            return kUsage;
          }};
}

Command AddShell(CLI::App& app) {
  auto options = std::make_shared<ShellOptions>();
  CLI::App* command = app.add_subcommand("shell", "Ask many questions, at a prompt");
  AddSource(*command, options->source);
  AddAsking(*command, *options);
  command->add_flag("--keep-going", options->keep_going,
                    "Go on after an error in what is read from a pipe");
  command->footer(std::string(kShellFooter) + "\n" + kExitCodes);
  return {command,
          [options] { return CheckSource(options->source) ? RunShell(*options) : kUsage; }};
}

Command AddSamples(CLI::App& app) {
  auto options = std::make_shared<SamplesOptions>();
  CLI::App* command = app.add_subcommand("samples", "Print stored samples as they are");
  AddSource(*command, options->source);
  AddSelection(*command, options->selection, "Which series");
  AddChoice<SamplesFormat>(*command, "--format",
                           "table, json, csv or auto: a table on a terminal, else CSV (default)",
                           options->format,
                           {{"auto", SamplesFormat::kAuto},
                            {"table", SamplesFormat::kTable},
                            {"json", SamplesFormat::kJson},
                            {"csv", SamplesFormat::kCsv}})
      ->type_name("FORMAT");
  command
      ->add_option("--limit", options->limit, "Series to print; 0 is all (default: 40 in a table)")
      ->type_name("N");
  command->add_flag("--every", options->every_sample, "In a table, print every sample");
  command->footer(std::string(kSamplesFooter) + "\n" + kExitCodes);
  return {command, [options]() -> ExitCode {
            std::string& selector = options->selection.selector;
            TakeFromFiles(options->source.input.files, {&selector});
            if (!CheckSource(options->source)) return kUsage;
            if (!selector.empty()) return RunSamples(*options);
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

Command AddBench(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("bench", "Run a benchmark: ingest, lookup, scan, query...");
  command->prefix_command();  // what follows a name is the benchmark's, --help too
  command->footer(std::string(kBenchFooter) + "\n" + kExitCodes);
  return {command, [command] { return RunBench(command->remaining()); }};
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

Command AddExport(CLI::App& app) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command = app.add_subcommand("export", "Write samples as text for other programs");
  AddSource(*command, options->source);
  AddSelection(*command, options->selection, "Which series (default: {}, everything)");
  AddChoice<ExportFormat>(*command, "--format", "openmetrics, prometheus, csv, jsonl or influx",
                          options->format,
                          {{"openmetrics", ExportFormat::kOpenMetrics},
                           {"prometheus", ExportFormat::kPrometheus},
                           {"influx", ExportFormat::kInflux},
                           {"csv", ExportFormat::kCsv},
                           {"jsonl", ExportFormat::kJsonLines}})
      ->type_name("FORMAT")
      ->required();
  command
      ->add_option(
          "-o,--output", options->file,
          "The file to write, put in place when it is whole; compressed if it is named .gz, "
          ".zst or .lz4 (default: standard output)")
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

Command AddCompletion(CLI::App& app) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("completion", "Print a script that completes in a shell");
  command->add_option("SHELL", *shell, "bash, zsh or fish")
      ->check(OneOf({"bash", "zsh", "fish"}))
      ->type_name("")
      ->required();
  command->footer(std::string(kCompletionFooter) + "\n" + kExitCodes);
  return {command,
          [&app, shell] { return RunCompletion(ReadCommandTree(app, TSDB_VERSION), *shell); }};
}

// Hidden: the build runs them.
Command AddGenerateMan(CLI::App& app) {
  auto directory = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("generate-man", "Write manual pages")->group("");
  command->add_option("DIR", *directory, "Where to")->required();
  return {command, [&app, directory] {
            return RunGenerateMan(ReadCommandTree(app, TSDB_VERSION), *directory);
          }};
}

Command AddGenerateReference(CLI::App& app) {
  CLI::App* command = app.add_subcommand("generate-reference", "Print the reference")->group("");
  return {command, [&app] { return RunGenerateReference(ReadCommandTree(app, TSDB_VERSION)); }};
}

bool IsCommand(const CLI::App& app, const std::string& name) {
  for (const CLI::App* each : app.get_subcommands({})) {
    if (each->get_name() == name) return true;
  }
  return false;
}

// The program's commands, which keep what the options of a command line are parsed into.
struct Program {
  CLI::App app{kDescription, "tsdb"};
  std::vector<Command> commands;
};

std::shared_ptr<Program> MakeProgram() {
  auto program = std::make_shared<Program>();
  CLI::App& app = program->app;
  app.set_version_flag("--version", "tsdb " TSDB_VERSION);
  app.require_subcommand(1);
  program->commands = {
      AddImport(app),
      AddQuery(app),
      AddShell(app),
      AddSamples(app),
      AddListCommand(app, "series", "List series", kSeriesFooter, RunSeries),
      AddListCommand(app, "labels", "List the names of labels", kLabelsFooter, RunLabels),
      AddValues(app),
      AddTop(app),
      AddStats(app),
      AddWatch(app),
      AddAdvise(app),
      AddDirectoryCommand(app, "info", "Say what a database directory is", kInfoFooter, RunInfo),
      AddListSegments(app),
      AddInspect(app),
      AddExport(app),
      AddDirectoryCommand(app, "verify", "Say whether a database directory is whole", kVerifyFooter,
                          RunVerify),
      AddDelete(app),
      AddDirectoryCommand(app, "compact", "Free the space of what was deleted or replaced",
                          kCompactFooter, RunCompact),
      AddBackup(app),
      AddBench(app),
      AddDirectoryCommand(app, "repair", "Make a whole database of what is intact of a damaged one",
                          kRepairFooter, RunRepair),
      AddCompletion(app),
      AddGenerateMan(app),
      AddGenerateReference(app)};
  return program;
}

}  // namespace

std::function<ExitCode()> ParseCommandLine(int argc, const char* const* argv) {
  const std::shared_ptr<Program> program = MakeProgram();
  try {
    program->app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (argc > 1 && argv[1][0] != '-' && !IsCommand(program->app, argv[1])) {
      return [name = std::string(argv[1])] {
        PrintError("there is no command '" + name + "'; see tsdb --help", Color::kAuto);
        return kUsage;
      };
    }
    // Help and the version are such errors, too.
    return [program, error] { return program->app.exit(error) == 0 ? kOk : kUsage; };
  }
  for (const Command& command : program->commands) {
    if (command.app->parsed()) return [program, run = command.run] { return run(); };
  }
  return [] { return kUsage; };
}

}  // namespace tsdb::tools
