// Series with six labels of about 115 bytes together, each a function of its number, so that who
// has which label is known without a look at any index.
//
//   __name__="job_07_metric_3_total"   ten of each host, or more (500 names or more in all)
//   instance="host-012345:9100"        the number / 10, of 100,000 at most
//   job="job-07"                       2 % of the series each
//   rack="rack-0123"                   0.1 % each
//   region="europe-west-1"             20 % each
//   shard="shard-42"                   1 % each
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <string>

#include "storage/base/labels.h"

namespace tsdb::benchmark {

inline constexpr uint32_t kHosts = 100'000;

struct LabelNumbers {
  explicit LabelNumbers(uint32_t series)
      : host(series / 10 % kHosts),
        metric(series % 10 + series / (10 * kHosts) * 10),
        job(host % 50),
        rack(host % 1000),
        region(host / 50 % 5),
        shard(host / 7 % 100) {}

  uint32_t host, metric, job, rack, region, shard;
};

std::string MetricText(uint32_t job, uint32_t metric);
std::string InstanceText(uint32_t host);
std::string JobText(uint32_t job);
std::string RackText(uint32_t rack);
std::string RegionText(uint32_t region);
std::string ShardText(uint32_t shard);

Labels LabelsOfNumbers(const LabelNumbers& numbers);

}  // namespace tsdb::benchmark
