// How long PromQL takes: over the workload's labels, and over the shipped metrics of a machine.
// Every answer is compared with one worked out by hand from the samples.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "benchmark/questions.h"
#include "benchmark/reading_benchmark.h"
#include "benchmark/start_gate.h"
#include "benchmark/writers.h"
#include "storage/base/status_macros.h"
#include "tools/import/importer.h"
#include "tools/import/sink.h"
#include "tsdb/database.h"
#include "tsdb/promql.h"

namespace tsdb::benchmark {
namespace {

constexpr int64_t kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute;
constexpr const char* kShippedFile =
    TSDB_SOURCE_DIR "/test/data/node-prometheus-1s/series.jsonl.zst";

struct Question {
  std::string name;
  std::string expression;
  PromqlRange range;
  bool shipped = false;   // of the shipped metrics
  uint64_t samples = 0;   // that a step looks at
  std::string row_label;  // rows are told apart by it
  std::map<std::string, std::vector<double>> rows;

  size_t steps() const {
    return static_cast<size_t>((range.end - range.start) / range.step_ms) + 1;
  }
};

struct Column {
  std::vector<Timestamp> times;
  std::vector<double> values;
};

// The rate of a counter in (end - window, end], as Prometheus extrapolates it; NaN if there is
// none.
double RateByHand(const Column& column, Timestamp end, int64_t window) {
  const auto begin_at = std::upper_bound(column.times.begin(), column.times.end(), end - window);
  const auto end_at = std::upper_bound(column.times.begin(), column.times.end(), end);
  const auto first = static_cast<size_t>(begin_at - column.times.begin());
  const auto count = static_cast<size_t>(end_at - begin_at);
  if (count < 2) return kNone;
  const size_t last = first + count - 1;
  double growth = column.values[last] - column.values[first];
  for (size_t i = first + 1; i <= last; ++i) {
    if (column.values[i] < column.values[i - 1]) growth += column.values[i - 1];
  }
  const auto seconds = [](int64_t ms) { return static_cast<double>(ms) / 1000; };
  const double sampled = seconds(column.times[last] - column.times[first]);
  const double average = sampled / static_cast<double>(count - 1);
  double before = seconds(column.times[first] - (end - window));
  double after = seconds(end - column.times[last]);
  if (before >= average * 1.1) before = average / 2;
  if (growth > 0 && column.values[first] >= 0) {
    before = std::min(before, sampled * column.values[first] / growth);
  }
  if (after >= average * 1.1) after = average / 2;
  return growth * ((sampled + before + after) / sampled) / seconds(window);
}

double MeanByHand(const Column& column, Timestamp end, int64_t window) {
  const auto begin_at = std::upper_bound(column.times.begin(), column.times.end(), end - window);
  const auto end_at = std::upper_bound(column.times.begin(), column.times.end(), end);
  const auto first = begin_at - column.times.begin();
  double sum = 0;
  for (auto i = first; i < end_at - column.times.begin(); ++i) {
    sum += column.values[static_cast<size_t>(i)];
  }
  return end_at == begin_at ? kNone : sum / static_cast<double>(end_at - begin_at);
}

// Adds a series to its row at every step where it has a value.
template <typename ByHand>
void AddSeries(const Column& column, const std::string& row, int64_t window, ByHand&& by_hand,
               Question& question, std::map<std::string, std::vector<double>>& counts) {
  std::vector<double>& sums = question.rows[row];
  std::vector<double>& members = counts[row];
  sums.resize(question.steps());
  members.resize(question.steps());
  for (size_t step = 0; step < question.steps(); ++step) {
    const Timestamp end =
        question.range.start + static_cast<int64_t>(step) * question.range.step_ms;
    const double value = by_hand(column, end, window);
    if (std::isnan(value)) continue;
    sums[step] += value;
    ++members[step];
  }
  for (const Timestamp time : column.times) {
    question.samples += time > question.range.start - window && time <= question.range.end;
  }
}

class ShippedSink final : public importer::Sink {
 public:
  explicit ShippedSink(Database& database)
      : database_(database), appender_(database.NewAppender()) {}
  absl::StatusOr<SeriesId> FindOrCreateSeries(const Labels& labels) override {
    return database_.FindOrCreateSeries(labels);
  }
  absl::Status Append(SeriesId series, Timestamp timestamp, double value) override {
    return appender_.Append(series, timestamp, value) ? absl::OkStatus() : appender_.status();
  }
  absl::Status AppendColumns(SeriesId series, std::span<const Timestamp> timestamps,
                             std::span<const double> values) override {
    return appender_.AppendColumns(series, timestamps, values) ? absl::OkStatus()
                                                               : appender_.status();
  }
  absl::Status Settle() { return appender_.Commit().Await(Milestone::kVisible); }

