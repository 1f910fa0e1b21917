// A series drawn in one line of block characters: ▁▂▄▇█▅▂▁.
// Thread safety: none.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "storage/base/types.h"

namespace tsdb::tools {

class Sparkline {
 public:
  // `columns` equal parts of [first, last]. REQUIRES: columns > 0, first <= last.
  Sparkline(Timestamp first, Timestamp last, size_t columns);

  // Takes a sample into its part. NaN and infinities, and times outside, are left out.
  void Add(Timestamp timestamp, double value);
  // One character a part, its height the part's mean between the lowest and the highest one's;
  // blank where there was no sample. All parts alike: a line at the bottom.
  std::string Draw() const;

 private:
  struct Part {
    double sum = 0;
    size_t count = 0;
  };
  const Timestamp first_;
  const double span_;
  std::vector<Part> parts_;
};

}  // namespace tsdb::tools
