#include "tools/results/result_printer.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "tools/number_text.h"
#include "tools/results/printers.h"

namespace tsdb::tools {
namespace {

// A chart that fills a tall terminal is steeper than it is readable.
constexpr size_t kHeightMax = 32;

struct NamedFormat {
  std::string_view name;
  ResultFormat format;
};
constexpr NamedFormat kFormats[] = {
    {"auto", ResultFormat::kAuto},   {"table", ResultFormat::kTable},
    {"csv", ResultFormat::kCsv},     {"json", ResultFormat::kJson},
    {"jsonl", ResultFormat::kJsonl}, {"markdown", ResultFormat::kMarkdown},
    {"chart", ResultFormat::kChart}, {"spark", ResultFormat::kSpark},
    {"svg", ResultFormat::kSvg},     {"html", ResultFormat::kHtml},
};

bool LocaleIsUtf8() {
  for (const char* variable : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(variable);
    if (value == nullptr || *value == '\0') continue;
    std::string locale = value;
    std::transform(locale.begin(), locale.end(), locale.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos;
  }
  return true;
}

}  // namespace

std::optional<ResultFormat> ParseResultFormat(std::string_view name) {
  for (const NamedFormat& each : kFormats) {
    if (each.name == name) return each.format;
  }
  return std::nullopt;
}

ResultStyle StyleOfStdout(Color color) {
  ResultStyle style;
  style.color = UseColor(color, StdoutIsTerminal());
  style.utf8 = LocaleIsUtf8();
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1) {
    style.height = std::min<size_t>(size.ws_row - 1, kHeightMax);  // the prompt takes a line
  }
  if (StdoutIsTerminal() || std::getenv("COLUMNS") != nullptr) style.width = OutputWidth();
  return style;
}

ResultFormat ChooseFormat(ResultFormat wish, const ResultQuestion& question, bool is_terminal) {
  if (wish != ResultFormat::kAuto) return wish;
  if (!is_terminal) return ResultFormat::kCsv;
  return question.is_range() ? ResultFormat::kChart : ResultFormat::kTable;
}

std::string MoreSeries(const ResultPage& page) {
  const size_t more = page.result.series.size() - page.SeriesShown();
  if (more == 0) return "";
  return Grouped(more) + " more series; " + std::string(page.style.show_all) + " shows all";
}

void PrintMoreSeries(const ResultPage& page, Output& output) {
  const std::string more = MoreSeries(page);
  if (more.empty()) return;
  const Style style(page.style.color);
  output << style.dim << more << style.reset << "\n";
}

void PrintResult(const PromqlResult& result, const ResultQuestion& question,
                 const ResultStyle& style, ResultFormat format, Output& output) {
  const ResultPage page{result, question, style};
  switch (format) {
    case ResultFormat::kAuto:
    case ResultFormat::kTable:
      return PrintResultTable(page, output);
    case ResultFormat::kCsv:
      return PrintResultCsv(page, output);
    case ResultFormat::kJson:
      return PrintResultJson(page, output);
    case ResultFormat::kJsonl:
      return PrintResultJsonLines(page, output);
    case ResultFormat::kMarkdown:
      return PrintResultMarkdown(page, output);
    case ResultFormat::kChart:
      return PrintResultChart(page, output);
    case ResultFormat::kSpark:
      return PrintResultSpark(page, output);
    case ResultFormat::kSvg:
      return PrintResultSvg(page, output);
    case ResultFormat::kHtml:
      return PrintResultHtml(page, output);
  }
}

}  // namespace tsdb::tools
