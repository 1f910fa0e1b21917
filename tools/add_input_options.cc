#include "tools/add_input_options.h"

namespace tsdb::tools {
namespace {

constexpr const char* kCsvGroup = "Columns of CSV";

void AddCsvOptions(CLI::App& command, CLI::Option* files, InputOptions& input) {
  const auto list = [&](const std::string& name, std::vector<std::string>& target,
                        const std::string& description) {
    // Of one argument, so that files may follow it.
    return command.add_option(name, target, description)
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("NAME,...");
  };
  CLI::Option* const options[] = {
      command
          .add_option("--delimiter", input.delimiter,
                      "What sets fields apart: a character, or the word tab (default: a comma; a "
                      "tab in files named .tsv)")
          ->type_name("C"),
      command
          .add_option("--time-column", input.time_column,
                      "Holds the time (default: the one called time, timestamp, ts, date or "
                      "datetime, or so with a unit, as timestamp_ms)")
          ->type_name("NAME"),
      command
          .add_option("--time-format", input.time_format,
                      "auto (default: dates, or numbers whose unit their size tells), s, ms, us, "
                      "ns, rfc3339, or a pattern such as '%d.%m.%Y %H:%M'; without a zone it is "
                      "UTC")
          ->type_name("FORMAT"),
      list("--value-columns,--value-column", input.value_columns,
           "Hold values, each of a series of its own (default: the column value beside a metric "
           "column; else those whose first cell is a number)"),
      list("--label-columns", input.label_columns,
           "Become labels (default: those that hold no values)"),
      command
          .add_option("--metric-column", input.metric_column,
                      "Holds the metric's name (default: __name__ or metric, if there is one)")
          ->type_name("NAME"),
      command
          .add_option_function<std::string>(
              "--metric", [&input](const std::string& name) { input.metric = name; },
              "The metric's name, to which the names of value columns are added, but for a column "
              "called value (default: by the file's name)")
          ->type_name("NAME"),
      command
          .add_option("--label", input.labels, "A label that every series gets; may be repeated")
          ->allow_extra_args(false)
          ->type_name("NAME=VALUE")};
  for (CLI::Option* option : options) option->needs(files)->group(kCsvGroup);
}

}  // namespace

void AddInputOptions(CLI::App& command, CLI::Option* files, InputOptions& input) {
  files->type_name("FILE")->expected(1, 1 << 20);
  CLI::Option* const options[] = {
      command
          .add_option(
              "--input-format", input.format,
              "prometheus, openmetrics, jsonl, csv or influx (told from name and content if "
              "not given)")
          ->check(OneOf({"prometheus", "openmetrics", "jsonl", "csv", "influx"}))
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
          ->type_name("T"),
      command
          .add_option("--precision", input.precision,
                      "Unit of timestamps in InfluxDB's line protocol: ns (default), us, ms or s")
          ->check(OneOf({"ns", "us", "ms", "s"}))
          ->type_name("UNIT")};
  for (CLI::Option* option : options) option->needs(files);
  AddCsvOptions(command, files, input);
}

}  // namespace tsdb::tools
