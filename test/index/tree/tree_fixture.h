// A tree with one writer, filled without the merge pipeline in front of it.
//
// Thread safety: one thread at a time, but for reading `tree`.
#pragma once

#include <bit>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <map>
#include <vector>

#include "index/tree/series_reader.h"
#include "index/tree/series_view.h"
#include "index/tree/tree.h"
#include "index/tree/tree_check.h"
#include "index/tree/tree_writer.h"

namespace tsdb::tree {

using Columns = std::pair<std::vector<Timestamp>, std::vector<double>>;

// `count` samples from `begin` on, `stride` apart; values count up from `value`.
inline Columns Regular(Timestamp begin, size_t count, Timestamp stride = 1, double value = 0) {
  Columns columns;
  for (size_t i = 0; i < count; ++i) {
    columns.first.push_back(begin + static_cast<Timestamp>(i) * stride);
    columns.second.push_back(value + static_cast<double>(i));
  }
  return columns;
}

struct TreeFixture {
  explicit TreeFixture(KeepDuplicate keep = KeepDuplicate::kLater) : tree(keep), writer(&tree) {}

  Page& page(SeriesId series) { return *tree.FindOrCreatePage(series); }
  const SeriesVersion* version(SeriesId series) {
    return page(series).dense[Tree::SlotOf(series)].load();
  }

  void Append(SeriesId series, const Columns& columns) {
    writer.AppendRun(page(series), series, columns.first.data(), columns.second.data(),
                     columns.first.size());
    writer.Finish();
  }
  void Append(SeriesId series, Timestamp time, double value) {
    Append(series, Columns{{time}, {value}});
  }
  void Settle(SeriesId series) {
    writer.SettlePage(page(series));
    writer.Finish();
  }

  // Both ways: values alone must be the same.
  std::vector<Sample> ReadAll(SeriesId series, Timestamp from = kTimestampMin,
                              Timestamp last = kTimestampMax) {
    std::vector<Sample> samples;
    PieceBuffer buffer, buffer_of_values;
    Piece piece;
    piece.more = true;
    piece.next = from;
    while (piece.more) {
      const Timestamp next = piece.next;
      piece = ReadPiece(tree, series, next, last, buffer);
      const Piece alone = ReadPiece(tree, series, next, last, buffer_of_values, ColumnSet::kValues);
      REQUIRE(alone.count == piece.count);
      REQUIRE((piece.count == 0 ||
               std::memcmp(alone.values, piece.values, piece.count * sizeof(double)) == 0));
      for (size_t i = 0; i < piece.count; ++i) samples.push_back({piece.times[i], piece.values[i]});
    }
    return samples;
  }

  int64_t count(Counter counter) const { return tree.ReadCounts()[counter]; }

  // Invariants hold and `records` are found by walking.
  void RequireSound(SeriesId series_count, uint64_t records) {
    const auto walked = CheckTree(tree, series_count);
    INFO(walked.status().ToString());
    REQUIRE(walked.ok());
    REQUIRE(*walked == records);
    REQUIRE(count(Counter::kInTree) == static_cast<int64_t>(records));
    REQUIRE(count(Counter::kMerged) ==
            count(Counter::kInTree) + count(Counter::kReplaced) + count(Counter::kDeleted));
  }

  void RequireContent(SeriesId series, const std::map<Timestamp, double>& expected) {
    const std::vector<Sample> samples = ReadAll(series);
    REQUIRE(samples.size() == expected.size());
    size_t i = 0;
    for (const auto& [time, value] : expected) {
      REQUIRE(samples[i].timestamp == time);
      REQUIRE(std::bit_cast<uint64_t>(samples[i].value) == std::bit_cast<uint64_t>(value));
      const auto found = Lookup(tree, series, time);
      REQUIRE(found.has_value());
      REQUIRE(std::bit_cast<uint64_t>(*found) == std::bit_cast<uint64_t>(value));
      ++i;
    }
  }

  Tree tree;
  TreeWriter writer;
};

}  // namespace tsdb::tree
