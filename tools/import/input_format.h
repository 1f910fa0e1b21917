// Which format an input is in: told by its name and its first bytes, unless the user says.
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tsdb::importer {

enum class InputFormat { kPrometheus, kOpenMetrics, kJsonLines };

// "prometheus", "openmetrics", "jsonl".
std::string_view InputFormatName(InputFormat format);
std::optional<InputFormat> InputFormatNamed(std::string_view name);

// `head`: the first bytes of the content; `tail`: its last bytes, as far as they are known without
// reading it all (they are all of it when it is short). JSON lines start with an object.
// OpenMetrics ends with `# EOF`; where that is not to be seen, metadata that only one of the two
// text formats has decides, then the name (.om or .openmetrics, before .gz, .zst or .lz4). The rest
// is Prometheus text.
InputFormat DetectInputFormat(const std::string& path, std::string_view head,
                              std::string_view tail);

}  // namespace tsdb::importer
