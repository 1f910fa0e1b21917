#include "tools/progress_bar.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "tools/number_text.h"
#include "tools/terminal.h"

namespace tsdb::tools {
namespace {

constexpr auto kFirstDraw = std::chrono::milliseconds(300);
constexpr auto kBetweenDraws = std::chrono::milliseconds(100);
constexpr size_t kBarColumns = 24;

// `eighths` of a column filled, out of 8 * kBarColumns.
std::string Bar(size_t eighths) {
  constexpr const char* kPart[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  std::string bar;
  for (size_t i = 0; i < eighths / 8; ++i) bar += "█";
  bar += kPart[eighths % 8];
  const size_t used = (eighths + 7) / 8;
  return bar + std::string(kBarColumns - used, ' ');
}

size_t StderrColumns() {
  winsize size = {};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

ProgressBar::ProgressBar(std::string name, std::optional<uint64_t> total, bool enabled)
    : name_(std::move(name)), total_(total), enabled_(enabled), next_draw_(start_ + kFirstDraw) {}

std::string ProgressBar::Draw(const std::string& name, uint64_t done, std::optional<uint64_t> total,
                              double seconds, size_t columns) {
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  std::string line = ReadableBytes(done);
  if (total && *total > 0) {
    const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(*total));
    char percent[16];
    std::snprintf(percent, sizeof(percent), " %3.0f %%", share * 100);
    line = "▕" + Bar(static_cast<size_t>(share * 8 * kBarColumns)) + "▏" + percent + " of " +
           ReadableBytes(*total);
  }
  line += "  " + ReadableBytes(static_cast<uint64_t>(rate)) + "/s";
  if (total && rate > 0 && *total > done) {
    const double left = static_cast<double>(*total - done) / rate;
    char text[32];
    std::snprintf(text, sizeof(text), "  %.0f s left", left);
    line += text;
  }
  const size_t width = DisplayWidth(line);
  const size_t for_name = columns > width + 3 ? columns - width - 3 : 0;
  return for_name < 8 ? CutToWidth(line, columns) : CutToWidth(name, for_name) + "  " + line;
}

void ProgressBar::Update(uint64_t done) {
  if (!enabled_) return;
  const Clock::time_point now = Clock::now();
  if (now < next_draw_) return;
  next_draw_ = now + kBetweenDraws;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const std::string line = Draw(Printable(name_), done, total_, seconds, StderrColumns());
  std::fprintf(stderr, "\r\x1b[2K%s", line.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressBar::Clear() {
  if (!std::exchange(drawn_, false)) return;
  std::fputs("\r\x1b[2K", stderr);
  std::fflush(stderr);
}

}  // namespace tsdb::tools
