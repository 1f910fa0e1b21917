#include "tools/add_figures_commands.h"

#include <memory>

#include "tools/add_input_options.h"
#include "tools/command_stats.h"
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

}  // namespace tsdb::tools
