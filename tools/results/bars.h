// What of an answer is drawn as bars, by chart and svg alike: names, values and their scale.
// Thread safety: pure functions.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tsdb/promql.h"

namespace tsdb::tools {

struct Bar {
  std::string name;    // {a="x",b="y"}: what tells it from the others
  std::string values;  // x, y: the same where there is little room
  double value;
  std::string text;  // of the value
  bool is_drawn;     // not NaN; infinite ones are as long as the longest
};

struct Bars {
  std::vector<Bar> bars;
  std::string common;  // the labels all have in common; empty for one bar, whose name has all
  std::string names;   // a, b: of the labels in Bar::values
  double low = 0;      // of the finite values, and 0
  double high = 0;

  // From 0 (low) to 1 (high).
  double PlaceOf(double value) const;
};

Bars MakeBars(std::span<const PromqlSeries> series);

}  // namespace tsdb::tools
