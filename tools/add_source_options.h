// The command line's options that say which database is meant, and how to print; and what a command
// is. For main.cc and the files beside it that add commands.
//
// Thread safety: none.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "tools/exit_code.h"
#include "tools/open_directory.h"
#include "tools/source.h"
#include "tools/terminal.h"

namespace tsdb::tools {

// A command and what running it does.
struct Command {
  CLI::App* app;
  std::function<ExitCode()> run;
};

CLI::Option* AddDirectory(CLI::App& command, std::string& directory);
void AddMemoryBudget(CLI::App& command, uint64_t& bytes);
void AddColor(CLI::App& command, Color& color);
void AddReportFormat(CLI::App& command, bool& json);
// What all commands have that work on one directory.
void AddDirectoryOptions(CLI::App& command, DirectoryOptions& options);

inline constexpr const char* kFilesDescription =
    "Files to read: Prometheus or OpenMetrics text, JSON lines, CSV, InfluxDB's line protocol; "
    "plain, gzip, zstd or lz4; - is standard input";

// --db or --from, and what belongs to them.
void AddSource(CLI::App& command, SourceOptions& source);
// Whether exactly one of --db and --from is given; says so if not.
bool CheckSource(const SourceOptions& source);

}  // namespace tsdb::tools
