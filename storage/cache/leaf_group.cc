#include "storage/cache/leaf_group.h"

#include <lz4.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/base/crc32c.h"
#include "storage/base/status_macros.h"

namespace tsdb::cache {

void AppendFrame(std::span<const uint8_t> group, std::vector<uint8_t>* to) {
  TSDB_CHECK(!group.empty() && group.size() <= kGroupBytes);
  const size_t start = to->size();
  const auto used = static_cast<int>(group.size());
  to->resize(start + kFramePrefixBytes + static_cast<size_t>(LZ4_compressBound(used)));
  uint8_t* const stored = to->data() + start + kFramePrefixBytes;
  // One byte less than the group: what would be no shorter is not packed.
  int bytes = LZ4_compress_default(reinterpret_cast<const char*>(group.data()),
                                   reinterpret_cast<char*>(stored), used, used - 1);
  if (bytes <= 0) {
    std::memcpy(stored, group.data(), group.size());
    bytes = used;
  }
  FrameHead head;
  head.stored = static_cast<uint32_t>(bytes);
  uint8_t* const prefix = to->data() + start;
  PutFixed32(prefix + 4, head.stored);
  PutFixed32(prefix + 8, static_cast<uint32_t>(used));
  PutFixed32(prefix + 12, 0);
  PutFixed32(prefix, crc32c::Compute({prefix + 4, kFramePrefixBytes - 4 + head.stored}));
  to->resize(start + kFramePrefixBytes + head.stored);
  to->resize(start + head.frame_bytes());
}

absl::StatusOr<FrameHead> ParseFrameHead(std::span<const uint8_t> bytes) {
  if (bytes.size() < kFramePrefixBytes) return absl::DataLossError("its frame is cut short");
  const FrameHead head{GetFixed32(bytes.data()), GetFixed32(bytes.data() + 4),
                       GetFixed32(bytes.data() + 8)};
  if (head.used == 0 || head.used > kGroupBytes || head.stored == 0 || head.stored > head.used ||
      GetFixed32(bytes.data() + 12) != 0 || head.frame_bytes() > bytes.size()) {
    return absl::DataLossError("its frame has no possible length");
  }
  return head;
}

absl::StatusOr<uint32_t> UnpackFrame(std::span<const uint8_t> bytes, uint8_t* out) {
  TSDB_ASSIGN_OR_RETURN(const FrameHead head, ParseFrameHead(bytes));
  if (crc32c::Compute(bytes.subspan(4, kFramePrefixBytes - 4 + head.stored)) != head.crc) {
    return absl::DataLossError("the checksum of its frame does not match");
  }
  for (uint64_t at = kFramePrefixBytes + head.stored; at < head.frame_bytes(); ++at) {
    if (bytes[at] != 0) return absl::DataLossError("the padding of its frame is not zero");
  }
  const uint8_t* const stored = bytes.data() + kFramePrefixBytes;
  if (head.stored == head.used) {
    std::memcpy(out, stored, head.used);
    return head.used;
  }
  const int unpacked =
      LZ4_decompress_safe(reinterpret_cast<const char*>(stored), reinterpret_cast<char*>(out),
                          static_cast<int>(head.stored), static_cast<int>(head.used));
  if (unpacked != static_cast<int>(head.used)) {
    return absl::DataLossError(absl::StrCat("its frame does not unpack to ", head.used, " bytes"));
  }
  return head.used;
}

void UnpackDamagedFrame(std::span<const uint8_t> bytes, uint32_t used, uint8_t* out) {
  TSDB_CHECK(used <= kGroupBytes);
  std::memset(out, 0, used);
  const absl::StatusOr<FrameHead> head = ParseFrameHead(bytes);
  if (!head.ok()) return;
  const uint8_t* const stored = bytes.data() + kFramePrefixBytes;
  if (head->stored == head->used) {
    std::memcpy(out, stored, std::min(head->used, used));
    return;
  }
  // What it says of how it ended is no news.
  (void)LZ4_decompress_safe(reinterpret_cast<const char*>(stored), reinterpret_cast<char*>(out),
                            static_cast<int>(head->stored), static_cast<int>(used));
}

}  // namespace tsdb::cache
