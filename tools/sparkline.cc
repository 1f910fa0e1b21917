#include "tools/sparkline.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tsdb::tools {

// Differences of extreme timestamps overflow 64 bits, so they are taken as doubles.
Sparkline::Sparkline(Timestamp first, Timestamp last, size_t columns)
    : first_(first),
      span_(static_cast<double>(last) - static_cast<double>(first) + 1),
      parts_(columns) {}

void Sparkline::Add(Timestamp timestamp, double value) {
  if (!std::isfinite(value)) return;
  const double offset = static_cast<double>(timestamp) - static_cast<double>(first_);
  const double place = offset / span_ * static_cast<double>(parts_.size());
  if (place < 0 || place >= static_cast<double>(parts_.size())) return;
  Part& part = parts_[static_cast<size_t>(place)];
  part.sum += value;
  ++part.count;
}

std::string Sparkline::Draw() const {
  constexpr const char* kLevels[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double lowest = std::numeric_limits<double>::infinity();
  double highest = -lowest;
  for (const Part& part : parts_) {
    if (part.count == 0) continue;
    const double mean = part.sum / static_cast<double>(part.count);
    lowest = std::min(lowest, mean);
    highest = std::max(highest, mean);
  }
  std::string line;
  for (const Part& part : parts_) {
    if (part.count == 0) {
      line += " ";
      continue;
    }
    const double mean = part.sum / static_cast<double>(part.count);
    const double height = highest > lowest ? (mean - lowest) / (highest - lowest) : 0;
    // A sum of huge values may overflow; such a part is drawn at the bottom.
    const double level = std::isfinite(height) ? std::clamp(height * 8, 0.0, 7.0) : 0;
    line += kLevels[static_cast<size_t>(level)];
  }
  return line;
}

}  // namespace tsdb::tools
