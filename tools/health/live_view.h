// A database's figures for people who watch: a block of lines that is drawn again in the place of
// the last one.
//
// Thread safety: none.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/base/types.h"
#include "tools/health/interval.h"
#include "tools/output.h"
#include "tools/terminal.h"
#include "tsdb/published_stats.h"

namespace tsdb::tools {

class LiveView {
 public:
  // `name` is what the database is called.
  LiveView(std::string name, const Style& style) : name_(std::move(name)), style_(style) {}

  // Takes an interval into the line that shows how the rate has been.
  void Note(const Interval& interval, const PublishedStats& now);
  // The lines, each at most `width` columns wide on a terminal.
  std::vector<std::string> Lines(const Interval& interval, const PublishedStats& now,
                                 Timestamp present, size_t width) const;
  // Draws lines; `in_place`: over those drawn before.
  void Draw(const std::vector<std::string>& lines, bool in_place, Output& output);

 private:
  struct Rate {
    Timestamp time;
    double accepted_per_second;
  };
  std::string RateLine(size_t columns) const;

  const std::string name_;
  const Style style_;
  std::deque<Rate> rates_;
  std::optional<size_t> drawn_;  // lines of the last block
};

}  // namespace tsdb::tools
