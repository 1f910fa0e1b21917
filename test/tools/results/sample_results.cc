#include "test/tools/results/sample_results.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <utility>

namespace tsdb::tools {
namespace {

constexpr Timestamp kThree = 1795230000000;  // 2026-11-21 03:00:00
constexpr int64_t kStep = 15'000;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNan = std::nan("");

SampleResult Range(std::string expression, int64_t steps) {
  SampleResult sample;
  sample.result.type = PromqlType::kMatrix;
  sample.question = {std::move(expression), kThree, kThree + steps * kStep, kStep};
  return sample;
}

SampleResult Instant(std::string expression, PromqlType type) {
  SampleResult sample;
  sample.result.type = type;
  sample.question = {std::move(expression), kThree, kThree, 0};
  return sample;
}

std::vector<Sample> Course(int64_t steps, const std::function<double(double)>& value) {
  std::vector<Sample> samples;
  for (int64_t i = 0; i <= steps; ++i) {
    // Rounded, so that no library's last digit of a sine shows in what is printed.
    const double exact = value(static_cast<double>(i));
    samples.push_back({kThree + i * kStep, std::round(exact * 1000) / 1000});
  }
  return samples;
}

SampleResult OneSeries() {
  SampleResult sample = Range("rate(http_requests_total[5m])", 240);
  sample.result.series.push_back(MakeSeries(
      {{"job", "api"}}, Course(240, [](double i) { return 50 + 40 * std::sin(i / 20); })));
  return sample;
}

SampleResult SeveralSeries() {
  SampleResult sample = Range("sum by (host)(rate(http_requests_total[5m]))", 240);
  int k = 0;
  for (const char* host : {"alpha", "beta", "gamma", "delta"}) {
    sample.result.series.push_back(
        MakeSeries({{"host", host}, {"job", "api"}}, Course(240, [&](double i) {
                     return 1000.0 * (k + 1) + 400 * std::sin(i / (15 + 5 * k) + k);
                   })));
    ++k;
  }
  return sample;
}

SampleResult ManySeries() {
  SampleResult sample = Range("node_load1", 60);
  for (int k = 0; k < 12; ++k) {
    const std::string host = "host-" + std::to_string(k);
    sample.result.series.push_back(MakeSeries(
        {{"__name__", "node_load1"}, {"instance", host}},
        Course(60, [&](double i) { return (k * 7 % 12) * 0.25 + 0.1 * std::cos(i / 7 + k); })));
  }
  return sample;
}

SampleResult Gaps() {
  SampleResult sample = Range("up * on(x) y", 40);
  std::vector<Sample> samples = Course(40, [](double i) { return i; });
  for (size_t i : {3, 4, 20, 22}) samples[i].value = kNan;
  samples[10].value = kInfinity;
  samples[11].value = -kInfinity;
  samples.erase(samples.begin() + 26, samples.begin() + 32);
  sample.result.series.push_back(MakeSeries({{"__name__", "up"}}, std::move(samples)));
  return sample;
}

SampleResult NoNumbers() {
  SampleResult sample = Range("0 / 0", 4);
  sample.result.series.push_back(MakeSeries({}, Course(4, [](double) { return kNan; })));
  return sample;
}

SampleResult RawSamples() {
  SampleResult sample = Instant("temperature[1h]", PromqlType::kMatrix);
  sample.result.series.push_back(
      MakeSeries({{"__name__", "temperature"}, {"room", "kitchen"}},
                 {{kThree - 3000'000, 20.5}, {kThree - 2000'123, 21}, {kThree - 1000'000, -3.25}}));
  sample.result.series.push_back(MakeSeries({{"__name__", "temperature"}, {"room", "hall"}},
                                            {{kThree - 2500'500, 18}, {kThree - 500'000, 19}}));
  return sample;
}

SampleResult Vector() {
  SampleResult sample = Instant("topk(5, process_resident_memory_bytes)", PromqlType::kVector);
  const auto add = [&](const char* job, const char* instance, double value) {
    sample.result.series.push_back(MakeSeries(
        {{"__name__", "memory_bytes"}, {"env", "prod"}, {"instance", instance}, {"job", job}},
        {{kThree + 123, value}}));
  };
  add("api", "10.0.0.1:9090", 1234567890);
  add("api", "10.0.0.2:9090", 987654321.5);
  add("db", "10.0.0.3:9090", 0.0000001234);
  add("db", "10.0.0.4:9090", 0);
  add("cache", "10.0.0.5:9090", 5e8);
  sample.result.warnings = {"PromQL warning: a <b> & \"c\" (1:1)"};
  sample.result.infos = {"PromQL info: metric might not be a counter (1:6)"};
  return sample;
}

SampleResult OddVector() {
  SampleResult sample = Instant("delta(x[5m])", PromqlType::kVector);
  const auto add = [&](const char* name, double value) {
    sample.result.series.push_back(MakeSeries({{"a", name}}, {{kThree, value}}));
  };
  add("negative", -40);
  add("positive", 60);
  add("none", kNan);
  add("up", kInfinity);
  add("down", -kInfinity);
  add("minus zero", -0.0);
  return sample;
}

SampleResult Hostile() {
  SampleResult sample =
      Range("x{a=\"</title></script><script>alert(1)</script>\"}\x1b[2J\xff\n# |*_`<b>", 20);
  const std::string huge(65536, 'x');
  const std::string wide = "日本語ラベル";
  const std::string steering = "\x1b]0;title\x07\x1b[2J\r\n\t\x7f\xC2\x9B";
  const std::string turning =
      "\xE2\x80\xAE"
      "evil\xE2\x80\xA8 \xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D";
  const char* values[] = {"</script><script>alert(1)</script><!--", "\"'`\\|,;\r\n=1+1",
                          "]]>&amp;&#x3c;", ""};
  for (size_t k = 0; k < std::size(values); ++k) {
    const double top = static_cast<double>(k);
    sample.result.series.push_back(MakeSeries({{"__name__", "x y"},
                                               {"a", values[k]},
                                               {"b</script>|\n", k == 0 ? huge : wide},
                                               {"c", k == 1 ? steering : turning},
                                               {"d", k == 2 ? "\xEF\xBF\xBF" : "e\xCC\x81"}},
                                              Course(20, [&](double i) { return i * top; })));
  }
  sample.result.warnings = {"PromQL warning: \xff</script>\xE2\x80\xA8"};
  return sample;
}

SampleResult Empty() { return Instant("absent_metric", PromqlType::kVector); }

SampleResult EmptyRange() { return Range("absent_metric", 10); }

SampleResult Scalar() {
  SampleResult sample = Instant("1e21 / 3", PromqlType::kScalar);
  sample.result.series.push_back(MakeSeries({}, {{kThree + 500, 1e21 / 3}}));
  return sample;
}

SampleResult String() {
  SampleResult sample = Instant("\"text\"", PromqlType::kString);
  sample.result.text = "a \"text\", with <tags> | a\nnewline and \xff bytes";
  return sample;
}

using Maker = SampleResult (*)();
constexpr std::pair<const char*, Maker> kSamples[] = {
    {"one", OneSeries}, {"several", SeveralSeries},  {"many", ManySeries},
    {"gaps", Gaps},     {"nan", NoNumbers},          {"raw", RawSamples},
    {"vector", Vector}, {"odd", OddVector},          {"hostile", Hostile},
    {"empty", Empty},   {"empty_range", EmptyRange}, {"scalar", Scalar},
    {"string", String}};

}  // namespace

PromqlSeries MakeSeries(std::initializer_list<Label> labels, std::vector<Sample> samples) {
  PromqlSeries series;
  series.samples = std::move(samples);
  if (labels.size() == 0) return series;
  absl::StatusOr<Labels> made = Labels::Create(labels);
  if (!made.ok()) {
    std::fprintf(stderr, "%s\n", std::string(made.status().message()).c_str());
    std::abort();
  }
  series.labels = *std::move(made);
  return series;
}

const std::vector<std::string>& SampleNames() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const auto& [name, maker] : kSamples) names.emplace_back(name);
    return names;
  }();
  return kNames;
}

SampleResult MakeSample(const std::string& name) {
  for (const auto& [each, maker] : kSamples) {
    if (name == each) return maker();
  }
  std::fprintf(stderr, "no sample is called %s\n", name.c_str());
  std::abort();
}

}  // namespace tsdb::tools
