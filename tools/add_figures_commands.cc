#include "tools/add_figures_commands.h"

#include <memory>

#include "tools/add_input_options.h"
#include "tools/command_advise.h"
#include "tools/command_stats.h"
#include "tools/command_watch.h"
#include "tools/help_text.h"

namespace tsdb::tools {

Command AddStats(CLI::App& app) {
  auto options = std::make_shared<StatsOptions>();
  CLI::App* command = app.add_subcommand("stats", "Say what is stored and what keeping it takes");
  AddSource(*command, options->source);
  AddChoice<StatsFormat>(*command, "--format", "table (default), json or prometheus",
                         options->format,
                         {{"table", StatsFormat::kTable},
                          {"json", StatsFormat::kJson},
                          {"prometheus", StatsFormat::kPrometheus}})
      ->type_name("FORMAT");
  command->footer(std::string(kStatsFooter) + "\n" + kExitCodes);
  return {command,
          [options] { return CheckSource(options->source) ? RunStats(*options) : kUsage; }};
}

Command AddWatch(CLI::App& app) {
  auto options = std::make_shared<WatchOptions>();
  CLI::App* command =
      app.add_subcommand("watch", "Show what happens in a database that another process writes");
  AddDirectory(*command, options->directory)->required();
  command->add_option("--interval", options->interval, "Time between lines (default: 1s)")
      ->type_name("D");
  command
      ->add_option("--count", options->count,
                   "End after so many intervals (default: when the database is closed)")
      ->type_name("N");
  AddChoice<WatchFormat>(*command, "--format",
                         "table, csv, json, jsonl or auto: a table on a terminal, drawn again in "
                         "place, else CSV (default)",
                         options->format,
                         {{"auto", WatchFormat::kAuto},
                          {"table", WatchFormat::kTable},
                          {"csv", WatchFormat::kCsv},
                          {"json", WatchFormat::kJson},
                          {"jsonl", WatchFormat::kJsonLines}})
      ->type_name("FORMAT");
  AddColor(*command, options->color);
  command->footer(std::string(kWatchFooter) + "\n" + kExitCodes);
  return {command, [options] { return RunWatch(*options); }};
}

Command AddAdvise(CLI::App& app) {
  auto options = std::make_shared<AdviseOptions>();
  CLI::App* command =
      app.add_subcommand("advise", "Say which option of a database to change, to what, and why");
  AddSource(*command, options->source);
  AddChoice<AdviceFormat>(*command, "--format",
                          "table, csv, json or auto: a table on a terminal, else CSV (default)",
                          options->format,
                          {{"auto", AdviceFormat::kAuto},
                           {"table", AdviceFormat::kTable},
                           {"csv", AdviceFormat::kCsv},
                           {"json", AdviceFormat::kJson}})
      ->type_name("FORMAT");
  command->footer(std::string(kAdviseFooter) + "\n" + kExitCodes);
  return {command,
          [options] { return CheckSource(options->source) ? RunAdvise(*options) : kUsage; }};
}

}  // namespace tsdb::tools
