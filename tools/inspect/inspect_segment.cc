#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/crc32c.h"
#include "storage/base/labels.h"
#include "storage/base/status_macros.h"
#include "storage/codec/block.h"
#include "storage/segment/segment_format.h"
#include "storage/segment/segment_reader.h"
#include "storage/segment/segment_salvage.h"
#include "tools/inspect/inspection.h"
#include "tools/number_text.h"
#include "tsdb/database.h"
#include "tsdb/durability/log_payload.h"

namespace tsdb::tools {
namespace {

using segment::kSegmentFooterBytes;
using segment::kSegmentHeaderBytes;
using segment::SegmentReader;

constexpr const char* kSectionNames[segment::kSectionCount] = {"leaf index", "series table",
                                                               "superseded", "frame table"};

class SegmentInspector {
 public:
  SegmentInspector(std::span<const uint8_t> file, const InspectOptions& options)
      : file_(file), options_(options) {
    inspection_.tables.push_back({"parts", {"offset", "bytes", "part", "entries", "state"}, {}, 0});
    inspection_.tables.push_back(
        {"leaves",
         {"offset", "bytes", "state", "series", "samples", "from", "to", "timestamps", "values"},
         {},
         0});
    inspection_.tables[1].dispensable = {"timestamps", "values", "from"};
    if (!options.contents) return;
    inspection_.tables.push_back({"series", {"series", "labels"}, {}, 0});
    inspection_.tables[2].last_is_long = true;
    inspection_.tables.push_back({"superseded", {"segment", "leaf"}, {}, 0});
  }

  // The parts with a place of their own, and the file's own number.
  std::optional<uint64_t> ReadParts() {
    inspection_.figures = {BytesFigure("bytes", file_.size())};
    std::optional<uint64_t> number;
    if (file_.size() < kSegmentHeaderBytes) {
      AddFinding(0, absl::StrCat("the file has ", file_.size(), " bytes, its header alone has ",
                                 kSegmentHeaderBytes));
      return number;
    }
    const auto header = segment::ParseHeader(file_.first(kSegmentHeaderBytes));
    AddPart(0, kSegmentHeaderBytes, "header", 1, header.status());
    if (header.ok()) {
      number = header->number;
      inspection_.figures.push_back({"version", uint64_t{header->version}, ""});
      inspection_.figures.push_back({"number", header->number, ""});
    }
    if (file_.size() < kSegmentHeaderBytes + kSegmentFooterBytes) {
      AddFinding(file_.size(), "the file ends here, which no whole segment does");
      return number;
    }
    const auto footer = segment::ParseFooter(file_.subspan(kSegmentHeaderBytes));
    if (footer.ok()) {
      ReadSections(*footer);
      if (!number.has_value()) number = footer->summary.number;
    }
    const uint64_t length =
        footer.ok() ? segment::FooterBytes(footer->version) : kSegmentFooterBytes;
    AddPart(file_.size() - length, length, "footer", 1, footer.status());
    return number;
  }

  // Every leaf of a segment that opened.
  void ReadLeaves(const SegmentReader& reader) {
    cache::LeafGroup group;
    std::optional<uint32_t> damaged_frame;
    for (uint32_t i = 0; i < reader.leaf_count(); ++i) {
      const absl::Status status = reader.VerifyBlock(i, group);
      if (!status.ok()) AddFinding(status);
      const absl::Status frame = reader.VerifyFrame(i, group);
      if (!frame.ok() && damaged_frame != group.number) {
        damaged_frame = group.number;
        AddFinding(frame);
      }
      const auto block = reader.ReadBlock(i, group);
      const uint64_t offset = reader.packed() ? reader.BlockOffset(i)
                                              : reader.BlockOffset(i) - segment::kLeafPrefixBytes;
      AddLeaf(offset, reader.leaf(i), block, status.ok());
      records_ += status.ok() ? reader.leaf(i).count : 0;
    }
    inspection_.figures.push_back({"compressed", reader.packed(), ""});
    inspection_.figures.back().readable = reader.packed() ? "lz4" : "none";
    inspection_.figures.push_back(BytesFigure("leaf_bytes", reader.leaf_bytes()));
    if (!options_.contents) return;
    for (auto cursor = reader.series_table(); cursor.Next();) AddSeries(cursor.entry());
    for (uint32_t i = 0; i < reader.summary().superseded; ++i) AddSuperseded(reader.superseded(i));
  }

  // What is whole in a segment that did not open, and why it did not.
  void ReadSalvage(const segment::Salvage& salvage, const absl::Status& why) {
    if (inspection_.findings.empty()) AddFinding(why);
    for (const segment::SalvagedLeaf& leaf : salvage.leaves) {
      AddLeaf(leaf.offset, leaf.entry, leaf.block, true);
      records_ += leaf.entry.count;
    }
    for (const segment::DamagedRange& range : salvage.damaged) {
      AddFinding(range.offset, absl::StrCat("no whole leaf in ", range.length, " bytes"));
    }
    if (!options_.contents) return;
    if (salvage.series) {
      for (const segment::SeriesEntry& entry : *salvage.series) AddSeries(entry);
    }
    if (salvage.superseded) {
      for (const segment::LeafReference& leaf : *salvage.superseded) AddSuperseded(leaf);
    }
  }

  Inspection Finish() {
    inspection_.figures.push_back({"whole_leaves", leaves_whole_, ""});
    inspection_.figures.push_back({"samples_in_them", records_, ""});
    std::stable_sort(inspection_.findings.begin(), inspection_.findings.end(),
                     [](const auto& a, const auto& b) { return a.offset < b.offset; });
    return std::move(inspection_);
  }

