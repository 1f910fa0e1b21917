#include "benchmark/label_workload.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace tsdb::benchmark {
namespace {

std::string Digits(std::string_view before, uint32_t number, unsigned digits,
                   std::string_view after = "") {
  std::string text(before);
  text.resize(before.size() + digits);
  for (size_t i = text.size(); i > before.size(); number /= 10) {
    text[--i] = static_cast<char>('0' + number % 10);
  }
  return text.append(after);
}

}  // namespace

std::string MetricText(uint32_t job, uint32_t metric) {
  std::string text = Digits("job_", job, 2, "_metric_");
  return text.append(std::to_string(metric)).append("_total");
}
std::string InstanceText(uint32_t host) { return Digits("host-", host, 6, ":9100"); }
std::string JobText(uint32_t job) { return Digits("job-", job, 2); }
std::string RackText(uint32_t rack) { return Digits("rack-", rack, 4); }
std::string RegionText(uint32_t region) { return Digits("europe-west-", region, 1); }
std::string ShardText(uint32_t shard) { return Digits("shard-", shard, 2); }

Labels LabelsOfNumbers(const LabelNumbers& numbers) {
  const std::string metric = MetricText(numbers.job, numbers.metric);
  const std::string instance = InstanceText(numbers.host);
  const std::string job = JobText(numbers.job);
  const std::string rack = RackText(numbers.rack);
  const std::string region = RegionText(numbers.region);
  const std::string shard = ShardText(numbers.shard);
  const auto labels = Labels::Create({{kMetricNameLabel, metric},
                                      {"instance", instance},
                                      {"job", job},
                                      {"rack", rack},
                                      {"region", region},
                                      {"shard", shard}});
  if (!labels.ok()) {
    std::fprintf(stderr, "labels of the workload are refused\n");
    std::abort();
  }
  return *labels;
}

}  // namespace tsdb::benchmark
