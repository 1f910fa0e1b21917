#include "benchmark/peers/peer_checks.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "storage/base/status_macros.h"

namespace tsdb::benchmark {
namespace {

absl::Status Differs(SeriesId series, uint64_t sample, const char* what) {
  return absl::DataLossError("series " + std::to_string(series) + ", sample " +
                             std::to_string(sample) + " " + what);
}

// One series as it came back.
struct Columns {
  std::vector<Timestamp> timestamps;
  std::vector<double> values;
};

absl::Status CheckSeries(PeerReader& reader, const Workload& workload, SeriesId series,
                         Columns& columns) {
  columns.timestamps.clear();
  columns.values.clear();
  TSDB_RETURN_IF_ERROR(reader.Read(series, columns.timestamps, columns.values));
  const uint64_t size = columns.timestamps.size();
  if (columns.values.size() != size) return Differs(series, size, "has a time or a value too many");
  SeriesReader truth(workload, series, 0, workload.samples());
  uint64_t sample = 0;
  while (const size_t made = truth.Next()) {
    for (size_t i = 0; i < made; ++i, ++sample) {
      if (sample == size) return Differs(series, sample, "and what follows it are missing");
      if (columns.timestamps[sample] != truth.timestamps()[i] ||
          std::memcmp(&columns.values[sample], &truth.values()[i], sizeof(double)) != 0) {
        return Differs(series, sample, "is not what was written");
      }
    }
  }
  return sample == size ? absl::OkStatus() : Differs(series, sample, "was never written");
}

}  // namespace

absl::Status CheckPeerContent(Peer& peer, const Workload& workload) {
  std::atomic<SeriesId> next{0};
  const size_t threads = std::max(1u, std::thread::hardware_concurrency());
  std::vector<absl::Status> statuses(threads);
  // The counter only hands out work: relaxed is enough, joining publishes the statuses.
  const auto check = [&]() -> absl::Status {
    TSDB_ASSIGN_OR_RETURN(const std::unique_ptr<PeerReader> reader, peer.NewReader());
    Columns columns;
    for (SeriesId series;
         (series = next.fetch_add(1, std::memory_order_relaxed)) < workload.series();) {
      TSDB_RETURN_IF_ERROR(CheckSeries(*reader, workload, series, columns));
    }
    return absl::OkStatus();
  };
  {
    std::vector<std::jthread> running;
    for (size_t thread = 0; thread < threads; ++thread) {
      running.emplace_back([&, thread] { statuses[thread] = check(); });
    }
  }
  for (const absl::Status& status : statuses) TSDB_RETURN_IF_ERROR(status);
  return absl::OkStatus();
}

absl::Status CheckPeerTaken(Peer& peer, const Workload& workload) {
  TSDB_ASSIGN_OR_RETURN(const uint64_t taken, peer.RecordsTaken());
  if (taken == workload.records()) return absl::OkStatus();
  return absl::DataLossError("it took in " + std::to_string(taken) + " records, not " +
                             std::to_string(workload.records()));
}

}  // namespace tsdb::benchmark
