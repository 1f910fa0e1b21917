#include "tools/add_source_options.h"

#include "tools/add_input_options.h"
#include "tools/message.h"

namespace tsdb::tools {

CLI::Option* AddDirectory(CLI::App& command, std::string& directory) {
  return command.add_option("--db", directory, "The database's directory")->type_name("DIR");
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

void AddDirectoryOptions(CLI::App& command, DirectoryOptions& options) {
  AddDirectory(command, options.directory)->required();
  AddMemoryBudget(command, options.memory_budget_bytes);
  AddReportFormat(command, options.json);
  AddColor(command, options.color);
}

void AddSource(CLI::App& command, SourceOptions& source) {
  AddDirectory(command, source.directory);
  AddInputOptions(command, command.add_option("--from", source.input.files, kFilesDescription),
                  source.input);
  AddMemoryBudget(command, source.memory_budget_bytes);
  AddColor(command, source.color);
}

bool CheckSource(const SourceOptions& source) {
  if (source.directory.empty() != source.input.files.empty()) return true;
  PrintError(source.directory.empty()
                 ? "where from? Give --db DIR for a database or --from FILE... for files"
                 : "--db and --from exclude each other; tsdb import brings files into a database",
             source.color);
  return false;
}

}  // namespace tsdb::tools
