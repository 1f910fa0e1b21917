#include "tools/command_query.h"

#include <cstdio>
#include <string>
#include <utility>

#include "tools/interrupt.h"
#include "tools/message.h"
#include "tools/name_suggestions.h"
#include "tools/number_text.h"
#include "tools/output_file.h"
#include "tools/query_plan_text.h"
#include "tools/query_times.h"
#include "tsdb/promql.h"

namespace tsdb::tools {
namespace {

constexpr uint64_t kTableLimit = 40;  // series shown to people, unless --limit says otherwise

absl::StatusOr<PromqlOptions> PromqlOptionsOf(const QueryOptions& options) {
  PromqlOptions result;
  result.query.limits.windows = options.steps_max;
  if (options.memory_max > 0) result.query.limits.memory_bytes = options.memory_max;
  result.closed_ranges = options.closed_ranges;
  if (options.lookback.empty()) return result;
  const std::optional<int64_t> lookback = ParseDuration(options.lookback);
  if (!lookback.has_value()) {
    return absl::InvalidArgumentError("--lookback: not a duration: " + options.lookback +
                                      " (such as 30s, 1h30m, 7d, or seconds)");
  }
  result.lookback_ms = *lookback;
  return result;
}

// What is said beside the answer, on stderr: what the language warns of, always; the rest where a
// person looks.
void TellNotes(const QueryOptions& options, const ResultQuestion& question, Database& database,
               const PromqlResult& result) {
  for (const std::string& warning : result.warnings) PrintWarning(warning, options.source.color);
  if (!StderrIsTerminal()) return;
  for (const std::string& info : result.infos) std::fprintf(stderr, "tsdb: %s\n", info.c_str());
  if (!result.series.empty() || result.type == PromqlType::kString) return;
  std::string reason = ExplainNothing(database, options.expression);
  if (reason.empty()) {
    reason = "nothing at " + ReadableTime(question.end) + " and " +
             ReadableDuration(5 * 60 * 1000) + " before";
    if (question.is_range()) {
      reason = "nothing from " + ReadableTime(question.start) + " to " + ReadableTime(question.end);
    }
  }
  std::fprintf(stderr, "tsdb: no series: %s\n", reason.c_str());
}

ExitCode Fail(const absl::Status& status, Color color) {
  PrintError(MessageOf(status), color);
  if (status.code() == absl::StatusCode::kCancelled) return kInterrupted;
  return kFailure;
}

ExitCode Usage(const absl::Status& status, Color color) {
  PrintError(MessageOf(status), color);
  return kUsage;
}

}  // namespace

ExitCode RunQuery(const QueryOptions& options) {
  const Color color = options.source.color;
  const absl::StatusOr<QueryTimes> times = ParseQueryTimes(options.when);
  if (!times.ok()) return Usage(times.status(), color);
  absl::StatusOr<PromqlOptions> promql_options = PromqlOptionsOf(options);
  if (!promql_options.ok()) return Usage(promql_options.status(), color);
  // Before anything is read: mistakes are told at once.
  const absl::StatusOr<std::string> tree = DescribePromql(options.expression);
  if (!tree.ok()) return Usage(tree.status(), color);
  Source source;
  if (const ExitCode code = OpenSource(options.source, source); code != kOk) return code;
  Database& database = *source.database;

  const InterruptStop interrupt;
  promql_options->query.stop = interrupt.token();
  const absl::StatusOr<ResultQuestion> completed =
      CompleteTimes(*times, options.expression, database);
  if (!completed.ok()) return Fail(completed.status(), color);
  const ResultQuestion& question = *completed;
  const auto result =
      question.is_range()
          ? RunPromqlRange(database, options.expression,
                           {question.start, question.end, question.step_ms}, *promql_options)
          : RunPromql(database, options.expression, question.end, *promql_options);
  if (!result.ok()) return Fail(result.status(), color);

  auto file = OutputFile::Open(options.output);
  if (!file.ok()) return Fail(file.status(), color);
  const bool terminal = options.output.empty() && StdoutIsTerminal();
  Output& output = (*file)->output();
  if (options.explain) {
    PrintQueryPlan(question, *tree, *result, output);
  } else {
    ResultStyle style = StyleOfStdout(color);
    style.color = style.color && options.output.empty();
    style.limit = options.limit.value_or(kTableLimit);
    PrintResult(*result, question, style, ChooseFormat(options.format, question, terminal), output);
  }
  TellNotes(options, question, database, *result);
  const absl::Status finished = (*file)->Finish();
  return finished.ok() ? kOk : Fail(finished, color);
}

}  // namespace tsdb::tools
