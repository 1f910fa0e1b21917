// A log in files in memory, and what it says when it is opened again.
//
// Thread safety: one thread, but for using the log.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/wal/local_log.h"
#include "test/bytes.h"
#include "test/faults/fault_file_system.h"
#include "test/faults/memory_file_system.h"

namespace tsdb::wal {

inline constexpr char kDirectory[] = "/log";

using Batch = std::pair<uint8_t, std::string>;

struct Replayed {
  absl::Status status;
  ReplayReport report;
  std::vector<std::pair<uint64_t, Batch>> batches;  // by sequence number
  std::unique_ptr<LocalLog> log;
};

inline Replayed OpenLog(FileSystem* files, const LocalLogOptions& options = {}, uint64_t from = 1) {
  Replayed replayed;
  auto log = LocalLog::Open(
      files, kDirectory, options, from,
      [&](uint64_t sequence, uint8_t kind, std::span<const uint8_t> payload) {
        replayed.batches.push_back({sequence, {kind, std::string(payload.begin(), payload.end())}});
        return absl::OkStatus();
      },
      &replayed.report);
  replayed.status = log.status();
  if (log.ok()) replayed.log = *std::move(log);
  return replayed;
}

// The batch with this number, of a length that depends on it.
inline std::string Payload(uint64_t sequence) {
  std::string text = "batch " + std::to_string(sequence) + " ";
  text.resize(text.size() + sequence * 7 % 90, static_cast<char>('a' + sequence % 26));
  return text;
}

// Appends batches first .. last, numbered as they are.
inline void AppendPayloads(Log& log, uint64_t first, uint64_t last) {
  for (uint64_t i = first; i <= last; ++i) {
    const auto sequence = log.Append(1, Bytes(Payload(i)));
    REQUIRE(sequence.ok());
    REQUIRE(*sequence == i);
  }
}

// Everything that was replayed is what was appended under its number.
inline void RequireTrue(const Replayed& replayed) {
  for (const auto& [sequence, batch] : replayed.batches) {
    REQUIRE(batch.first == 1);
    REQUIRE(batch.second == Payload(sequence));
  }
}

}  // namespace tsdb::wal
