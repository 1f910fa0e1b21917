#include "test/tsdb/promql/conformance_runner.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"
#include "test/tsdb/promql/at_modifier_cases.h"
#include "test/tsdb/promql/comparison.h"
#include "test/tsdb/promql/series_notation.h"
#include "test/tsdb/promql/test_language.h"
#include "test/tsdb/promql/unsupported.h"
#include "tsdb/database.h"
#include "tsdb/promql/parser.h"

namespace tsdb::conformance {
namespace {

constexpr int64_t kMinuteMs = 60'000;

absl::StatusOr<std::unique_ptr<Database>> OpenSmall() {
  Options options;  // in memory
  options.memory_budget_bytes = uint64_t{512} << 20;
  options.write_buffer_bytes = 64 << 10;
  return Database::Open(options);
}

// The series with these labels but the metric's name, which loses its suffix, and le: the native
// histogram that load_with_nhcb makes of a classic one. The empty set: it is none of one.
absl::StatusOr<Labels> NativeHistogramOf(const Labels& labels) {
  std::string_view name = labels.MetricName();
  const std::string_view suffix = "_bucket";
  if (!absl::EndsWith(ToAbsl(name), ToAbsl(suffix))) return Labels();
  name.remove_suffix(suffix.size());
  std::vector<Label> kept;
  for (const Label& label : labels) {
    if (label.name == kMetricNameLabel) {
      kept.push_back({label.name, name});
    } else if (label.name != "le") {
      kept.push_back(label);
    }
  }
  return Labels::Create(kept);
}

// What the loads of a file left: samples to query, and which series are beyond the engine.
class Storage {
 public:
  absl::Status Clear() {
    for (auto* database : {&samples_, &histograms_, &typed_}) {
      database->reset();
      TSDB_ASSIGN_OR_RETURN(*database, OpenSmall());
    }
    return absl::OkStatus();
  }

  absl::Status Load(const LoadCommand& load) {
    Appender appender = samples_->NewAppender();
    for (const SeriesDescription& series : load.series) {
      TSDB_RETURN_IF_ERROR(LoadSeries(series, load, appender));
    }
    return appender.Commit().Await(Milestone::kVisible);
  }

  // Why what the expression selects is beyond the engine; empty: it is not.
  absl::StatusOr<std::string> Beyond(const promql::Expr& expression) const {
    for (const promql::VectorSelector* selector : SelectorsOf(expression)) {
      TSDB_ASSIGN_OR_RETURN(const uint64_t histograms,
                            CountSeries(*histograms_, selector->matchers));
      if (histograms > 0) return "selects series of native histograms";
      TSDB_ASSIGN_OR_RETURN(const uint64_t typed, CountSeries(*typed_, selector->matchers));
      if (typed > 0) return "selects series with __type__ or __unit__: experimental";
    }
    return "";
  }

  Database& samples() { return *samples_; }

 private:
  static absl::Status Mark(Database& database, const Labels& labels) {
    return database.FindOrCreateSeries(labels).status();
  }

  absl::Status LoadSeries(const SeriesDescription& series, const LoadCommand& load,
                          Appender& appender) {
    if (series.has_histograms) return Mark(*histograms_, series.labels);
    if (load.with_nhcb) {
      TSDB_ASSIGN_OR_RETURN(const Labels native, NativeHistogramOf(series.labels));
      if (!native.empty()) TSDB_RETURN_IF_ERROR(Mark(*histograms_, native));
    }
    if (!series.labels.Get("__type__").empty() || !series.labels.Get("__unit__").empty()) {
      TSDB_RETURN_IF_ERROR(Mark(*typed_, series.labels));
    }
    TSDB_ASSIGN_OR_RETURN(const SeriesId id, samples_->FindOrCreateSeries(series.labels));
    Timestamp time = 0;
    for (const SequenceValue& value : series.values) {
      if (value.kind == SequenceValue::Kind::kFloat && !appender.Append(id, time, value.value)) {
        return appender.status();
      }
      time += load.step_ms;
    }
    return absl::OkStatus();
  }

  std::unique_ptr<Database> samples_;
  std::unique_ptr<Database> histograms_;  // only series, without samples; likewise
  std::unique_ptr<Database> typed_;
};

// The expression's own fault, rather than the engine's.
bool IsFailureOfExpression(const absl::Status& status) {
  return status.code() == absl::StatusCode::kInvalidArgument ||
         status.code() == absl::StatusCode::kFailedPrecondition;
}

// How an evaluation that ended with an error differs from what is expected; empty: it does not.
std::string FailureDifference(const EvalCommand& eval, const absl::Status& status) {
  const auto expected = eval.outcomes.find(Outcome::kFail);
  if (expected == eval.outcomes.end() || !IsFailureOfExpression(status)) {
    return absl::StrCat("unexpected error: ", status.ToString(), "\n");
  }
  const std::string message(status.message());
  if (Matches(expected->second.front(), message, /*exactly=*/false)) return "";
  return absl::StrCat("expected error: ", expected->second.front().ToString(),
                      "\n           got: ", message, "\n");
}

// The step in the middle of a range's answer, as an instant's.
PromqlResult StepAt(Timestamp time, PromqlType type, const PromqlResult& range) {
  PromqlResult step;
  step.type = type;
  for (const PromqlSeries& series : range.series) {
    for (const Sample& sample : series.samples) {
      if (sample.timestamp == time) step.series.push_back({series.labels, {sample}});
    }
  }
  return step;
}

class Evaluation {
 public:
  Evaluation(Database& database, const EvalCommand& eval, const PromqlOptions& options)
      : database_(database), eval_(eval), options_(options) {}

