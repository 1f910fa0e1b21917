#include "tools/ask.h"

#include <cstdio>
#include <utility>

#include "storage/base/status_macros.h"
#include "tools/message.h"
#include "tools/name_suggestions.h"
#include "tools/number_text.h"
#include "tools/query_plan_text.h"

namespace tsdb::tools {
namespace {

constexpr uint64_t kTableLimit = 40;  // series shown to people, unless --limit says otherwise

absl::StatusOr<PromqlOptions> PromqlOptionsOf(const AskOptions& options) {
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

}  // namespace

absl::StatusOr<CheckedQuestion> CheckQuestion(const AskOptions& options) {
  CheckedQuestion checked;
  TSDB_ASSIGN_OR_RETURN(checked.times, ParseQueryTimes(options.when));
  TSDB_ASSIGN_OR_RETURN(checked.promql, PromqlOptionsOf(options));
  TSDB_ASSIGN_OR_RETURN(checked.tree, DescribePromql(options.expression));
  return checked;
}

absl::StatusOr<Answer> Ask(Database& database, const AskOptions& options, CheckedQuestion checked,
                           std::stop_token stop) {
  Answer answer;
  checked.promql.query.stop = std::move(stop);
  TSDB_ASSIGN_OR_RETURN(answer.question,
                        CompleteTimes(checked.times, options.expression, database));
  answer.lookback_ms = checked.promql.lookback_ms;
  answer.tree = std::move(checked.tree);
  const ResultQuestion& question = answer.question;
  auto result =
      question.is_range()
          ? RunPromqlRange(database, options.expression,
                           {question.start, question.end, question.step_ms}, checked.promql)
          : RunPromql(database, options.expression, question.end, checked.promql);
  if (!result.ok()) return result.status();
  answer.result = *std::move(result);
  return answer;
}

void PrintAnswer(const Answer& answer, const AskOptions& options, Color color,
                 const Destination& destination) {
  if (options.explain) {
    PrintQueryPlan(answer.question, answer.tree, answer.result, destination.output);
    return;
  }
  ResultStyle style = StyleOfStdout(color);
  style.color = style.color && destination.is_stdout;
  style.limit = options.limit.value_or(kTableLimit);
  style.show_all = destination.show_all;
  const bool terminal = destination.is_stdout && StdoutIsTerminal();
  PrintResult(answer.result, answer.question, style,
              ChooseFormat(options.format, answer.question, terminal), destination.output);
}

void TellNotes(const Answer& answer, Color color, Database& database) {
  const PromqlResult& result = answer.result;
  for (const std::string& warning : result.warnings) PrintWarning(warning, color);
  if (!StderrIsTerminal()) return;
  for (const std::string& info : result.infos) std::fprintf(stderr, "tsdb: %s\n", info.c_str());
  if (!result.series.empty() || result.type == PromqlType::kString) return;
  const ResultQuestion& question = answer.question;
  std::string reason = ExplainNothing(database, question.expression);
  if (reason.empty()) {
    reason = "nothing at " + ReadableTime(question.end) + " and " +
             ReadableDuration(answer.lookback_ms) + " before";
    if (question.is_range()) {
      reason = "nothing from " + ReadableTime(question.start) + " to " + ReadableTime(question.end);
    }
  }
  std::fprintf(stderr, "tsdb: no series: %s\n", reason.c_str());
}

}  // namespace tsdb::tools
