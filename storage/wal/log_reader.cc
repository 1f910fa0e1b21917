#include "storage/wal/log_reader.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "storage/base/status_macros.h"
#include "storage/wal/log_format.h"

namespace tsdb::wal {
namespace {

constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

// Whether anything was written behind the header: space is allocated, as zeros, ahead.
bool HasContent(std::span<const uint8_t> file) {
  if (file.size() <= kFileHeaderBytes) return false;
  const auto rest = file.subspan(kFileHeaderBytes);
  return std::any_of(rest.begin(), rest.end(), [](uint8_t byte) { return byte != 0; });
}

// One file, read batch by batch.
class FileReader {
 public:
  // Batches from sequence number `limit` on do not count: the next file has those.
  FileReader(std::string path, std::span<const uint8_t> bytes, uint64_t limit)
      : path_(std::move(path)), bytes_(bytes), limit_(limit) {}

  // The batch at the position, or the next whole one. Nothing at the end.
  std::optional<BatchView> Next() {
    skipped_from_ = position_;
    for (; position_ + kBatchHeaderBytes <= bytes_.size(); position_ += kLogAlignment) {
      const std::optional<BatchView> batch = ReadBatch(bytes_.subspan(position_));
      // Numbers that do not rise are an older file's, in space that was used again.
      if (!batch.has_value() || batch->sequence <= last_ || batch->sequence >= limit_) continue;
      skipped_to_ = position_;
      last_ = batch->sequence;
      position_ += batch->length;
      return batch;
    }
    skipped_to_ = bytes_.size();
    return std::nullopt;
  }

  void StartAfter(uint64_t sequence, uint64_t position) {
    last_ = sequence;
    position_ = position;
  }

  const std::string& path() const { return path_; }
  // What Next passed over, up to where it found a batch or the end.
  uint64_t skipped_from() const { return skipped_from_; }
  uint64_t skipped_bytes() const { return skipped_to_ - skipped_from_; }
  // Of it, up to the last byte that is not zero: space was allocated ahead.
  uint64_t skipped_written() const {
    uint64_t end = skipped_to_;
    while (end > skipped_from_ && bytes_[end - 1] == 0) --end;
    return end - skipped_from_;
  }

 private:
  const std::string path_;
  const std::span<const uint8_t> bytes_;
  const uint64_t limit_;
  uint64_t position_ = 0;
  uint64_t last_ = 0;
  uint64_t skipped_from_ = 0;
  uint64_t skipped_to_ = 0;
};

class Replay {
 public:
  Replay(FileSystem* files, std::string directory, uint64_t from, const ReplayVisitor& visit,
         bool beside_writer)
      : files_(files),
        directory_(std::move(directory)),
        from_(from),
        visit_(visit),
        beside_writer_(beside_writer) {}

  absl::StatusOr<ReplayReport> Run() {
    TSDB_ASSIGN_OR_RETURN(const std::vector<uint64_t> firsts,
                          ListLogFiles(files_, directory_, &report_.foreign));
    TSDB_RETURN_IF_ERROR(CheckVersions(firsts));
    // What lies before `from` may be gone, in whole files.
    report_.last_sequence = firsts.empty() ? from_ - 1 : firsts[0] - 1;
    if (!firsts.empty() && firsts[0] > from_) {
      report_.damage.push_back({JoinPath(directory_, LogFileName(firsts[0])), 0, 0, from_,
                                firsts[0] - 1, "files before this one are missing"});
    }
    for (size_t i = 0; i < firsts.size(); ++i) {
      const uint64_t limit = i + 1 < firsts.size() ? firsts[i + 1] : kNoLimit;
      if (limit <= from_) {
        report_.last_sequence = limit - 1;
        continue;  // the next file begins at `from` or before it
      }
      TSDB_RETURN_IF_ERROR(ReadFile(firsts[i], limit));
    }
    report_.last_sequence = std::max(report_.last_sequence, from_ - 1);
    return std::move(report_);
  }

 private:
  absl::Status CheckVersions(const std::vector<uint64_t>& firsts) {
    for (const uint64_t first : firsts) {
      const std::string path = JoinPath(directory_, LogFileName(first));
      TSDB_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> file, files_->OpenReadable(path));
      uint8_t header[kFileHeaderBytes];
      TSDB_ASSIGN_OR_RETURN(const size_t read, file->Read(0, header));
      uint32_t version;
      if (CheckFileHeader({header, read}, first, &version) == HeaderCheck::kOtherVersion) {
        return absl::UnimplementedError(absl::StrCat(
            "log file '", path, "' has format version ", version, "; this program reads version ",
            kLogVersion, ": open the database with the version that wrote it"));
      }
    }
    return absl::OkStatus();
  }

