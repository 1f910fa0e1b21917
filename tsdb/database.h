// A database: series, appenders that write them, snapshots that read them, and the ledger that
// accounts for every record in between.
//
// Thread safety: every method from any thread. Appenders, Tickets, Snapshots and Cursors must be
// gone before the Database is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/base/labels.h"
#include "storage/base/types.h"
#include "tsdb/appender.h"
#include "tsdb/options.h"
#include "tsdb/snapshot.h"

namespace tsdb {

// Where every record is, in records. Each term is counted where it happens, none is derived from
// the others, so that a difference shows a defect.
struct Ledger {
  uint64_t appended = 0;                 // offered to Append and AppendColumns
  uint64_t rejected_unknown_series = 0;  // refused: no such SeriesId
  uint64_t rejected_budget = 0;          // refused: memory budget used up
  uint64_t rejected_closed = 0;          // refused: database closed
  uint64_t rejected_log = 0;             // refused: the log failed
  uint64_t accepted = 0;                 // taken in
  uint64_t buffered_open = 0;            // in open chunks, not yet handed to the merge
  uint64_t buffered_sealed = 0;          // handed to the merge, not yet applied to the tree
  uint64_t buffered_late = 0;            // readable beside their leaves, not yet merged into them
  uint64_t merged = 0;                   // in leaves, or replaced there
  uint64_t in_tree = 0;                  // records in leaves
  uint64_t replaced = 0;  // duplicates of (series, timestamp) that gave way to another record
  uint64_t deleted = 0;   // removed by deletes and retention

  uint64_t Rejected() const {
    return rejected_unknown_series + rejected_budget + rejected_closed + rejected_log;
  }
  uint64_t Buffered() const { return buffered_open + buffered_sealed + buffered_late; }
  // appended = accepted + rejected, accepted = merged + buffered, merged = in tree + replaced +
  // deleted. Exact when no append or merge is running; while they run, terms are read one after the
  // other.
  bool Balanced() const {
    return appended == accepted + Rejected() && accepted == merged + Buffered() &&
           merged == in_tree + replaced + deleted;
  }
};

// What opening a database with a directory read back from its log.
struct RecoveryReport {
  uint64_t checkpoint_records = 0;  // loaded from the checkpoint
  uint64_t batches = 0;             // of the log since then, and their bytes
  uint64_t bytes = 0;
  uint64_t log_records = 0;  // replayed; with the checkpoint's they count as appended and accepted
  uint64_t torn_bytes = 0;   // at the log's end: on their way when the process or the power went
  uint64_t orphans = 0;      // records dropped because the labels of their series are lost
  // Every stretch of a file that is not what was written, with file, offset, length and what it
  // cost. Empty: nothing that was durable is missing.
  std::vector<std::string> damage;
  // Files in the log's folder that are none of the log's, by path; left alone.
  std::vector<std::string> foreign;
};

// A field added here needs a name in figures.cc, which does not compile without.
struct Stats {
  Ledger ledger;

  uint64_t series = 0;
  uint64_t series_bytes = 0;     // labels, the table that finds them and the label index
  uint64_t series_refused = 0;   // registrations refused because of Options::series_max
  uint64_t leaves = 0;           // encoded leaves
  uint64_t leaf_splits = 0;      // leaves cut in two or more because merging made them too large
  uint64_t leaf_rewrites = 0;    // leaves replaced to take in late records
  uint64_t encoded_records = 0;  // records in encoded leaves
  uint64_t encoded_bytes = 0;    // their bytes, headers and statistics included
  uint64_t mapped_leaves = 0;    // of the encoded leaves, those that lie in segments, not in memory
  uint64_t mapped_bytes = 0;     // and their bytes
  uint64_t open_records = 0;     // records in open leaves, shared leaves' deltas and late buffers
  uint64_t open_bytes = 0;       // bytes allocated for these
  uint64_t index_bytes = 0;      // inner nodes and pages of the tree
  // Leaves by encoding, in the order of TimestampEncodingName and ValueEncodingName.
  std::array<uint64_t, 8> timestamp_encodings{};
  std::array<uint64_t, 8> value_encodings{};

  uint64_t appenders = 0;
  uint64_t chunks = 0;              // chunks allocated
  uint64_t chunk_bytes = 0;         // their bytes: the write buffer as it is now
  uint64_t chunk_bytes_max = 0;     // and its bound
  uint64_t chunks_sealed = 0;       // parts handed to the merge since the start
  uint64_t sealed_queue_depth = 0;  // parts waiting for a merge now
  // CPU time spent in merges, all threads, and in sorting into runs, a part of every merge; both
  // estimated from one merge in eight.
  uint64_t merge_ns = 0;
  uint64_t merge_sort_ns = 0;
  uint64_t encoded_ahead = 0;  // leaves of hot series encoded while another thread merged them
  uint64_t helped = 0;         // merges run by writers for want of a free chunk
  uint64_t helping_ns = 0;     // time writers spent in them
  uint64_t blocked = 0;        // waits of writers for a chunk when there was nothing to help with
  uint64_t blocked_ns = 0;
  uint64_t commit_wait_ns = 0;  // waits for tickets and fresh snapshots, merging included

  uint64_t log_batches = 0;       // appended to the log since the start
  uint64_t log_bytes = 0;         // of them
  uint64_t log_syncs = 0;         // waits of the log for the disk
  uint64_t log_blocked_ns = 0;    // merges' waits for the log to take more
  uint64_t checkpoints = 0;       // written since the start
  uint64_t checkpoint_bytes = 0;  // of all of them
  uint64_t compacted_bytes = 0;   // of these, leaves copied from older segments
  uint64_t checkpoint_failures = 0;
  uint64_t checkpoint_wait_ns = 0;  // waits of writers for a checkpoint to free memory
  uint64_t segments = 0;            // files of leaves
  uint64_t segment_bytes = 0;