 private:
  Database& database_;
  Appender appender_;
};

class QueryBenchmark final : public ReadingBenchmark {
 public:
  explicit QueryBenchmark(const Flags& flags)
      : ReadingBenchmark("promql", flags,
                         {"threads", "query", "steps", "samples", "ms", "median", "max"}) {}

 private:
  size_t ways() const override { return questions_.size(); }
  const char* WayName(size_t way) const override { return questions_[way].name.c_str(); }

  void MakeQuestions(const Workload& workload) override {
    AddMeans(workload);
    AddRates(workload);
    shipped_status_ = AddShipped();
  }

  // An hour by minutes: the mean of every series' minute, then of a host's series.
  void AddMeans(const Workload& workload) {
    Question question;
    question.name = "avg_over_time";
    question.expression = "avg by (instance)(avg_over_time(node_cpu_seconds_total[1m]))";
    question.row_label = "instance";
    const auto end = static_cast<int64_t>(workload.samples()) * kSampleIntervalMs;
    question.range = {kTimeOrigin + kMinute, kTimeOrigin + std::min(kHour, end), kMinute};
    if (question.range.end < question.range.start) question.range.end = question.range.start;
    std::map<std::string, std::vector<double>> counts;
    AddWorkload(workload, question, kMinute, MeanByHand, counts,
                [](const Labels&) { return true; });
    for (auto& [row, sums] : question.rows) {
      for (size_t step = 0; step < sums.size(); ++step) sums[step] /= counts[row][step];
    }
    questions_.push_back(std::move(question));
  }

  // An hour of one processor of every host by 15 s, windows of 5 minutes: a dashboard's panel.
  void AddRates(const Workload& workload) {
    Question question;
    question.name = "rate";
    question.expression = "sum by (mode)(rate(node_cpu_seconds_total{cpu=\"0\"}[5m]))";
    question.row_label = "mode";
    const auto end = static_cast<int64_t>(workload.samples()) * kSampleIntervalMs;
    question.range = {kTimeOrigin + kMinute, kTimeOrigin + std::min(kHour, end), 15 * kSecond};
    if (question.range.end < question.range.start) question.range.end = question.range.start;
    std::map<std::string, std::vector<double>> counts;
    AddWorkload(workload, question, 5 * kMinute, RateByHand, counts,
                [](const Labels& labels) { return labels.Get("cpu") == "0"; });
    questions_.push_back(std::move(question));
  }

  template <typename ByHand, typename Matches>
  void AddWorkload(const Workload& workload, Question& question, int64_t window, ByHand&& by_hand,
                   std::map<std::string, std::vector<double>>& counts, Matches&& matches) {
    const auto samples =
        static_cast<uint64_t>((question.range.end - kTimeOrigin) / kSampleIntervalMs + 1);
    for (SeriesId series = 0; series < workload.series(); ++series) {
      const Labels labels = *SeriesLabelsOf(series);
      if (!matches(labels)) continue;
      Column column;
      SeriesReader reader(workload, series, 0, std::min(samples, workload.samples()));
      while (const size_t count = reader.Next()) {
        column.times.insert(column.times.end(), reader.timestamps(), reader.timestamps() + count);
        column.values.insert(column.values.end(), reader.values(), reader.values() + count);
      }
      AddSeries(column, std::string(labels.Get(question.row_label)), window, by_hand, question,
                counts);
    }
  }

