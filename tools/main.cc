// The command line: which commands and options there are. The only file that sees CLI11, which
// takes six seconds to compile; each command is in a file of its own.
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

#include "tools/command_query.h"
#include "tools/command_stats.h"
#include "tools/exit_code.h"

namespace tsdb::tools {
namespace {

constexpr const char* kDescription =
    "tsdb - a time-series database engine\n\n"
    "Examples:\n"
    "  tsdb query --from metrics.prom 'http_requests_total{code=~\"5..\"}'\n"
    "  tsdb stats --from export.jsonl.zst\n";

constexpr const char* kQueryFooter =
    "SELECTOR is PromQL's: name{a=\"x\",b!=\"y\",c=~\"regex\",d!~\"regex\"}; {} is everything.\n"
    "Times are seconds since the epoch or RFC 3339; --end itself is not included.\n\n"
    "Examples:\n"
    "  tsdb query --from metrics.prom up\n"
    "  tsdb query --from a.jsonl.zst b.jsonl.zst 'node_load1{instance=\"web-1\"}' --format json\n"
    "  curl -s localhost:9100/metrics | tsdb query --from - '{__name__=~\"node_cpu.*\"}'\n"
    "  tsdb query --from day.om 'up' --start 2026-11-21T03:00:00Z --samples\n\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.";

constexpr const char* kStatsFooter =
    "Reads the files into memory and reports what they hold, the bytes per sample, the encodings\n"
    "chosen and the ledger, which accounts for every sample.\n\n"
    "Examples:\n"
    "  tsdb stats --from export.jsonl.zst\n"
    "  tsdb stats --from *.prom --on-error skip --format json\n\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.";

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

void AddFromOptions(CLI::App& command, FromOptions& from) {
  command
      .add_option("--from", from.files,
                  "Files to read: Prometheus or OpenMetrics text, JSON lines; plain, gzip, zstd or "
                  "lz4; - is standard input")
      ->required()
      ->type_name("FILE")
      ->expected(1, 1 << 20);
  command
      .add_option("--input-format", from.input_format,
                  "prometheus, openmetrics or jsonl (told from name and content if not given)")
      ->check(OneOf({"prometheus", "openmetrics", "jsonl"}))
      ->type_name("FORMAT");
  command.add_flag("--strict", from.strict, "Hold OpenMetrics to all its rules, beyond the syntax");
  command
      .add_option_function<std::string>(
          "--on-error", [&from](const std::string& wish) { from.skip_bad_lines = wish == "skip"; },
          "What to do at a bad line: skip it and go on, or fail (default)")
      ->check(OneOf({"skip", "fail"}))
      ->type_name("skip|fail");
  command
      .add_option("--timestamp", from.timestamp,
                  "Time of samples without one, in seconds since the epoch or as a date such as "
                  "2026-01-31T12:00:00Z (default: the time of the import)")
      ->type_name("T");
  command
      .add_option("--memory-budget", from.memory_budget_bytes,
                  "Bytes the database may take, such as 512MB (default: half of the memory)")
      ->transform(CLI::AsSizeValue(false).description(""))
      ->type_name("BYTES");
  AddChoice<Color>(command, "--color", "auto (default), always or never", from.color,
                   {{"auto", Color::kAuto}, {"always", Color::kAlways}, {"never", Color::kNever}})
      ->type_name("WHEN");
}

CLI::App* AddQuery(CLI::App& app, QueryOptions& options) {
  CLI::App* command =
      app.add_subcommand("query", "Print the series in files that a selector picks");
  AddFromOptions(*command, options.from);
  command->add_option("SELECTOR", options.selector, "Which series")->type_name("");
  command
      ->add_option("--start", options.start,
                   "Samples from this time on: seconds since the epoch or a date")
      ->type_name("T");
  command->add_option("--end", options.end, "Samples before this time: likewise")->type_name("T");
  AddChoice<QueryFormat>(*command, "--format",
                         "table, json, csv or auto: a table on a terminal, else CSV (default)",
                         options.format,
                         {{"auto", QueryFormat::kAuto},
                          {"table", QueryFormat::kTable},
                          {"json", QueryFormat::kJson},
                          {"csv", QueryFormat::kCsv}})
      ->type_name("FORMAT");
  command
      ->add_option("--limit", options.limit, "Series to print; 0 is all (default: 40 in a table)")
      ->type_name("N");
  command->add_flag("--samples", options.every_sample, "In a table, print every sample");
  command->footer(kQueryFooter);
  return command;
}

CLI::App* AddStats(CLI::App& app, StatsOptions& options) {
  CLI::App* command = app.add_subcommand("stats", "Say what files hold and what keeping it takes");
  AddFromOptions(*command, options.from);
  command
      ->add_option_function<std::string>(
          "--format", [&options](const std::string& wish) { options.json = wish == "json"; },
          "table (default) or json")
      ->check(OneOf({"table", "json"}))
      ->type_name("FORMAT");
  command->footer(kStatsFooter);
  return command;
}

// `--from a b SELECTOR` gives the option all that follows it: the last is the selector, unless one
// stood elsewhere.
bool TakeSelectorFromFiles(QueryOptions& options) {
  if (!options.selector.empty()) return true;
  if (options.from.files.size() < 2) return false;
  struct stat status;
  if (stat(options.from.files.back().c_str(), &status) == 0) return false;  // it is one more file
  options.selector = options.from.files.back();
  options.from.files.pop_back();
  return true;
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
  QueryOptions query_options;
  StatsOptions stats_options;
  const CLI::App* query = AddQuery(app, query_options);
  AddStats(app, stats_options);
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
  if (!query->parsed()) return RunStats(stats_options);
  if (!TakeSelectorFromFiles(query_options)) {
    PrintError("no SELECTOR is given; {} picks every series", query_options.from.color);
    return kUsage;
  }
  return RunQuery(query_options);
}

}  // namespace
}  // namespace tsdb::tools

int main(int argc, char** argv) { return tsdb::tools::Run(argc, argv); }
