// What people embed today to keep time series, behind one small interface of our own, so that one
// program loads, checks and asks them all in the same way. Each adapter does what an informed user
// of that store would: docs/benchmarks.md has the options and the reasons.
//
// Thread safety: a Peer's methods from one thread, but for NewWriter and NewReader, which any
// thread may call at once with others. A writer or reader belongs to one thread; any number of
// them work at once; writers and readers never do. They must be gone before the Peer is closed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmark/input.h"
#include "benchmark/workload.h"
#include "storage/base/types.h"
#include "tsdb/snapshot.h"

namespace tsdb::benchmark {

// What records must survive once a commit has returned.
enum class Keeping : uint8_t {
  kMemory,  // nothing: no log, no waits for the disk, large batches
  kAsync,   // the end of the process: they were handed to the operating system
  kSync     // the loss of power
};

const char* KeepingName(Keeping keeping);

struct PeerOptions {
  std::string directory;  // of its own: empty, or with what the same peer left there
  Keeping keeping = Keeping::kMemory;
  uint32_t series = 0;        // ids 0 .. series - 1 are written
  uint64_t samples = 0;       // of each
  std::vector<Share> shares;  // of the writers, by series
  uint64_t records() const { return series * samples; }
};

struct RangeSum {
  uint64_t count = 0;
  double sum = 0;
};

class PeerWriter {
 public:
  virtual ~PeerWriter() = default;
  // Takes in a block of records one by one.
  virtual absl::Status Append(const RecordBlock& block) = 0;
  // Takes in a block whose records are of one series.
  virtual absl::Status AppendColumn(const RecordBlock& block) { return Append(block); }
  // Returns once everything appended by this writer is kept as PeerOptions says.
  virtual absl::Status Commit() { return absl::OkStatus(); }
  // Hands over what the writer still holds; nothing is appended later.
  virtual absl::Status Finish() { return Commit(); }
};

class PeerReader {
 public:
  virtual ~PeerReader() = default;
  // The value at exactly this time; none also when the store fails, since all that is asked for
  // exists and a miss stops the benchmark.
  virtual std::optional<double> Lookup(SeriesId series, Timestamp timestamp) = 0;
  // Over the samples of the range, each of them read.
  virtual RangeSum SumRange(SeriesId series, TimeRange range) = 0;
  // Of everything in the series [begin, end). `decode`: without what the store has summed up
  // before; of no effect where it sums nothing up.
  virtual Aggregate AggregateSeries(SeriesId begin, SeriesId end, bool decode) = 0;
  // Appends all samples of the series in the order of time.
  virtual absl::Status Read(SeriesId series, std::vector<Timestamp>& timestamps,
                            std::vector<double>& values) = 0;
};

class Peer {
 public:
  virtual ~Peer() = default;
  // For the share of this number.
  virtual absl::StatusOr<std::unique_ptr<PeerWriter>> NewWriter(size_t writer) = 0;
  // Makes everything readable that the writers, which are gone, have appended.
  virtual absl::Status Flush() { return absl::OkStatus(); }
  // What its users do once before they read much, such as a compaction; may take long.
  virtual absl::Status Settle() { return absl::OkStatus(); }
  virtual absl::StatusOr<std::unique_ptr<PeerReader>> NewReader() = 0;
  // Records it was handed, one that came twice counted twice. Only before it is reopened.
  virtual absl::StatusOr<uint64_t> RecordsTaken() = 0;
  // Memory that it says it uses, in bytes; nothing where it cannot say.
  virtual std::optional<uint64_t> MemoryBytes() { return std::nullopt; }
  // To be called once, before it is destroyed.
  virtual absl::Status Close() { return absl::OkStatus(); }
};

using OpenedPeer = absl::StatusOr<std::unique_ptr<Peer>>;

// One way to keep time series.
struct PeerKind {
  const char* name;
  OpenedPeer (*open)(const PeerOptions& options);  // null: its package was missing in the build
  const char* package;                             // the Debian package that it needs; or ""
  bool on_disk;          // keeps records in a directory, so can be reopened
  bool any_order;        // takes records that are not in the order of time
  bool slow;             // gets --peer-samples
  bool summaries;        // answers aggregates from statistics kept beside the data
  const char* settings;  // how it is set up, for the report
};

std::span<const PeerKind> PeerKinds();
// Null when there is none of this name.
const PeerKind* FindPeer(const std::string& name);

OpenedPeer OpenTsdb(const PeerOptions& options);
OpenedPeer OpenTsdbPrefaulted(const PeerOptions& options);
OpenedPeer OpenHandRolled(const PeerOptions& options);
OpenedPeer OpenBtreeMap(const PeerOptions& options);
OpenedPeer OpenThreadOwned(const PeerOptions& options);
OpenedPeer OpenRocksDb(const PeerOptions& options);
OpenedPeer OpenRocksDbBulk(const PeerOptions& options);
OpenedPeer OpenLmdb(const PeerOptions& options);
OpenedPeer OpenSqlite(const PeerOptions& options);

}  // namespace tsdb::benchmark