  // How the answers differ from what is expected; empty: they do not. Changes the tree.
  std::string Run(promql::Expr& tree) {
    if (eval_.range) return RunRange();
    std::string difference = RunInstant(eval_.expression, eval_.time, !DependsOnRange(tree));
    if (!difference.empty()) return difference;
    const PinnedCases pinned = PinTo(eval_.time, tree);
    for (const Timestamp time : pinned.times) {
      difference = RunInstant(pinned.expression, time, true);
      if (!difference.empty()) {
        return absl::StrCat("as ", pinned.expression, " at ", time, "ms:\n", difference);
      }
    }
    return "";
  }

 private:
  std::string RunRange() {
    const PromqlRange range{eval_.range->start, eval_.range->end, eval_.range->step_ms};
    const auto result = RunPromqlRange(database_, eval_.expression, range, options_);
    if (!result.ok()) return FailureDifference(eval_, result.status());
    return Judge(*result);
  }

  std::string RunInstant(const std::string& expression, Timestamp time, bool in_a_range) {
    const auto result = RunPromql(database_, expression, time, options_);
    if (!result.ok()) return FailureDifference(eval_, result.status());
    std::string difference = Judge(*result);
    const bool has_steps =
        result->type == PromqlType::kVector || result->type == PromqlType::kScalar;
    if (!difference.empty() || !has_steps || !in_a_range) return difference;
    const PromqlRange range{time - kMinuteMs, time + kMinuteMs, kMinuteMs};
    const auto steps = RunPromqlRange(database_, expression, range, options_);
    if (!steps.ok()) {
      return absl::StrCat(
          "over a range of one minute before to one after: ", steps.status().ToString(), "\n");
    }
    if (eval_.Expects(Outcome::kOrdered)) return "";  // ranges have an order of their own
    difference = DifferenceOf(eval_, StepAt(time, result->type, *steps));
    return difference.empty()
               ? ""
               : absl::StrCat("over a range of one minute before to one after:\n", difference);
  }

  std::string Judge(const PromqlResult& result) const {
    if (eval_.Expects(Outcome::kFail)) return "expected an error, got none\n";
    if (!result.completeness.Complete()) return "the answer says that it is not complete\n";
    return AnnotationDifference(eval_, result) + DifferenceOf(eval_, result);
  }

  Database& database_;
  const EvalCommand& eval_;
  const PromqlOptions& options_;
};

class FileRun {
 public:
  FileRun(const PromqlOptions& options, FileReport& report) : options_(options), report_(report) {}

  absl::Status Run(const std::vector<Command>& commands) {
    TSDB_RETURN_IF_ERROR(storage_.Clear());
    for (const Command& command : commands) {
      if (const auto* load = std::get_if<LoadCommand>(&command.what)) {
        const absl::Status loaded = storage_.Load(*load);
        if (!loaded.ok()) Report(command, Verdict::kFailed, loaded.ToString());
      } else if (const auto* eval = std::get_if<EvalCommand>(&command.what)) {
        Evaluate(command, *eval);
      } else if (const auto* bad = std::get_if<BadCommand>(&command.what)) {
        Report(command, Verdict::kFailed, bad->message + "\n");
      } else {
        TSDB_RETURN_IF_ERROR(storage_.Clear());
      }
    }
    return absl::OkStatus();
  }

 private:
  void Report(const Command& command, Verdict verdict, std::string detail) {
    report_.cases.push_back({verdict, command.line, command.text, std::move(detail)});
  }

  void Evaluate(const Command& command, const EvalCommand& eval) {
    absl::StatusOr<promql::ExprPtr> tree = promql::Parse(eval.expression);
    if (!tree.ok()) {
      std::string reason = ExperimentalPart(eval.expression);
      const bool experimental = !reason.empty();
      if (!experimental) reason = absl::StrCat(tree.status().message(), "\n");
      return Report(command, experimental ? Verdict::kUnsupported : Verdict::kFailed,
                    std::move(reason));
    }
    if (eval.ExpectsHistograms()) {
      return Report(command, Verdict::kUnsupported, "expects native histograms");
    }
    absl::StatusOr<std::string> beyond = storage_.Beyond(**tree);
    if (!beyond.ok()) return Report(command, Verdict::kFailed, beyond.status().ToString() + "\n");
    if (!beyond->empty()) return Report(command, Verdict::kUnsupported, *std::move(beyond));
    std::string difference = Evaluation(storage_.samples(), eval, options_).Run(**tree);
    const Verdict verdict = difference.empty() ? Verdict::kPassed : Verdict::kFailed;
    Report(command, verdict, std::move(difference));
  }

  const PromqlOptions& options_;
  FileReport& report_;
  Storage storage_;
};

}  // namespace

size_t FileReport::Count(Verdict verdict) const {
  return static_cast<size_t>(
      std::count_if(cases.begin(), cases.end(),
                    [verdict](const CaseReport& each) { return each.verdict == verdict; }));
}

absl::StatusOr<FileReport> RunTestFile(const std::string& path, const PromqlOptions& options) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  if (!file || !content) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  FileReport report;
  report.file = path;
  const std::string text = std::move(content).str();
  TSDB_RETURN_IF_ERROR(FileRun(options, report).Run(ParseTestFile(text)));
  return report;
}

}  // namespace tsdb::conformance
