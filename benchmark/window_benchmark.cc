#include "benchmark/window_benchmark.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "benchmark/questions.h"
#include "benchmark/start_gate.h"
#include "benchmark/writers.h"
#include "storage/base/status_macros.h"

namespace tsdb::benchmark {
namespace {

constexpr uint64_t kRollupSamples = 3600;  // an hour
constexpr uint64_t kWindowSamples = 60;    // a minute
constexpr size_t kTop = 10;

std::string LabelOf(SeriesId series, const char* name) {
  return std::string(SeriesLabelsOf(series)->Get(name));
}

// Sum, least and greatest of a stretch of cents; sums of integers are exact.
struct Cents {
  int64_t sum = 0;
  int32_t min = std::numeric_limits<int32_t>::max(), max = std::numeric_limits<int32_t>::min();
  void Add(int32_t cents) {
    sum += cents;
    min = std::min(min, cents);
    max = std::max(max, cents);
  }
};

// Calls visit(sample, cents) for the series' samples below `end`.
template <typename Visit>
void VisitSamples(const Workload& workload, SeriesId series, uint64_t end, Visit&& visit) {
  SeriesReader reader(workload, series, 0, end);
  uint64_t sample = 0;
  while (const size_t count = reader.Next()) {
    for (size_t i = 0; i < count; ++i) visit(sample++, reader.cents()[i]);
  }
}

double ToValue(int64_t cents) { return static_cast<double>(cents) / 100.0; }

}  // namespace

WindowBenchmark::WindowBenchmark(const Flags& flags)
    : ReadingBenchmark("query", flags,
                       {"threads", "query", "ms", "median", "max", "queries/s", "samples/s"}) {}

void WindowBenchmark::MakeQuestions(const Workload& workload) {
  switch (flags_.query) {
    case QueryKind::kSum:
      return AddSums(workload);
    case QueryKind::kRollup:
      return AddRollup(workload);
    case QueryKind::kGroup:
      return AddGroups(workload);
    case QueryKind::kTop:
      return AddTop(workload);
    case QueryKind::kCount:
      return AddCounts(workload);
    case QueryKind::kNone:
      break;
  }
}

// Count, sum, least and greatest of everything, by statistics and by decoding.
void WindowBenchmark::AddSums(const Workload& workload) {
  const ScanQuestions all = MakeScans(workload, 1, 1, workload.seed());
  for (const bool statistics : {true, false}) {
    Question question;
    question.name = statistics ? "sum_statistics" : "sum_decode";
    question.samples = workload.records();
    question.query.range = TimeRange::All();
    using W = WindowFunction;
    using G = GroupFunction;
    question.query.columns = {{.function = W::kCount, .group_function = G::kSum},
                              {.function = W::kSum, .group_function = G::kSum},
                              {.function = W::kMin, .group_function = G::kMin},
                              {.function = W::kMax, .group_function = G::kMax}};
    question.query.grouping.emplace();
    question.query.options.use_statistics = statistics;
    const Aggregate& truth = all.everything;
    question.row_label = "job";
    question.rows[""] = {{static_cast<double>(truth.count)}, {truth.sum}, {truth.min}, {truth.max}};
    question.tolerance = 1e-10 * all.magnitude;
    questions_.push_back(std::move(question));
  }
}

// Mean, least and greatest of every minute of the first hour, by CPU mode.
void WindowBenchmark::AddRollup(const Workload& workload) {
  const uint64_t samples = std::min(kRollupSamples, workload.samples());
  const size_t windows = (samples + kWindowSamples - 1) / kWindowSamples;
  Question question;
  question.name = "rollup";
  question.samples = samples * workload.series();
  question.query.range = Workload::Range(0, samples);
  question.query.step_ms = static_cast<int64_t>(kWindowSamples) * kSampleIntervalMs;
  question.query.columns.resize(3);
  question.query.columns[1].function = WindowFunction::kMin;
  question.query.columns[1].group_function = GroupFunction::kMin;
  question.query.columns[2].function = WindowFunction::kMax;
  question.query.columns[2].group_function = GroupFunction::kMax;
  question.query.grouping = Grouping{{"mode"}, false};
  question.row_label = "mode";
  question.tolerance = 1e-6;
  // The range ends with the last sample's second, but the last window goes on.
  const uint64_t read = std::min<uint64_t>(windows * kWindowSamples, workload.samples());
  std::map<std::string, double> members;
  for (SeriesId series = 0; series < workload.series(); ++series) {
    std::vector<Cents> minutes(windows);
    std::vector<uint64_t> counts(windows);
    VisitSamples(workload, series, read, [&](uint64_t sample, int32_t cents) {
      minutes[sample / kWindowSamples].Add(cents);
      ++counts[sample / kWindowSamples];
    });
    const std::string mode = LabelOf(series, "mode");
    auto& row = question.rows[mode];
    if (row.empty()) {
      row = {std::vector<double>(windows), std::vector<double>(windows, 1e300),
             std::vector<double>(windows, -1e300)};
    }
    ++members[mode];
    for (size_t k = 0; k < windows; ++k) {
      row[0][k] += ToValue(minutes[k].sum) / static_cast<double>(counts[k]);
      row[1][k] = std::min(row[1][k], ToValue(minutes[k].min));
      row[2][k] = std::max(row[2][k], ToValue(minutes[k].max));
    }
  }
  for (auto& [mode, row] : question.rows) {
    for (double& mean : row[0]) mean /= members[mode];
  }
  questions_.push_back(std::move(question));
}

// The sum of everything by CPU.
void WindowBenchmark::AddGroups(const Workload& workload) {
  Question question;
  question.name = "group";
  question.samples = workload.records();
  question.query.range = TimeRange::All();
  question.query.columns[0].function = WindowFunction::kSum;
  question.query.columns[0].group_function = GroupFunction::kSum;
  question.query.grouping = Grouping{{"cpu"}, false};
  question.row_label = "cpu";
  double magnitude = 0;
  for (SeriesId series = 0; series < workload.series(); ++series) {
    Cents all;
    VisitSamples(workload, series, workload.samples(), [&](uint64_t, int32_t cents) {
      all.Add(cents);
      magnitude += std::abs(ToValue(cents));
    });
    auto& row = question.rows[LabelOf(series, "cpu")];
    row.resize(1, std::vector<double>(1));
    row[0][0] += ToValue(all.sum);
  }
  question.tolerance = 1e-10 * magnitude;
  questions_.push_back(std::move(question));
}

// The series with the highest means.
void WindowBenchmark::AddTop(const Workload& workload) {
  Question question;
  question.name = "topk";
  question.samples = workload.records();
  question.query.range = TimeRange::All();
  question.query.top = kTop;
  std::vector<double> means;
  for (SeriesId series = 0; series < workload.series(); ++series) {
    Cents all;
    VisitSamples(workload, series, workload.samples(),
                 [&](uint64_t, int32_t cents) { all.Add(cents); });
    means.push_back(ToValue(all.sum) / static_cast<double>(workload.samples()));
  }
  std::sort(means.rbegin(), means.rend());
  means.resize(std::min(kTop, means.size()));
  for (size_t i = 0; i < means.size(); ++i) question.rows[std::to_string(i)] = {{means[i]}};
  question.tolerance = 1e-6;
  questions_.push_back(std::move(question));
}

// How many samples match, of matchers that take fewer and fewer series.
void WindowBenchmark::AddCounts(const Workload& workload) {
  const std::vector<std::pair<std::string, std::vector<Matcher>>> selections = {
      {"count_25%", {{"mode", MatchOp::kRegex, "user|idle"}}},
      {"count_1.6%", {{"cpu", MatchOp::kEqual, "3"}}},
      {"count_0.1%",
       {{"cpu", MatchOp::kEqual, "3"},
        {"mode", MatchOp::kEqual, "user"},
        {"instance", MatchOp::kEqual, "host-000000:9100"}}},
      {"count_0%", {{"cpu", MatchOp::kEqual, "none"}}},
  };
  for (const auto& [name, matchers] : selections) {
    Question question;
    question.name = name;
    question.counting = true;
    question.query.matchers = matchers;
    for (SeriesId series = 0; series < workload.series(); ++series) {
      const bool matches =
          std::all_of(matchers.begin(), matchers.end(), [&](const Matcher& matcher) {
            const std::string value = LabelOf(series, matcher.name.c_str());
            return matcher.op == MatchOp::kEqual ? value == matcher.value
                                                 : value == "user" || value == "idle";
          });
      question.samples += matches ? workload.samples() : 0;
    }
    questions_.push_back(std::move(question));
  }
}

absl::Status WindowBenchmark::Compare(const Question& question, const QueryResult& result) {
  const auto wrong = [&](const std::string& what) {
    return absl::DataLossError("query " + question.name + ": " + what);
  };
  if (result.rows() != question.rows.size()) {
    return wrong(std::to_string(result.rows()) + " rows, should be " +
                 std::to_string(question.rows.size()));
  }
  for (size_t row = 0; row < result.rows(); ++row) {
    const std::string key = question.row_label.empty()
                                ? std::to_string(row)
                                : std::string(result.labels(row).Get(question.row_label));
    const auto truth = question.rows.find(key);
    if (truth == question.rows.end()) return wrong("unexpected row " + key);
    for (size_t column = 0; column < result.columns(); ++column) {
      for (size_t k = 0; k < result.times().size(); ++k) {
        const double value = result.At(row, k, column).value_or(kNone);
        const double expected = truth->second[column][k];
        if (std::abs(value - expected) <= question.tolerance) continue;  // false for NaN
        return wrong("row " + key + " column " + std::to_string(column) + " window " +
                     std::to_string(k) + " is " + std::to_string(value) + ", should be " +
                     std::to_string(expected));
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<ReadingBenchmark::Run> WindowBenchmark::Ask(Database& database, size_t way,
                                                           uint32_t threads, uint64_t passes) {
  const Question& question = questions_[way];
  Query query = question.query;
  query.options.threads = threads;
  query.options.freshness = Freshness::kMerged;
  Run run;
  run.answers = passes;
  for (uint64_t pass = 0; pass < passes; ++pass) {
    const auto begin = Clock::now();
    if (question.counting) {
      const auto count = CountSamples(database, query.matchers, TimeRange::All(), query.options);
      run.seconds += SecondsBetween(begin, Clock::now());
      TSDB_RETURN_IF_ERROR(count.status());
      if (*count != question.samples) {
        return absl::DataLossError("query " + question.name + ": " + std::to_string(*count) +
                                   " samples, should be " + std::to_string(question.samples));
      }
      continue;
    }
    const auto result = RunQuery(database, query);
    run.seconds += SecondsBetween(begin, Clock::now());
    TSDB_RETURN_IF_ERROR(result.status());
    TSDB_RETURN_IF_ERROR(Compare(question, *result));
  }
  return run;
}

void WindowBenchmark::AddRow(const ReadingRow& row) {
  const Question& question = questions_[row.way];
  const double samples = static_cast<double>(question.samples);
  JsonObject object = SharedFields(row);
  object.Add("queries", row.answers)
      .Add("samples_per_query", question.samples)
      .Add("queries_per_second", row.Headline())
      .Add("samples_per_second", row.Headline() * samples)
      .Add("query_milliseconds", 1e3 / row.Headline());
  row.rate.AddTo(object, "queries_per_second");
  SharedEnd(row, object);
  report_.AddRow({std::to_string(row.threads), WayName(row.way), Decimal(1e3 / row.Headline(), 3),
                  Decimal(1e3 / row.rate.Median(), 3), Decimal(1e3 / row.rate.Min(), 3),
                  Quantity(row.Headline()), Quantity(row.Headline() * samples)},
                 object);
}

}  // namespace tsdb::benchmark