 private:
  void AddFinding(uint64_t offset, std::string reason) {
    inspection_.findings.push_back({offset, std::move(reason)});
  }

  // Of an error of the reader: "segment '...', offset N: what is wrong; what to do". Without an
  // offset it is about what lies at `offset`.
  void AddFinding(const absl::Status& status, uint64_t offset = 0) {
    constexpr std::string_view kBefore = "offset ", kAdvice = "; restore";
    std::string reason(status.message());
    if (const size_t found = reason.find(kBefore); found != std::string::npos) {
      size_t at = found + kBefore.size();
      offset = 0;
      for (; at < reason.size() && reason[at] >= '0' && reason[at] <= '9'; ++at) {
        offset = 10 * offset + static_cast<uint64_t>(reason[at] - '0');
      }
      if (reason.compare(at, 2, ": ") == 0) reason.erase(0, at + 2);
    }
    if (const size_t advice = reason.rfind(kAdvice); advice != std::string::npos) {
      reason.resize(advice);
    }
    AddFinding(offset, std::move(reason));
  }

  void AddPart(uint64_t offset, uint64_t length, const char* what, uint64_t entries,
               const absl::Status& status) {
    inspection_.tables[0].Add({{"", offset, ""},
                               BytesFigure("", length),
                               {"", std::string(what), ""},
                               {"", entries, ""},
                               {"", std::string(status.ok() ? "whole" : "damaged"), ""}},
                              0);
    if (!status.ok()) AddFinding(status, offset);
  }

  void ReadSections(const segment::SegmentFooter& footer) {
    for (size_t i = 0; i < segment::SectionsOf(footer.version); ++i) {
      const segment::SectionEntry& section = footer.sections[i];
      absl::Status status;
      if (section.offset > file_.size() || section.length > file_.size() - section.offset) {
        status =
            absl::DataLossError(absl::StrCat("the ", kSectionNames[i], " lies outside the file"));
      } else if (crc32c::Compute(file_.subspan(section.offset, section.length)) != section.crc) {
        status = absl::DataLossError(
            absl::StrCat("the checksum of the ", kSectionNames[i], " does not match"));
      }
      AddPart(section.offset, section.length, kSectionNames[i], section.entries, status);
    }
    const segment::SegmentSummary& summary = footer.summary;
    const std::vector<Figure> more = {{"leaves", uint64_t{summary.leaves}, ""},
                                      {"samples", summary.records, ""},
                                      {"series_with_labels", uint64_t{summary.series}, ""},
                                      {"superseded_leaves", uint64_t{summary.superseded}, ""},
                                      {"log_in_segments_below", summary.log_sequence, ""}};
    inspection_.figures.insert(inspection_.figures.end(), more.begin(), more.end());
    if (summary.leaves == 0) return;
    inspection_.figures.push_back(TimeFigure("from", summary.time_first));
    inspection_.figures.push_back(TimeFigure("to", summary.time_last));
  }

  void AddLeaf(uint64_t offset, const segment::LeafEntry& leaf, std::span<const uint8_t> block,
               bool whole) {
    leaves_whole_ += whole;
    std::string times, values;
    if (const auto view = codec::BlockView::Parse(block); whole && view.ok()) {
      times = TimestampEncodingName(static_cast<size_t>(view->timestamp_encoding()));
      values = ValueEncodingName(static_cast<size_t>(view->value_encoding()));
    }
    inspection_.tables[1].Add({{"", offset, ""},
                               BytesFigure("", block.size()),
                               {"", std::string(whole ? "whole" : "damaged"), ""},
                               {"", uint64_t{leaf.series}, ""},
                               {"", uint64_t{leaf.count}, ""},
                               TimeFigure("", leaf.first),
                               TimeFigure("", leaf.last),
                               {"", times, ""},
                               {"", values, ""}},
                              options_.limit);
  }

  void AddSeries(const segment::SeriesEntry& entry) {
    // Whether they are labels is up to whoever reads them.
    const bool good = durability::AreCanonicalLabels(entry.labels);
    if (!good) {
      AddFinding(0, absl::StrCat("the labels of series ", entry.id, " are not well-formed"));
    }
    inspection_.tables[2].Add(
        {{"", uint64_t{entry.id}, ""},
         {"", good ? Labels::FromCanonicalBytes(entry.labels).ToString() : std::string("?"), ""}},
        options_.limit);
  }

  void AddSuperseded(const segment::LeafReference& leaf) {
    inspection_.tables[3].Add({{"", leaf.segment, ""}, {"", uint64_t{leaf.leaf}, ""}},
                              options_.limit);
  }

  const std::span<const uint8_t> file_;
  const InspectOptions options_;
  Inspection inspection_;
  uint64_t leaves_whole_ = 0, records_ = 0;
};

}  // namespace

absl::StatusOr<Inspection> InspectSegment(FileSystem* files, const std::string& path,
                                          std::optional<uint64_t> number,
                                          const InspectOptions& options) {
  TSDB_ASSIGN_OR_RETURN(const std::unique_ptr<MappedFile> file, files->Map(path));
  SegmentInspector inspector(file->bytes(), options);
  const std::optional<uint64_t> own = inspector.ReadParts();
  const auto reader = SegmentReader::Open(files, path, number.value_or(own.value_or(0)));
  if (reader.ok()) {
    inspector.ReadLeaves(**reader);
  } else {
    const auto salvage = segment::SalvageSegment(files, path);
    if (!salvage.ok()) return salvage.status();
    inspector.ReadSalvage(*salvage, reader.status());
  }
  return inspector.Finish();
}

}  // namespace tsdb::tools
