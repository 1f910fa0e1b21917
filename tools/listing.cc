#include "tools/listing.h"

#include <cstdio>
#include <utility>

#include "tools/json_text.h"
#include "tools/message.h"
#include "tools/output.h"

namespace tsdb::tools {
namespace {

void Print(const std::vector<std::string>& entries, bool json, Output& output) {
  if (!json) {
    for (const std::string& entry : entries) output << entry << "\n";
    return;
  }
  output << "{\"status\":\"success\",\"data\":[";
  for (const std::string& entry : entries) {
    output << (&entry == &entries.front() ? "\n" : ",\n") << entry;
  }
  output << (entries.empty() ? "]}\n" : "\n]}\n");
}

}  // namespace

ExitCode RunList(const ListOptions& options, const std::string& nothing,
                 const std::function<Listed(Database&, const ListQuestion&)>& ask) {
  const Color color = options.source.color;
  SelectionOptions selection = options.selection;
  if (selection.selector.empty()) selection.selector = "{}";
  TimeRange range;
  Selector selector;
  if (!ParseSelection(selection, color, selector, range)) return kUsage;
  Source source;
  if (const ExitCode code = OpenSource(options.source, source); code != kOk) return code;

  const tsdb::QueryOptions query_options = WithoutMemoryLimit();
  const Listed listed = ask(*source.database, {selector.matchers(), range, query_options});
  if (!listed.ok()) {
    PrintError(MessageOf(listed.status()), color);
    return kFailure;
  }
  if (listed->empty()) {
    std::fprintf(stderr, "tsdb: %s that match %s\n", Printable(nothing).c_str(),
                 Printable(selection.selector).c_str());
  }
  Output output;
  Print(*listed, options.json, output);
  if (const absl::Status status = output.Flush(); !status.ok()) {
    PrintError(MessageOf(status), color);
    return kFailure;
  }
  return kOk;
}

Listed ListTexts(absl::StatusOr<std::vector<std::string>> texts, bool json) {
  if (!texts.ok()) return texts;
  for (std::string& text : *texts) text = json ? JsonString(text) : Printable(text);
  return texts;
}

}  // namespace tsdb::tools
