// promql_conformance: runs Prometheus's PromQL test files against the engine. See Usage.
#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "test/tsdb/promql/conformance_runner.h"

namespace tsdb::conformance {
namespace {

namespace fs = std::filesystem;

constexpr int kSkipped = 77;  // CTest's SKIP_RETURN_CODE

constexpr char kUsage[] =
    R"(usage: promql_conformance [-v] [--table] [--optional] [--closed-ranges] DIRECTORY...

Runs the *.test files at and below each directory (or a file), in the language of Prometheus's
promql/promqltest, and prints a row for each and the sums. Exits 1 if a case failed or there was
none at all.

  -v               print each failed case: file and line, expression, what was expected and got;
                   and each unsupported one with the reason
  --table          print the rows, and the unsupported cases by reason, as Markdown
  --optional       directories that do not exist are no error: exits 77 if there is nothing else
  --closed-ranges  the paths that follow are run with ranges closed at both ends, [t-w, t], as
                   Prometheus 2 has them. So are directories whose name begins with closed-range;
                   all others with those of Prometheus 3, (t-w, t].
  --help           print this

An error that a case expects must contain the message given there: the engine's say more, such as
the place. Warnings and infos must be the same. Cases are unsupported, by name and never silently,
that select or expect native histograms or use what is experimental in Prometheus.
)";

struct Source {
  fs::path path;
  bool closed_ranges = false;
};

struct Arguments {
  bool verbose = false;
  bool table = false;
  bool optional = false;
  bool help = false;
  std::string error;
  std::vector<Source> sources;
};

Arguments ParseArguments(int argc, char** argv) {
  Arguments arguments;
  bool closed_ranges = false;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "-v") {
      arguments.verbose = true;
    } else if (argument == "--table") {
      arguments.table = true;
    } else if (argument == "--optional") {
      arguments.optional = true;
    } else if (argument == "--help") {
      arguments.help = true;
    } else if (argument == "--closed-ranges") {
      closed_ranges = true;
    } else if (absl::StartsWith(argument, "-")) {
      arguments.error = "unknown option " + argument;
    } else {
      arguments.sources.push_back({argument, closed_ranges});
    }
  }
  if (arguments.sources.empty() && !arguments.help) arguments.error = "no directory is given";
  return arguments;
}

bool HasClosedName(const fs::path& file) {
  const fs::path folder = fs::weakly_canonical(file).parent_path();
  return std::any_of(folder.begin(), folder.end(), [](const fs::path& part) {
    return absl::StartsWith(part.string(), "closed-range");
  });
}

// The test files of a source in the order of their paths.
std::vector<Source> FilesOf(const Source& source) {
  std::vector<Source> files;
  if (fs::is_regular_file(source.path)) {
    files.push_back(source);
  } else {
    for (const auto& entry : fs::recursive_directory_iterator(source.path)) {
      if (entry.is_regular_file() && entry.path().extension() == ".test") {
        files.push_back({entry.path(), source.closed_ranges});
      }
    }
  }
  for (Source& file : files) file.closed_ranges = file.closed_ranges || HasClosedName(file.path);
  std::sort(files.begin(), files.end(),
            [](const Source& a, const Source& b) { return a.path < b.path; });
  return files;
}

std::string Indented(const std::string& text) {
  std::string out;
  bool begins = true;
  for (const char c : text) {
    if (begins) out += "    ";
    out += c;
    begins = c == '\n';
  }
  if (!begins) out += '\n';
  return out;
}

void PrintCases(const FileReport& report) {
  for (const CaseReport& each : report.cases) {
    if (each.verdict == Verdict::kPassed) continue;
    const bool failed = each.verdict == Verdict::kFailed;
    std::cout << report.file << ":" << each.line << ": " << (failed ? "failed: " : "unsupported: ")
              << each.command << "\n"
              << Indented(each.detail);
  }
}

class Summary {
 public:
  explicit Summary(bool table) : table_(table) {}

  void Add(const FileReport& report) {
    const fs::path path = report.file;
    rows_.push_back({(path.parent_path().filename() / path.filename()).string(),
                     {report.Count(Verdict::kPassed), report.Count(Verdict::kFailed),
                      report.Count(Verdict::kUnsupported)}});
    for (size_t i = 0; i < 3; ++i) sums_[i] += rows_.back().counts[i];
    for (const CaseReport& each : report.cases) {
      if (each.verdict == Verdict::kUnsupported) ++reasons_[each.detail];
    }
  }

  void Print() const {
    if (table_) {
      std::cout << "| file | passed | failed | unsupported |\n| --- | ---: | ---: | ---: |\n";
    } else {
      PrintRow("file", "passed", "failed", "unsupported");
    }
    for (const Row& row : rows_) {
      PrintRow(row.file, absl::StrCat(row.counts[0]), absl::StrCat(row.counts[1]),
               absl::StrCat(row.counts[2]));
    }
    if (table_) {
      std::cout << "\n| unsupported because | cases |\n| --- | ---: |\n";
      for (const auto& [reason, count] : reasons_) {
        std::cout << "| " << reason << " | " << count << " |\n";
      }
      std::cout << "\n";
    }
    std::cout << sums_[0] << " passed, " << sums_[1] << " failed, " << sums_[2] << " unsupported\n";
  }

  size_t failed() const { return sums_[1]; }
  size_t all() const { return sums_[0] + sums_[1] + sums_[2]; }

 private:
  struct Row {
    std::string file;
    size_t counts[3];
  };
  void PrintRow(const std::string& file, const std::string& passed, const std::string& failed,
                const std::string& unsupported) const {
    if (table_) {
      std::cout << "| " << file << " | " << passed << " | " << failed << " | " << unsupported
                << " |\n";
    } else {
      std::cout << std::left << std::setw(48) << file << std::right << std::setw(8) << passed
                << std::setw(8) << failed << std::setw(13) << unsupported << "\n";
    }
  }

  bool table_;
  std::vector<Row> rows_;
  size_t sums_[3] = {};
  std::map<std::string, size_t> reasons_;
};

int Run(const Arguments& arguments) {
  Summary summary(arguments.table);
  bool skipped = false;
  for (const Source& source : arguments.sources) {
    if (!fs::exists(source.path) && arguments.optional) {
      std::cout << "skipped: there are no PromQL cases in " << source.path.string() << "\n";
      skipped = true;
      continue;
    }
    for (const Source& file : FilesOf(source)) {
      PromqlOptions options;
      options.closed_ranges = file.closed_ranges;
      const auto report = RunTestFile(file.path.string(), options);
      if (!report.ok()) {
        std::cerr << report.status().ToString() << "\n";
        return 1;
      }
      if (arguments.verbose) PrintCases(*report);
      summary.Add(*report);
    }
  }
  if (skipped && summary.all() == 0) return kSkipped;
  summary.Print();
  if (summary.all() == 0) std::cerr << "no case was found\n";
  return summary.failed() > 0 || summary.all() == 0 ? 1 : 0;
}

}  // namespace
}  // namespace tsdb::conformance

int main(int argc, char** argv) {
  using namespace tsdb::conformance;
  const Arguments arguments = ParseArguments(argc, argv);
  if (arguments.help) {
    std::cout << kUsage;
    return 0;
  }
  if (!arguments.error.empty()) {
    std::cerr << arguments.error << "\n" << kUsage;
    return 2;
  }
  try {
    return Run(arguments);
  } catch (const std::filesystem::filesystem_error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
