#include "tsdb/durability/checkpoint.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "index/tree/series_export.h"
#include "index/tree/tree_writer.h"
#include "storage/base/labels.h"
#include "storage/base/status_macros.h"
#include "storage/segment/segment_builder.h"
#include "storage/segment/segment_reader.h"
#include "storage/segment/segment_salvage.h"
#include "tsdb/durability/log_payload.h"

namespace tsdb::durability {
namespace {

// Leaves between publishing counts and looking at the budget.
constexpr size_t kLeavesPerBatch = 1024;

bool IsTemporary(const std::string& name) {
  const size_t suffix = segment::kTemporarySuffix.size();
  return name.size() > suffix && name.substr(name.size() - suffix) == segment::kTemporarySuffix;
}

// Numbers of the segments in the directory, ascending. Unfinished ones are removed if asked to.
absl::StatusOr<std::vector<uint64_t>> ListSegments(FileSystem* files, const std::string& directory,
                                                   bool remove_unfinished) {
  TSDB_ASSIGN_OR_RETURN(const std::vector<std::string> names, files->List(directory));
  std::vector<uint64_t> numbers;
  for (const std::string& name : names) {
    const auto number = segment::ParseSegmentFileName(name);
    if (number.has_value()) numbers.push_back(*number);
    if (remove_unfinished && IsTemporary(name)) {
      TSDB_RETURN_IF_ERROR(files->Remove(JoinPath(directory, name)));
    }
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

class Loader {
 public:
  Loader(tree::Tree* tree, label::SeriesTable* table, uint64_t bytes_max, LoadedCheckpoint* loaded)
      : tree_(tree), table_(table), bytes_max_(bytes_max), loaded_(loaded), writer_(tree) {}

  absl::Status LoadSeries(const segment::Salvage& salvage, const std::string& path) {
    if (!salvage.series.has_value()) {
      loaded_->damage.push_back(absl::StrCat(path, ": the labels of its series are lost"));
      return absl::OkStatus();
    }
    for (const segment::SeriesEntry& entry : *salvage.series) {
      if (!AreCanonicalLabels(entry.labels)) {
        loaded_->damage.push_back(
            absl::StrCat(path, ": the labels of series ", entry.id, " are not well-formed"));
        continue;
      }
      TSDB_ASSIGN_OR_RETURN(const SeriesId given,
                            table_->FindOrCreate(Labels::FromCanonicalBytes(entry.labels)));
      // Ids in the file ascend and those given are dense, so they differ once one is missing. The
      // log after the checkpoint goes by the ids in the file.
      if (given != entry.id) {
        return absl::DataLossError(
            absl::StrCat(path, ": series ", entry.id, " would be number ", given,
                         "; the series before it are damaged. Restore the file from a backup"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status LoadLeaves(const segment::Salvage& salvage) {
    size_t in_batch = 0;
    for (const segment::SalvagedLeaf& leaf : salvage.leaves) {
      if (leaf.entry.series >= table_->Count()) {
        loaded_->orphans += leaf.entry.count;
        continue;
      }
      writer_.AppendBlock(*tree_->FindOrCreatePage(leaf.entry.series), leaf.entry.series,
                          leaf.block);
      loaded_->records += leaf.entry.count;
      if (++in_batch % kLeavesPerBatch != 0) continue;
      writer_.Finish();
      if (tree_->memory_bytes() > bytes_max_) {
        return absl::ResourceExhaustedError(
            absl::StrCat("its records take more than the memory budget of ", bytes_max_,
                         " bytes; raise Options::memory_budget_bytes"));
      }
    }
    writer_.Finish();
    return absl::OkStatus();
  }

 private:
  tree::Tree* const tree_;
  label::SeriesTable* const table_;
  const uint64_t bytes_max_;
  LoadedCheckpoint* const loaded_;
  tree::TreeWriter writer_;
};

}  // namespace

absl::StatusOr<segment::SegmentSummary> WriteCheckpoint(FileSystem* files,
                                                        const std::string& directory,
                                                        uint64_t number, uint64_t log_sequence,
                                                        const tree::Tree& tree,
                                                        const label::SeriesTable& table) {
  TSDB_ASSIGN_OR_RETURN(const std::unique_ptr<segment::SegmentBuilder> builder,
                        segment::SegmentBuilder::Create(files, directory, number));
  tree::SeriesExporter exporter(&tree);
  const SeriesId count = table.Count();
  for (SeriesId series = 0; series < count; ++series) {
    TSDB_RETURN_IF_ERROR(builder->AddSeries(series, table.BytesOf(series)));
    TSDB_RETURN_IF_ERROR(exporter.Export(
        series, [&](std::span<const uint8_t> block) { return builder->AddLeaf(series, block); }));
  }
  return builder->Finish(log_sequence);
}

absl::StatusOr<LoadedCheckpoint> LoadCheckpoint(FileSystem* files, const std::string& directory,
                                                uint64_t bytes_max, tree::Tree* tree,
                                                label::SeriesTable* table) {
  LoadedCheckpoint loaded;
  TSDB_ASSIGN_OR_RETURN(const std::vector<uint64_t> numbers,
                        ListSegments(files, directory, /*remove_unfinished=*/true));
  if (numbers.empty()) return loaded;
  loaded.number = numbers.back();
  const std::string path = JoinPath(directory, segment::SegmentFileName(loaded.number));
  const auto reader = segment::SegmentReader::Open(files, path, loaded.number);
  if (!reader.ok()) {
    if (!absl::IsDataLoss(reader.status())) return reader.status();
    loaded.damage.emplace_back(reader.status().message());
  }
  // Whole leaves are had from a damaged file in the same way as from a whole one.
  TSDB_ASSIGN_OR_RETURN(const segment::Salvage salvage, segment::SalvageSegment(files, path));
  for (const segment::DamagedRange& range : salvage.damaged) {
    loaded.damage.push_back(absl::StrCat(path, ": ", range.length, " bytes of leaves at offset ",
                                         range.offset, " are damaged"));
  }
  if (salvage.summary.has_value()) loaded.log_sequence = salvage.summary->log_sequence;
  Loader loader(tree, table, bytes_max, &loaded);
  TSDB_RETURN_IF_ERROR(loader.LoadSeries(salvage, path));
  if (absl::Status status = loader.LoadLeaves(salvage); !status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat("loading '", path, "': ", std::string(status.message())));
  }
  return loaded;
}

absl::Status RemoveCheckpointsBefore(FileSystem* files, const std::string& directory,
                                     uint64_t number) {
  TSDB_ASSIGN_OR_RETURN(const std::vector<uint64_t> numbers,
                        ListSegments(files, directory, /*remove_unfinished=*/false));
  for (const uint64_t older : numbers) {
    if (older >= number) break;
    TSDB_RETURN_IF_ERROR(files->Remove(JoinPath(directory, segment::SegmentFileName(older))));
  }
  return files->SyncDirectory(directory);
}

}  // namespace tsdb::durability
