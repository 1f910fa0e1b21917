#include "benchmark/import_text.h"

#include <charconv>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "storage/base/status_macros.h"
#include "tools/number_text.h"
#include "tools/output_file.h"

namespace tsdb::benchmark {
namespace {

using tools::Output;

std::string MetricOf(SeriesId series) {
  return absl::StrCat("node_m", series % kSeriesPerHost, "_seconds");
}
std::string InstanceOf(SeriesId series) {
  return absl::StrCat("host-", 100000 + series / kSeriesPerHost, ":9100");
}
std::string CpuOf(SeriesId series) { return absl::StrCat(series / kSeriesPerHost % 16); }
constexpr const char* kJob = "node";
constexpr const char* kRegion = "europe-west-1";

// What stands before a sample's numbers.
std::string Prefix(SeriesId series, TextFormat format) {
  const std::string metric = MetricOf(series), cpu = CpuOf(series), instance = InstanceOf(series);
  switch (format) {
    case TextFormat::kPrometheus:
    case TextFormat::kOpenMetrics:
      return absl::StrCat(metric, "{cpu=\"", cpu, "\",instance=\"", instance, "\",job=\"", kJob,
                          "\",region=\"", kRegion, "\"} ");
    case TextFormat::kJsonLines:
      return absl::StrCat(R"({"metric":{"__name__":")", metric, R"(","cpu":")", cpu,
                          R"(","instance":")", instance, R"(","job":")", kJob, R"(","region":")",
                          kRegion, R"("},)");
    case TextFormat::kCsv:
      return absl::StrCat(metric, ",", cpu, ",", instance, ",", kJob, ",", kRegion, ",");
    case TextFormat::kWideCsv:
      return absl::StrCat(cpu, ",", instance, ",", kJob, ",", kRegion, ",");
    case TextFormat::kInflux:
      return absl::StrCat("node,cpu=", cpu, ",instance=", instance, ",job=", kJob,
                          ",region=", kRegion, " ");
  }
  return "";
}

std::string Header(TextFormat format) {
  if (format == TextFormat::kCsv) return "__name__,cpu,instance,job,region,timestamp_ms,value\n";
  if (format != TextFormat::kWideCsv) return "";
  std::string header = "cpu,instance,job,region,timestamp_ms";
  for (SeriesId i = 0; i < kSeriesPerHost; ++i) (header += ',') += MetricOf(i);
  return header += '\n';
}

bool HasHostsInLines(TextFormat format) {
  return format == TextFormat::kWideCsv || format == TextFormat::kInflux;
}

// Samples of as many series as a line has, in order of time.
class Lines {
 public:
  Lines(const Workload& workload, SeriesId first, TextFormat format, Defect defect)
      : format_(format), defect_(defect), defect_at_(workload.samples() / 2) {
    const SeriesId count = HasHostsInLines(format) ? kSeriesPerHost : 1;
    for (SeriesId i = 0; i < count; ++i) {
      readers_.push_back(
          std::make_unique<SeriesReader>(workload, first + i, 0, workload.samples()));
    }
    prefix_ = Prefix(first, format);
    is_defect_ = defect != Defect::kNone && first == 0;
  }

  // Writes lines of the next samples, one, or all of one series of JSON; false at the end.
  bool WriteNext(Output& output) {
    if (format_ == TextFormat::kJsonLines) return WriteJson(output);
    if (place_ == filled_ && !Fill()) return false;
    line_ = prefix_;
    if (format_ == TextFormat::kCsv || format_ == TextFormat::kWideCsv) AddTime();
    for (size_t i = 0; i < readers_.size(); ++i) AddValue(i);
    if (format_ == TextFormat::kPrometheus || format_ == TextFormat::kOpenMetrics ||
        format_ == TextFormat::kInflux) {
      line_ += ' ';
      AddTime();
    }
    line_ += '\n';
    if (!IsDefect() || defect_ != Defect::kLostRecord) output << line_;
    ++place_;
    ++sample_;
    return true;
  }

