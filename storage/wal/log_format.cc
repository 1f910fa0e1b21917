#include "storage/wal/log_format.h"

#include <cstring>

#include "storage/base/coding.h"
#include "storage/base/crc32c.h"
#include "storage/wal/log.h"

namespace tsdb::wal {
namespace {

constexpr uint8_t kFileMagic[8] = {'t', 's', 'd', 'b', ' ', 'l', 'o', 'g'};
constexpr uint32_t kBatchMagic = 0x62676f6c;  // "logb"
constexpr char kSuffix[] = ".log";
constexpr size_t kDigits = 16;

uint64_t Padded(uint64_t bytes) {
  return (bytes + kLogAlignment - 1) & ~uint64_t{kLogAlignment - 1};
}

// Over all of the header but magic and checksum, and the payload with its padding.
uint32_t BatchChecksum(const uint8_t* batch, uint64_t padded_payload) {
  return crc32c::Compute({batch + 8, kBatchHeaderBytes - 8 + padded_payload});
}

}  // namespace

std::string LogFileName(uint64_t first_sequence) {
  std::string name(kDigits, '0');
  for (size_t i = kDigits; i-- > 0; first_sequence >>= 4) {
    name[i] = "0123456789abcdef"[first_sequence & 15];
  }
  return name + kSuffix;
}

std::optional<uint64_t> ParseLogFileName(const std::string& name) {
  if (name.size() != kDigits + sizeof(kSuffix) - 1 || name.substr(kDigits) != kSuffix) return {};
  uint64_t sequence = 0;
  for (size_t i = 0; i < kDigits; ++i) {
    const char c = name[i];
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return {};
    sequence = sequence << 4 | static_cast<uint64_t>(digit);
  }
  if (sequence == 0) return {};  // batches are numbered from 1
  return sequence;
}

void PutFileHeader(uint64_t first_sequence, std::vector<uint8_t>& out) {
  const size_t at = out.size();
  out.insert(out.end(), kFileMagic, kFileMagic + sizeof(kFileMagic));
  AppendFixed32(&out, kLogVersion);
  AppendFixed32(&out, 0);
  AppendFixed64(&out, first_sequence);
  AppendFixed32(&out, 0);
  AppendFixed32(&out, crc32c::Compute({out.data() + at, kFileHeaderBytes - 4}));
}

HeaderCheck CheckFileHeader(std::span<const uint8_t> file, uint64_t first_sequence,
                            uint32_t* version) {
  if (file.size() < kFileHeaderBytes ||
      std::memcmp(file.data(), kFileMagic, sizeof(kFileMagic)) != 0 ||
      GetFixed32(file.data() + 28) != crc32c::Compute(file.first(kFileHeaderBytes - 4))) {
    return HeaderCheck::kBad;
  }
  *version = GetFixed32(file.data() + 8);
  if (*version != kLogVersion) return HeaderCheck::kOtherVersion;
  return GetFixed64(file.data() + 16) == first_sequence ? HeaderCheck::kGood : HeaderCheck::kBad;
}

void PutBatch(uint64_t sequence, uint64_t durable, uint8_t kind, std::span<const uint8_t> payload,
              std::vector<uint8_t>& out) {
  const size_t at = out.size();
  const uint64_t padded = Padded(payload.size());
  out.resize(at + kBatchHeaderBytes + padded);
  uint8_t* batch = out.data() + at;
  PutFixed32(batch, kBatchMagic);
  PutFixed32(batch + 8, static_cast<uint32_t>(payload.size()));
  PutFixed32(batch + 12, kind);
  PutFixed64(batch + 16, sequence);
  PutFixed64(batch + 24, durable);
  if (!payload.empty()) {
    std::memcpy(batch + kBatchHeaderBytes, payload.data(), payload.size());
  }
  PutFixed32(batch + 4, BatchChecksum(batch, padded));
}

std::optional<BatchView> ReadBatch(std::span<const uint8_t> bytes) {
  if (bytes.size() < kBatchHeaderBytes || GetFixed32(bytes.data()) != kBatchMagic) return {};
  const uint64_t length = GetFixed32(bytes.data() + 8);
  const uint64_t padded = Padded(length);
  if (length > kBatchBytesMax || padded > bytes.size() - kBatchHeaderBytes) return {};
  if (GetFixed32(bytes.data() + 4) != BatchChecksum(bytes.data(), padded)) return {};
  const uint32_t kind = GetFixed32(bytes.data() + 12);
  if (kind > UINT8_MAX) return {};
  BatchView batch;
  batch.sequence = GetFixed64(bytes.data() + 16);
  batch.durable = GetFixed64(bytes.data() + 24);
  batch.kind = static_cast<uint8_t>(kind);
  batch.payload = bytes.subspan(kBatchHeaderBytes, length);
  batch.length = kBatchHeaderBytes + padded;
  return batch;
}

}  // namespace tsdb::wal
