#include "tools/command_advise.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/memory.h"
#include "tools/health/advice.h"
#include "tools/json_text.h"
#include "tools/message.h"
#include "tools/number_text.h"
#include "tools/output.h"
#include "tools/terminal.h"
#include "tsdb/query.h"

namespace tsdb::tools {
namespace {

// Labels looked at, those with most values first.
constexpr size_t kLabels = 20;
constexpr size_t kWidthMax = 100;
constexpr std::string_view kIndent = "   ";

// Columns of a line of CSV, keys in JSON.
std::vector<std::pair<const char*, std::string>> CellsOf(const Advice& advice, size_t rank) {
  return {{"rank", std::to_string(rank)},
          {"change", advice.change},
          {"present", advice.present},
          {"suggested", advice.suggested},
          {"gain", std::string(GainName(advice.gain))},
          {"why", advice.why}};
}

std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

void PrintCsv(const std::vector<Advice>& advice, Output& output) {
  const auto print_row = [&output](const auto& cells, auto text_of) {
    const char* separator = "";
    for (const auto& cell : cells) {
      output << separator << text_of(cell);
      separator = ",";
    }
    output << "\n";
  };
  print_row(CellsOf(Advice(), 0), [](const auto& cell) { return std::string(cell.first); });
  for (size_t i = 0; i < advice.size(); ++i) {
    print_row(CellsOf(advice[i], i + 1), [](const auto& cell) { return CsvField(cell.second); });
  }
}

void PrintJson(const std::vector<Advice>& advice, Output& output) {
  output << "[";
  for (size_t i = 0; i < advice.size(); ++i) {
    const char* separator = i == 0 ? "\n  {" : ",\n  {";
    for (const auto& [key, text] : CellsOf(advice[i], i + 1)) {
      output << separator << JsonString(key) << ": "
             << (std::string_view(key) == "rank" ? text : JsonString(text));
      separator = ", ";
    }
    output << "}";
  }
  output << (advice.empty() ? "]\n" : "\n]\n");
}

// In lines of at most `width` columns, each behind an indent.
void PrintWrapped(std::string_view text, size_t width, Output& output) {
  std::string line;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t together = kIndent.size() + DisplayWidth(line) + 1 + DisplayWidth(word);
    if (!line.empty() && together > width) {
      output << kIndent << line << "\n";
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += word;
  }
  if (!line.empty()) output << kIndent << line << "\n";
}

// Large numbers, which are bytes or counts, as people read them, too.
std::string Readable(const std::string& change, const std::string& value) {
  constexpr uint64_t kLarge = 10'000;
  uint64_t number = 0;
  const char* const last = value.data() + value.size();
  const auto [end, error] = std::from_chars(value.data(), last, number);
  if (error != std::errc() || end != last || number < kLarge) return value;
  return change.ends_with("_bytes") ? ReadableBytes(number) + " (" + value + ")" : Grouped(number);
}

std::string HeadOf(const PublishedStats& published) {
  const int64_t ms = std::max<int64_t>(published.written - published.opened, 1);
  const bool closed = published.state == DatabaseState::kClosed;
  return "By the figures of process " + std::to_string(published.process_id) + ", which " +
         (closed ? "had" : "has had") + " the database open for " +
         ReadableDuration(ms >= 1000 ? ms - ms % 1000 : ms) + " on " +
         ReadableTime(published.written) + " UTC:";
}

void PrintTable(const Situation& situation, const std::vector<Advice>& advice, const Style& style,
                Output& output) {
  const size_t width = std::min(OutputWidth(), kWidthMax);
  if (situation.published.has_value()) output << HeadOf(*situation.published) << "\n";
  if (advice.empty()) output << "nothing to change\n";
  for (size_t i = 0; i < advice.size(); ++i) {
    const Advice& each = advice[i];
    const std::string present = Printable(Readable(each.change, each.present));
    output << std::to_string(i + 1) << ". " << style.bold << Printable(each.change) << style.reset
           << ": " << present << (present.empty() ? "" : " → ") << style.cyan
           << Printable(Readable(each.change, each.suggested)) << style.reset << "\n";
    PrintWrapped(Printable(each.why), width, output);
  }
}

absl::Status Print(const AdviseOptions& options, const Situation& situation,
                   const std::vector<Advice>& advice) {
  const bool terminal = StdoutIsTerminal();
  AdviceFormat format = options.format;
  if (format == AdviceFormat::kAuto) format = terminal ? AdviceFormat::kTable : AdviceFormat::kCsv;
  Output output;
  if (format == AdviceFormat::kTable) {
    PrintTable(situation, advice, Style(UseColor(options.source.color, terminal)), output);
  } else if (format == AdviceFormat::kCsv) {
    PrintCsv(advice, output);
  } else {
    PrintJson(advice, output);
  }
  return output.Finish();
}

// What the process that writes it, or did, says; nothing, with a warning, if that cannot be read.
std::optional<PublishedStats> ReadPublished(const std::string& directory, Color color) {
  auto published = ReadPublishedStats(directory);
  if (published.ok()) return *std::move(published);
  PrintWarning((absl::IsNotFound(published.status()) ? "'" + directory + "' has no file STATS"
                                                     : MessageOf(published.status())) +
                   ", so only what is stored is looked at",
               color);
  return std::nullopt;
}

}  // namespace

ExitCode RunAdvise(const AdviseOptions& options) {
  const Color color = options.source.color;
  Source source;
  if (const ExitCode code = OpenSource(options.source, source); code != kOk) return code;
  Situation situation;
  situation.directory = options.source.directory;
  situation.stored = source.database->Statistics();
  situation.labels = Cardinality(*source.database, kLabels);
  situation.machine_bytes = PhysicalMemoryBytes();
  if (!situation.directory.empty()) {
    situation.published = ReadPublished(situation.directory, color);
  }
  const absl::Status printed = Print(options, situation, Advise(situation));
  if (printed.ok()) return kOk;
  PrintError(MessageOf(printed), color);
  return kFailure;
}

}  // namespace tsdb::tools