  // `copied` holds what it returns. REQUIRES: the writer goes on at the end, if at all.
  absl::StatusOr<std::span<const uint8_t>> Copy(const std::string& path,
                                                std::vector<uint64_t>& copied) const {
    TSDB_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> file, files_->OpenReadable(path));
    TSDB_ASSIGN_OR_RETURN(const uint64_t size, files_->FileSize(path));
    copied.resize((size + 7) / 8);
    const std::span<uint8_t> bytes(reinterpret_cast<uint8_t*>(copied.data()), size);
    TSDB_ASSIGN_OR_RETURN(const size_t read, file->Read(0, bytes));
    // A page may have been read as the zeros that were allocated, then written, as were the next
    // ones, and those read. All that lies before what was seen is there the second time.
    size_t seen = read;
    while (seen > 0 && bytes[seen - 1] == 0) --seen;
    TSDB_RETURN_IF_ERROR(file->Read(0, bytes.first(seen)).status());
    return bytes.first(read);
  }

  absl::Status ReadFile(uint64_t first, uint64_t limit) {
    const std::string path = JoinPath(directory_, LogFileName(first));
    std::unique_ptr<MappedFile> mapped;
    std::vector<uint64_t> copied;
    std::span<const uint8_t> bytes;
    if (beside_writer_) {
      // Not mapped: the writer cuts the file when it is full.
      TSDB_ASSIGN_OR_RETURN(bytes, Copy(path, copied));
    } else {
      TSDB_ASSIGN_OR_RETURN(mapped, files_->Map(path));
      mapped->Advise(ReadPattern::kSequential);
      bytes = mapped->bytes();
    }
    ++report_.files;
    FileReader reader(path, bytes, limit);
    uint32_t version;
    if (CheckFileHeader(bytes, first, &version) == HeaderCheck::kGood) {
      reader.StartAfter(first - 1, kFileHeaderBytes);
    } else {
      // Damaged, or never written. Batches name their sequence numbers, so it is not missed.
      reader.StartAfter(first - 1, 0);
      if (HasContent(bytes)) {
        report_.damage.push_back({path, 0, kFileHeaderBytes, 0, 0, "the file's header is changed"});
      }
    }
    while (const std::optional<BatchView> batch = reader.Next()) {
      if (batch->sequence != report_.last_sequence + 1) {
        // Unless this batch, or one after it, knows the missing ones to have been durable, they and
        // it were on their way when the power went.
        if (limit == kNoLimit && !KnownDurable(reader, *batch)) {
          report_.torn_bytes += bytes.size() - reader.skipped_from();
          return absl::OkStatus();
        }
        AddDamage(reader, batch->sequence - 1, "batches are missing or changed");
      }
      report_.last_sequence = batch->sequence;
      if (batch->sequence < from_) continue;
      report_.closed = batch->kind == kClosing;
      if (report_.closed) continue;
      ++report_.batches;
      report_.bytes += batch->payload.size();
      TSDB_RETURN_IF_ERROR(visit_(batch->sequence, batch->kind, batch->payload));
    }
    if (limit != kNoLimit && report_.last_sequence + 1 != limit) {
      AddDamage(reader, limit - 1, "the file ends before the next one begins");
      report_.last_sequence = limit - 1;
    } else {
      report_.torn_bytes += reader.skipped_written();
    }
    return absl::OkStatus();
  }

  // Whether `batch` or one behind it in the file knows the first missing batch to have been
  // durable.
  bool KnownDurable(FileReader reader, const BatchView& batch) const {
    const uint64_t missing = report_.last_sequence + 1;
    if (batch.durable >= missing) return true;
    while (const std::optional<BatchView> later = reader.Next()) {
      if (later->durable >= missing) return true;
    }
    return false;
  }

  void AddDamage(const FileReader& reader, uint64_t last_lost, const char* reason) {
    LogDamage damage;
    damage.file = reader.path();
    damage.offset = reader.skipped_from();
    damage.length = reader.skipped_bytes();
    damage.first_lost = report_.last_sequence + 1;
    damage.last_lost = last_lost;
    damage.reason = reason;
    report_.damage.push_back(std::move(damage));
  }

  FileSystem* const files_;
  const std::string directory_;
  const uint64_t from_;
  const ReplayVisitor& visit_;
  const bool beside_writer_;
  ReplayReport report_;
};

}  // namespace

absl::StatusOr<std::vector<uint64_t>> ListLogFiles(FileSystem* files, const std::string& directory,
                                                   std::vector<std::string>* foreign) {
  TSDB_ASSIGN_OR_RETURN(const std::vector<std::string> names, files->List(directory));
  std::vector<uint64_t> firsts;
  for (const std::string& name : names) {
    if (const std::optional<uint64_t> first = ParseLogFileName(name); first.has_value()) {
      firsts.push_back(*first);
    } else if (!name.ends_with(kDamagedSuffix)) {
      foreign->push_back(name);
    }
  }
  std::sort(firsts.begin(), firsts.end());
  return firsts;
}

absl::StatusOr<ReplayReport> ReplayLog(FileSystem* files, const std::string& directory,
                                       uint64_t from, const ReplayVisitor& visit) {
  return Replay(files, directory, from, visit, /*beside_writer=*/false).Run();
}

absl::StatusOr<ReplayReport> ReplayLogBesideWriter(FileSystem* files, const std::string& directory,
                                                   uint64_t from, const ReplayVisitor& visit) {
  return Replay(files, directory, from, visit, /*beside_writer=*/true).Run();
}

}  // namespace tsdb::wal