 private:
  bool Fill() {
    place_ = 0;
    for (const auto& reader : readers_) filled_ = reader->Next();
    return filled_ > 0;
  }
  bool IsDefect() const { return is_defect_ && sample_ == defect_at_; }
  double Value(size_t reader) const {
    return readers_[reader]->values()[place_] + (IsDefect() ? 0.01 : 0);
  }
  void Add(int64_t number) {
    char text[24];
    line_.append(text, std::to_chars(text, text + sizeof(text), number).ptr);
  }
  void AddTime() {
    const Timestamp time = readers_[0]->timestamps()[place_];
    if (format_ == TextFormat::kOpenMetrics) {
      line_ += tools::ApiSeconds(time);
      return;
    }
    Add(time);
    if (format_ == TextFormat::kInflux) line_ += "000000";
    if (format_ == TextFormat::kCsv) line_ += ',';
  }
  void AddValue(size_t reader) {
    if (format_ == TextFormat::kWideCsv) line_ += ',';
    if (format_ == TextFormat::kInflux) {
      absl::StrAppend(&line_, reader == 0 ? "m" : ",m", reader, "_seconds=");
    }
    char text[32];
    line_.append(text, std::to_chars(text, text + sizeof(text), Value(reader)).ptr);
  }
  bool WriteJson(Output& output) {
    std::string values, times;
    for (; place_ < filled_ || Fill(); ++place_, ++sample_) {
      if (IsDefect() && defect_ == Defect::kLostRecord) continue;
      line_.clear();
      AddValue(0);
      (values += values.empty() ? "" : ",") += line_;
      line_.clear();
      AddTime();
      (times += times.empty() ? "" : ",") += line_;
    }
    if (values.empty()) return false;
    output << prefix_ << R"("values":[)" << values << R"(],"timestamps":[)" << times << "]}\n";
    return true;
  }

  const TextFormat format_;
  const Defect defect_;
  const uint64_t defect_at_;
  bool is_defect_ = false;
  std::vector<std::unique_ptr<SeriesReader>> readers_;
  std::string prefix_;
  std::string line_;
  size_t place_ = 0;
  size_t filled_ = 0;
  uint64_t sample_ = 0;
};

}  // namespace

const char* TextFormatName(TextFormat format) {
  constexpr const char* kNames[] = {"prometheus", "openmetrics", "jsonl",
                                    "csv",        "wide csv",    "influx"};
  return kNames[static_cast<size_t>(format)];
}

const char* TextFormatExtension(TextFormat format) {
  constexpr const char* kExtensions[] = {".prom", ".om", ".jsonl", ".csv", ".csv", ".lp"};
  return kExtensions[static_cast<size_t>(format)];
}

SeriesId TimesOf(SeriesId series, TextFormat format) {
  return HasHostsInLines(format) ? series - series % kSeriesPerHost : series;
}

absl::StatusOr<Labels> ImportedLabels(SeriesId series) {
  const std::string name = MetricOf(series), instance = InstanceOf(series), cpu = CpuOf(series);
  return Labels::Create({{kMetricNameLabel, name},
                         {"cpu", cpu},
                         {"instance", instance},
                         {"job", kJob},
                         {"region", kRegion}});
}

absl::Status WriteText(const Workload& workload, Order order, TextFormat format, Defect defect,
                       const std::string& path) {
  TSDB_ASSIGN_OR_RETURN(const auto file, tools::OutputFile::Open(path));
  Output& output = file->output();
  output << Header(format);
  std::vector<std::unique_ptr<Lines>> lines;
  const SeriesId step = HasHostsInLines(format) ? kSeriesPerHost : 1;
  for (SeriesId series = 0; series < workload.series(); series += step) {
    lines.push_back(std::make_unique<Lines>(workload, series, format, defect));
    if (order != Order::kSeries) continue;
    while (lines.back()->WriteNext(output)) continue;
    lines.clear();
  }
  for (bool more = !lines.empty(); more;) {
    for (const auto& each : lines) more = each->WriteNext(output);
  }
  if (format == TextFormat::kOpenMetrics) output << "# EOF\n";
  return file->Finish();
}

}  // namespace tsdb::benchmark