  // 24 minutes of a machine at steps of a second.
  absl::Status AddShipped() {
    TSDB_ASSIGN_OR_RETURN(shipped_, Database::Open());
    ShippedSink sink(*shipped_);
    const std::atomic<bool> interrupted{false};
    importer::ImportObserver observer;
    observer.on_file = [](const std::string&, std::optional<uint64_t>) {};
    observer.on_progress = [](uint64_t) {};
    observer.on_refusal = [](const importer::ImportObserver::Refusal&) {};
    importer::Importer importer({}, sink, observer, interrupted);
    TSDB_RETURN_IF_ERROR(importer.ImportFile(kShippedFile));
    TSDB_RETURN_IF_ERROR(sink.Settle());
    Question question;
    question.name = "shipped_rate";
    question.expression = "sum by (mode)(rate(node_cpu_seconds_total[1m]))";
    question.row_label = "mode";
    question.shipped = true;
    const std::vector<Matcher> metric = {
        {std::string(kMetricNameLabel), MatchOp::kEqual, "node_cpu_seconds_total"}};
    TSDB_ASSIGN_OR_RETURN(const auto newest, NewestTime(*shipped_, metric));
    if (!newest.has_value()) return absl::DataLossError("the shipped metrics have no samples");
    question.range = {*newest - 24 * kMinute, *newest, kSecond};
    TSDB_ASSIGN_OR_RETURN(const auto series, ListSeries(*shipped_, metric));
    const Snapshot snapshot = shipped_->NewSnapshot();
    std::map<std::string, std::vector<double>> counts;
    for (const SeriesEntry& entry : series) {
      Column column;
      Cursor cursor = snapshot.Scan(entry.series);
      for (ColumnBlock block; cursor.Next(block);) {
        column.times.insert(column.times.end(), block.timestamps.begin(), block.timestamps.end());
        column.values.insert(column.values.end(), block.values.begin(), block.values.end());
      }
      AddSeries(column, std::string(entry.labels.Get("mode")), kMinute, RateByHand, question,
                counts);
    }
    questions_.push_back(std::move(question));
    return absl::OkStatus();
  }

  absl::StatusOr<Run> Ask(Database& database, size_t way, uint32_t threads,
                          uint64_t passes) override {
    TSDB_RETURN_IF_ERROR(shipped_status_);
    const Question& question = questions_[way];
    PromqlOptions options;
    options.query.threads = threads;
    if (!question.shipped) options.query.freshness = Freshness::kMerged;
    Run run;
    run.answers = passes;
    for (uint64_t pass = 0; pass < passes; ++pass) {
      const auto begin = Clock::now();
      const auto result = RunPromqlRange(question.shipped ? *shipped_ : database,
                                         question.expression, question.range, options);
      run.seconds += SecondsBetween(begin, Clock::now());
      TSDB_RETURN_IF_ERROR(result.status());
      TSDB_RETURN_IF_ERROR(Compare(question, *result));
    }
    return run;
  }

  static absl::Status Compare(const Question& question, const PromqlResult& result) {
    const auto wrong = [&](const std::string& what) {
      return absl::DataLossError("query " + question.name + ": " + what);
    };
    if (result.series.size() != question.rows.size()) {
      return wrong(std::to_string(result.series.size()) + " series, should be " +
                   std::to_string(question.rows.size()));
    }
    for (const PromqlSeries& series : result.series) {
      const auto truth = question.rows.find(std::string(series.labels.Get(question.row_label)));
      if (truth == question.rows.end()) return wrong("unexpected " + series.labels.ToString());
      for (const Sample& sample : series.samples) {
        const auto step =
            static_cast<size_t>((sample.timestamp - question.range.start) / question.range.step_ms);
        const double expected = truth->second[step];
        if (std::abs(sample.value - expected) <= 1e-9 * (1 + std::abs(expected))) continue;
        return wrong(series.labels.ToString() + " at step " + std::to_string(step) + " is " +
                     std::to_string(sample.value) + ", should be " + std::to_string(expected));
      }
      if (series.samples.size() < question.steps() - 1) return wrong("steps are missing");
    }
    return absl::OkStatus();
  }

  double AskByHand(const HandRolledStore&, size_t, uint32_t) override { return kNone; }

  void AddRow(const ReadingRow& row) override {
    const Question& question = questions_[row.way];
    JsonObject object = SharedFields(row);
    object.Add("queries", row.answers)
        .Add("steps", uint64_t{question.steps()})
        .Add("samples_per_query", question.samples)
        .Add("queries_per_second", row.Headline())
        .Add("query_milliseconds", 1e3 / row.Headline());
    row.rate.AddTo(object, "queries_per_second");
    SharedEnd(row, object);
    report_.AddRow(
        {std::to_string(row.threads), WayName(row.way), std::to_string(question.steps()),
         Quantity(static_cast<double>(question.samples)), Decimal(1e3 / row.Headline(), 3),
         Decimal(1e3 / row.rate.Median(), 3), Decimal(1e3 / row.rate.Min(), 3)},
        object);
  }

  std::vector<Question> questions_;
  std::unique_ptr<Database> shipped_;
  absl::Status shipped_status_;
};

}  // namespace
}  // namespace tsdb::benchmark

int main(int argc, char** argv) {
  using namespace tsdb::benchmark;
  return RunReadingBenchmark<QueryBenchmark>(argc, argv, Program::kQuery, "query_benchmark");
}
