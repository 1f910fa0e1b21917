// The printers behind PrintResult, each in a file of its own. Where a format has only one way to
// print an answer of one number or text, that is kScalar or kString, it says so itself.
// Thread safety: as PrintResult.
#pragma once

#include <string>

#include "tools/results/result_printer.h"

namespace tsdb::tools {

// What a printer is given. Lives for the call.
struct ResultPage {
  const PromqlResult& result;
  const ResultQuestion& question;
  const ResultStyle& style;

  // Series to be shown, the first of the answer.
  size_t SeriesShown() const {
    const size_t series = result.series.size();
    return style.limit > 0 && style.limit < series ? static_cast<size_t>(style.limit) : series;
  }
};

void PrintResultTable(const ResultPage& page, Output& output);
void PrintResultCsv(const ResultPage& page, Output& output);
void PrintResultJson(const ResultPage& page, Output& output);
void PrintResultJsonLines(const ResultPage& page, Output& output);
void PrintResultMarkdown(const ResultPage& page, Output& output);
void PrintResultChart(const ResultPage& page, Output& output);
void PrintResultSpark(const ResultPage& page, Output& output);
void PrintResultSvg(const ResultPage& page, Output& output);
void PrintResultHtml(const ResultPage& page, Output& output);

// A vector, or series of one sample each: bars instead of lines.
bool IsBars(const PromqlResult& result);
void PrintBars(const ResultPage& page, Output& output);

// "12 more series; --limit 0 shows all", if the limit leaves any out.
std::string MoreSeries(const ResultPage& page);
// The same as a line of its own in the terminal, or none.
void PrintMoreSeries(const ResultPage& page, Output& output);

}  // namespace tsdb::tools
