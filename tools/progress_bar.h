// A bar on the terminal for what takes long: name, share done, rate, time left. Draws on stderr,
// first after a moment (what is quick needs no bar) and ten times a second at most, and leaves
// nothing behind.
//
// Thread safety: one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace tsdb::tools {

class ProgressBar {
 public:
  // Draws only if `enabled`. `total` is in bytes; nothing when it is not known.
  ProgressBar(std::string name, std::optional<uint64_t> total, bool enabled);
  ~ProgressBar() { Clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // So many bytes are done, counted from the start.
  void Update(uint64_t done);
  // Takes the bar off the screen; the next Update may draw it again. Before writing anything else.
  void Clear();

  // The bar's line, without escape sequences: `seconds` after the start, `columns` wide at most.
  static std::string Draw(const std::string& name, uint64_t done, std::optional<uint64_t> total,
                          double seconds, size_t columns);

 private:
  using Clock = std::chrono::steady_clock;
  const std::string name_;
  const std::optional<uint64_t> total_;
  const bool enabled_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point next_draw_;
  bool drawn_ = false;
};

}  // namespace tsdb::tools
