// What `tsdb series`, `tsdb labels` and `tsdb values` share: which series are meant, and a list of
// texts printed a line each, or as the response of Prometheus's HTTP API.
//
// Thread safety: one thread.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "index/label/matcher.h"
#include "storage/base/types.h"
#include "tools/exit_code.h"
#include "tools/select_series.h"
#include "tools/source.h"
#include "tsdb/database.h"
#include "tsdb/query.h"

namespace tsdb::tools {

struct ListOptions {
  SourceOptions source;
  SelectionOptions selection;  // an empty selector: every series
  bool json = false;
};

// Which series are asked about, as the questions of tsdb/query.h take it.
struct ListQuestion {
  std::span<const Matcher> matchers;
  TimeRange range;
  const tsdb::QueryOptions& options;
};

// What is to be listed: JSON values, if that is the format, else text without control characters.
using Listed = absl::StatusOr<std::vector<std::string>>;

// Opens the source, asks and prints. `nothing` is what to say on stderr if the list is empty, in
// front of "that match SELECTOR".
ExitCode RunList(const ListOptions& options, const std::string& nothing,
                 const std::function<Listed(Database&, const ListQuestion&)>& ask);

// Texts as they are to be listed.
Listed ListTexts(absl::StatusOr<std::vector<std::string>> texts, bool json);

}  // namespace tsdb::tools
