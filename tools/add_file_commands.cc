#include "tools/add_file_commands.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tools/add_input_options.h"
#include "tools/command_inspect.h"
#include "tools/command_list.h"
#include "tools/help_text.h"

namespace tsdb::tools {

Command AddListSegments(CLI::App& app) {
  auto options = std::make_shared<SegmentListOptions>();
  CLI::App* command = app.add_subcommand("list", "List the segments of a database");
  AddDirectory(*command, options->directory)->required();
  AddChoice<RowFormat>(*command, "--format",
                       "table, csv, json or auto: a table on a terminal, else CSV (default)",
                       options->format,
                       {{"auto", RowFormat::kAuto},
                        {"table", RowFormat::kTable},
                        {"csv", RowFormat::kCsv},
                        {"json", RowFormat::kJson}})
      ->type_name("FORMAT");
  const std::vector<std::string> keys = absl::StrSplit(kListSortNames, '|');
  command
      ->add_option("--sort", options->sort,
                   "By what: " + absl::StrJoin(keys, ", ") +
                       " (default: file); largest first, times earliest first")
      ->check(OneOf(keys))
      ->type_name("KEY");
  AddColor(*command, options->color);
  command->footer(std::string(kListFooter) + "\n" + kExitCodes);
  return {command, [options] { return RunListSegments(*options); }};
}

Command AddInspect(CLI::App& app) {
  auto options = std::make_shared<InspectFileOptions>();
  CLI::App* command = app.add_subcommand("inspect", "Decode one file of a database");
  command->add_option("KIND", options->kind, "What it is: wal, manifest or segment")
      ->check(OneOf({"wal", "manifest", "segment"}))
      ->type_name("")
      ->required();
  command->add_option("FILE", options->file, "The file")->type_name("")->required();
  AddReportFormat(*command, options->json);
  command
      ->add_option("--limit", options->limit, "Rows of each list; 0 is all (default: 40 in tables)")
      ->type_name("N");
  command->add_flag("--blocks", options->blocks, "What batches and segments hold, too");
  AddColor(*command, options->color);
  command->footer(std::string(kInspectFooter) + "\n" + kExitCodes);
  return {command, [options] { return RunInspect(*options); }};
}

}  // namespace tsdb::tools