  // Of compressed segments: reads of leaves that were in the cache (less up to 1,023 a thread),
  // groups of some 15 leaves, of constant series some 400, unpacked because one was not, and their
  // bytes in memory now.
  uint64_t cache_hits = 0;
  uint64_t cache_loads = 0;
  uint64_t cache_bytes = 0;

  uint64_t retired_bytes = 0;      // replaced, kept for readers that may still look at them
  uint64_t reader_age_epochs = 0;  // how many reclamation rounds the oldest reader has been reading
  uint64_t memory_bytes = 0;       // all of the above memory
  uint64_t memory_budget_bytes = 0;
  uint64_t stats_failures = 0;  // writes of the file STATS that failed
};

// Names for the encodings counted in Stats; empty past the last one.
std::string TimestampEncodingName(size_t encoding);
std::string ValueEncodingName(size_t encoding);

class Engine;
class FileSystem;

class Database {
 public:
  // kInvalidArgument for options that contradict each other; kResourceExhausted when memory cannot
  // be had, or the budget is too small for what the directory holds; kFailedPrecondition when the
  // directory is no database, or another process has it open; kUnimplemented when a newer version
  // wrote it; errors of the file system as they come. Damaged files are no error: see Recovery.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const Options& options = {});
  ~Database();  // as Close(), dropping its Status
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // The id of the series with these labels, given now if there is none yet. About 100 ns when it
  // exists. kInvalidArgument for the empty label set, kResourceExhausted past Options::series_max.
  absl::StatusOr<SeriesId> FindOrCreateSeries(const Labels& labels);
  // kNotFound when there is none.
  absl::StatusOr<SeriesId> FindSeries(const Labels& labels) const;
  // kNotFound for an id that was never given.
  absl::StatusOr<Labels> SeriesLabels(SeriesId series) const;
  // Ids 0 .. SeriesCount() - 1 exist.
  SeriesId SeriesCount() const;

  // An Appender for one thread. Cheap; the first Append takes a chunk.
  Appender NewAppender();

  // kLatest first merges everything appended before the call (or helps to); kMerged takes what is
  // there.
  Snapshot NewSnapshot(SnapshotOptions options = {});

  // A barrier: everything appended before the call, on any thread, is merged into leaves, late
  // records too. Afterwards, when nothing is appended meanwhile, the ledger's buffered terms are
  // zero.
  absl::Status Flush();

  // Writes a checkpoint now, beside readers and writers: everything merged before the call. kOk at
  // once for a database in memory. An error leaves the checkpoint and log that were there.
  absl::Status Checkpoint();
  // The same, and writes segments that are small, or hold leaves that are dead, into new ones.
  // Every checkpoint does what is due of that; call it after large deletions, to have the space at
  // once.
  absl::Status Compact();

  // Compares the tree's invariants and record count, found by walking it, with the ledger.
  // kDataLoss says what differs. It flushes first; deletions, and retention, wait for its end. The
  // counts can be compared only when nothing is appended meanwhile.
  absl::Status Verify();

  Stats Statistics() const;

  // Returns once everything is read back that the directory held, and how that ended: at once but
  // for Options::serve_while_opening. Without it such an error is Open's; with it the database can
  // still be read, and every write fails with it. kCancelled when it was closed meanwhile.
  absl::Status AwaitOpened() const;

  // What was read back; all zero for a database in memory. Waits as AwaitOpened.
  const RecoveryReport& Recovery() const;

  // Writes a copy of everything merged before the call into `directory`, which must not exist or be
  // empty: a database of its own, durable on return. Beside readers and writers. Files are linked
  // where the file system can, else copied. kFailedPrecondition for a database in memory,
  // kAlreadyExists if there is something in the directory.
  absl::Status Backup(const std::string& directory);

  // Sets the value at (series, timestamp) to `desired` if it is `expected` (the same bits; nullopt:
  // there is none), and says whether it did. Atomic against appends to the same key and against
  // other calls: it sees every append that had returned before the call, and none comes between the
  // comparison and the write. On return it is as durable as Options::durability says, and so is
  // what it compared with. kNotFound without such a series; kFailedPrecondition for a value that
  // DuplicatePolicy::kFirstWins would not replace.
  absl::StatusOr<bool> CompareAndSet(SeriesId series, Timestamp timestamp,
                                     std::optional<double> expected, double desired);

  // Deletes the records of `series` with timestamps in the range that were appended before the
  // call, by whatever thread; returns how many. On return no reader sees them any more, and it is
  // as durable as Options::durability says. Their space in segments is freed by later checkpoints.
  // kNotFound, with nothing done, if there is no such series. Cost: whole leaves are dropped, those
  // at the ends of the range written anew.
  absl::StatusOr<uint64_t> Delete(std::span<const SeriesId> series, TimeRange range);

  // While the log is still being read back it stops that; nothing is lost. Otherwise it
  // flushes, makes the log durable and writes a checkpoint (see Options); appenders made after it
  // refuse every append. kFailedPrecondition, with nothing done, while an Appender is alive. Called
  // again, or on two threads at once, each call returns once that is done, with its Status. The
  // destructor calls it.
  absl::Status Close();

 private:
  friend class Appender;
  friend class Ticket;
  friend class Snapshot;
  friend class Cursor;
  friend class Engine;
  friend struct Internals;    // benchmarks and tests
  friend struct QueryAccess;  // tsdb/query.h
  explicit Database(std::unique_ptr<Engine> engine);
  Appender MakeAppender();
  std::unique_ptr<Engine> engine_;
};

}  // namespace tsdb
