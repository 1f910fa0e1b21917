// Which format an input is in: told by its name and its first bytes, unless the user says.
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tsdb::importer {

enum class InputFormat { kPrometheus, kOpenMetrics, kJsonLines, kCsv, kInflux };

// "prometheus", "openmetrics", "jsonl", "csv", "influx".
std::string_view InputFormatName(InputFormat format);
std::optional<InputFormat> InputFormatNamed(std::string_view name);

// The end of a file's name that tells what is in it, in lower case and before .gz, .zst or .lz4:
// ".csv" of "a/b.CSV.gz"; empty when there is none.
std::string ContentExtension(const std::string& path);
// The file's name without its folder and these ends: "b".
std::string ContentStem(const std::string& path);

// `head`: the first bytes of the content; `tail`: its last bytes, as far as they are known without
// reading it all (they are all of it when it is short). CSV (.csv, .tsv) and the line protocol of
// InfluxDB (.lp, .line, .influx) are told by the name only. JSON lines start with an object.
// OpenMetrics ends with `# EOF`; where that is not to be seen, metadata that only one of the two
// text formats has decides, then the name (.om or .openmetrics, before .gz, .zst or .lz4). The rest
// is Prometheus text.
InputFormat DetectInputFormat(const std::string& path, std::string_view head,
                              std::string_view tail);

}  // namespace tsdb::importer
