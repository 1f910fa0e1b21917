#include "tsdb/published_stats.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/base/file_system.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"
#include "tsdb/figures.h"

namespace tsdb {
namespace {

constexpr std::string_view kState = "tsdb_state";
constexpr std::string_view kProcess = "tsdb_process_id";
constexpr std::string_view kProcessors = "tsdb_processors";
constexpr std::string_view kOpened = "tsdb_opened_time_seconds";
constexpr std::string_view kWritten = "tsdb_stats_time_seconds";
constexpr DatabaseState kStates[] = {DatabaseState::kOpening, DatabaseState::kOpen,
                                     DatabaseState::kClosed};
constexpr double kMsPerSecond = 1e3;
// Far beyond any time or number of processes, and exact as a double.
constexpr double kNumberMax = 1e15;
// Ten times what there is to say.
constexpr size_t kTextBytesMax = 256 << 10;

StatFigure Gauge(std::string_view name, std::string help, double value) {
  return {std::string(name), StatFigure::Kind::kGauge, std::move(help), "", "", value};
}

// name{label="value"} number, or without the braces.
std::optional<StatSample> ParseLine(std::string_view line) {
  const size_t blank = line.rfind(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  StatSample sample;
  const std::string_view number = line.substr(blank + 1);
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), sample.value);
  if (error != std::errc() || end != number.data() + number.size()) return std::nullopt;
  sample.name = line.substr(0, blank);
  if (const size_t open = sample.name.find('{'); open != std::string_view::npos) {
    std::string_view inside = sample.name.substr(open + 1);
    sample.name = sample.name.substr(0, open);
    const size_t equals = inside.find("=\"");
    if (equals == std::string_view::npos || !inside.ends_with("\"}")) return std::nullopt;
    inside.remove_suffix(2);
    if (inside.size() < equals + 2) return std::nullopt;
    sample.label = inside.substr(0, equals);
    sample.label_value = inside.substr(equals + 2);
  }
  if (sample.name.empty()) return std::nullopt;
  return sample;
}

// What is said once, beside figures and options.
struct Heads {
  std::optional<DatabaseState> state;
  std::optional<double> process, processors, opened, written;

  // False if it is one of them, and cannot be true.
  bool Take(const StatSample& sample) {
    if (sample.name == kState) {
      for (const DatabaseState each : kStates) {
        if (sample.value == 1 && sample.label_value == DatabaseStateName(each)) state = each;
      }
      return sample.value == 0 || sample.value == 1;
    }
    for (const auto& [name, target] :
         {std::pair{kProcess, &process}, std::pair{kProcessors, &processors},
          std::pair{kOpened, &opened}, std::pair{kWritten, &written}}) {
      if (sample.name != name) continue;
      if (!(sample.value >= 0 && sample.value < kNumberMax / kMsPerSecond)) return false;
      *target = sample.value;
    }
    return true;
  }
};

}  // namespace

std::string_view DatabaseStateName(DatabaseState state) {
  switch (state) {
    case DatabaseState::kOpening:
      return "opening";
    case DatabaseState::kOpen:
      return "open";
    case DatabaseState::kClosed:
      return "closed";
  }
  return "";
}

std::string PublishedText(const PublishedStats& published) {
  std::vector<StatFigure> figures;
  for (const DatabaseState state : kStates) {
    figures.push_back({std::string(kState), StatFigure::Kind::kGauge,
                       "1 for the state that the database is in.", "state",
                       std::string(DatabaseStateName(state)), state == published.state ? 1.0 : 0});
  }
  figures.push_back(Gauge(kProcess, "The process that has, or had, the database open for writing.",
                          static_cast<double>(published.process_id)));
  figures.push_back(
      Gauge(kProcessors, "Processors that it may use.", static_cast<double>(published.processors)));
  figures.push_back(Gauge(kOpened, "When it began to open the database, since the epoch.",
                          static_cast<double>(published.opened) / kMsPerSecond));
  figures.push_back(Gauge(kWritten, "When these figures were written, since the epoch.",
                          static_cast<double>(published.written) / kMsPerSecond));
  return absl::StrCat(ExpositionText(figures), ExpositionText(FiguresOf(published.stats)),
                      ExpositionText(FiguresOf(published.options)));
}

absl::StatusOr<PublishedStats> ParsePublishedStats(std::string_view text) {
  PublishedStats published;
  Heads heads;
  size_t number = 0;
  while (!text.empty()) {
    ++number;
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.empty() || line.front() == '#') continue;
    const std::optional<StatSample> sample = ParseLine(line);
    if (!sample.has_value() || !heads.Take(*sample)) {
      return absl::DataLossError(
          absl::StrCat("line ", number, " is no figure of a database that could be"));
    }
    if (!SetFigure(*sample, published.stats)) SetFigure(*sample, published.options);
  }
  if (!heads.state || !heads.process || !heads.opened || !heads.written) {
    return absl::DataLossError(
        absl::StrCat("it does not say state, process and times of a database: ", ToAbsl(kState),
                     ", ", ToAbsl(kProcess), ", ", ToAbsl(kOpened), ", ", ToAbsl(kWritten)));
  }
  published.state = *heads.state;
  published.process_id = static_cast<uint64_t>(*heads.process);
  published.processors = static_cast<uint64_t>(heads.processors.value_or(0));
  published.opened = std::llround(*heads.opened * kMsPerSecond);
  published.written = std::llround(*heads.written * kMsPerSecond);
  return published;
}

absl::StatusOr<PublishedStats> ReadPublishedStats(const std::string& directory) {
  const std::string path = JoinPath(directory, kStatsName);
  TSDB_ASSIGN_OR_RETURN(const auto file, LocalFileSystem()->OpenReadable(path));
  std::string text(kTextBytesMax, '\0');
  TSDB_ASSIGN_OR_RETURN(const size_t read,
                        file->Read(0, {reinterpret_cast<uint8_t*>(text.data()), text.size()}));
  auto published = ParsePublishedStats(std::string_view(text).substr(0, read));
  if (published.ok()) return published;
  return absl::Status(published.status().code(),
                      absl::StrCat("reading '", path, "': ", published.status().message()));
}

}  // namespace tsdb
