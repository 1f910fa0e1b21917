// The bytes of log files: docs/formats/log.md.
//
// Thread safety: functions without state.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tsdb::wal {

inline constexpr uint32_t kLogVersion = 1;
inline constexpr size_t kFileHeaderBytes = 32;
inline constexpr size_t kBatchHeaderBytes = 32;
inline constexpr size_t kLogAlignment = 8;
// The kind of the batch that a log ends with when it was closed; says that all before it is
// durable. The log's own: no reader's visitor sees it.
inline constexpr uint8_t kClosing = 0;

// "0000000000000001.log": sixteen hexadecimal digits of the file's first sequence number.
std::string LogFileName(uint64_t first_sequence);
std::optional<uint64_t> ParseLogFileName(const std::string& name);

void PutFileHeader(uint64_t first_sequence, std::vector<uint8_t>& out);
enum class HeaderCheck : uint8_t { kGood, kBad, kOtherVersion };
HeaderCheck CheckFileHeader(std::span<const uint8_t> file, uint64_t first_sequence,
                            uint32_t* version);

// `durable`: the last sequence number known to be durable when the batch was appended. A batch that
// is broken, but named durable by a later one, was damaged; else it may just never have got there.
void PutBatch(uint64_t sequence, uint64_t durable, uint8_t kind, std::span<const uint8_t> payload,
              std::vector<uint8_t>& out);

struct BatchView {
  uint64_t sequence = 0;
  uint64_t durable = 0;
  uint8_t kind = 0;
  std::span<const uint8_t> payload;
  uint64_t length = 0;  // in the file, header and padding included
};
// The batch at the start of `bytes`, or nothing when there is none whole and unchanged.
std::optional<BatchView> ReadBatch(std::span<const uint8_t> bytes);

}  // namespace tsdb::wal
