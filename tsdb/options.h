// What can be chosen when a database is opened. Every default is right for most; each comment says
// when to change it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace tsdb {

// Which of two records with equal (series, timestamp) is kept. "Later" is program order within one
// appender; across appenders a record is later if it was appended after the other's Commit
// returned.
enum class DuplicatePolicy : uint8_t { kLastWins, kFirstWins };

// What a commit awaited as durable has survived when Await returns, in a database with a directory.
enum class Durability : uint8_t {
  kAsync,  // the end of this process, however it comes; the loss of power once sync_interval_ms
           // passed
  kSync,   // the loss of power
};

// How leaves are compressed in segments, beyond their encoding.
enum class Compression : uint8_t {
  kNone,
  kLz4,  // in groups of 16 KiB, in segments where that saves a tenth or more
};

struct Options {
  // Where the database lives: a directory of its own, made if its parent exists. Empty: in memory,
  // gone when closed. The directory holds segments, files of encoded leaves that are mapped and
  // read where they lie, and the log of what is not in them yet.
  std::string directory;

  // Change to true to read a database that another process may be writing. It must exist; nothing
  // in it is changed; what is seen is what was there when it was opened: open it again to see more.
  // The part of the log that is not in segments yet must fit the memory budget.
  bool read_only = false;

  // Change to true to read before the log is read back, which takes about half a second for 100 M
  // records: Open returns once the segments are open; snapshots taken until the log is read say
  // that they are not complete; whatever writes, and Recovery, waits for it. See
  // Database::AwaitOpened. Of no effect with read_only.
  bool serve_while_opening = false;

  // Change to kSync when what was acknowledged must survive the loss of power. A durable commit
  // then waits for the disk; one wait serves all who commit meanwhile.
  Durability durability = Durability::kAsync;

  // Everything logged is made durable after this time at the latest. Lower it to lose less at a
  // loss of power, raise it on disks that sync slowly.
  uint32_t sync_interval_ms = 100;

  // How long a sync in mode kSync is put off so that more commits can share it, 0 to 100. Raise it
  // when many threads commit little each.
  uint32_t sync_delay_us = 0;

  // A log file is ended, and another begun, once it is this long; at least 64 KiB. Its space is
  // allocated ahead. Lower it where space is scarce.
  uint64_t log_file_bytes = uint64_t{64} << 20;

  // A checkpoint moves leaves into segments, so that they need no memory, the log before it can go,
  // and opening need not replay it. One is made when the log has grown by this since the last one,
  // when encoded leaves in memory take a quarter of the budget, and when the database is closed.
  // Lower it to open faster after a crash.
  uint64_t checkpoint_log_bytes = uint64_t{256} << 20;
  // Change to false to close at once, and open by replaying the log.
  bool checkpoint_on_close = true;

  // Series scraped together repeat each other, so compressing their leaves together takes real
  // metrics to a half. What is read is unpacked into a cache, a quarter of the memory budget at
  // most, that gives way to what is written. Change to kNone when single samples of old data are
  // looked up at random: unpacking costs 10 us where the cache does not have it, and so that a
  // damaged byte costs one leaf, not those of a group: fifteen or so, more of constant series.
  // Segments written before stay as they are.
  Compression compression = Compression::kLz4;

  // Bound on write buffer and stored data in memory together, in bytes. 0: half of the machine's
  // (or its container's) memory. Set it when the process has other large tenants. Once it is
  // reached, appends to a database with a directory wait for a checkpoint to move leaves into
  // segments; where there are none to move, and in memory, they are refused with
  // kResourceExhausted. Nothing already accepted is lost. What always stays in memory: the labels,
  // an open leaf of up to 8 KiB for each series with more than some 30 samples, all samples of the
  // others, and some 40 bytes for each leaf.
  uint64_t memory_budget_bytes = 0;

  // Records older than this by the machine's clock are deleted, within a hundredth of it. 0: none
  // are.
  int64_t retention_ms = 0;
  // Once the records stored take more than this many bytes, the oldest are deleted, a twentieth at
  // least. 0: no bound. Set it below the budget for a database in memory that is to forget instead
  // of refusing.
  uint64_t retention_bytes = 0;

  // Part of the budget that holds records between append and merge. 0: 2 MiB for each processor,
  // which stay in its caches, but at most a sixteenth of the budget. More of it lets writers run
  // further ahead of the merge in bursts, at the price of that (32 writers on 2 processors: 289 M
  // records/s merged with 4 MiB, 170 M with 16 MiB).
  uint64_t write_buffer_bytes = 0;

  // Memory for stored data that is mapped and touched when the database is opened, at most half of
  // the budget. 0: data takes memory from the system as it grows, which costs nothing up front, but
  // a first touch of every page on the way in. Set it to what the data will take when ingest must
  // run at full speed from the start, above all in virtual machines whose host hands out memory
  // slowly; opening takes the longer for it.
  uint64_t prefault_bytes = 0;

  // Threads that merge beside the appending threads (which merge too, when no other core is free
  // to). 0: one per core. Lower it to leave cores to the rest of the process.
  size_t merge_threads = 0;

  // Change to kFirstWins when re-sent data must never alter what is stored.
  DuplicatePolicy duplicates = DuplicatePolicy::kLastWins;

  // Distinct series accepted, at most 2^31; registering one more is refused with
  // kResourceExhausted.
  uint32_t series_max = 100'000'000;

  // How often a database with a directory writes what Statistics says, some 10 KB, into its file
  // STATS, which `tsdb watch`, `tsdb advise` and Prometheus's node_exporter read. Raise it, or
  // change it to 0, never, where such a write is too much: for a disk that is to rest, or one over
  // a slow network. Of no effect with read_only.
  uint32_t stats_interval_ms = 1000;
};

}  // namespace tsdb
