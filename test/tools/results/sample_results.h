// Small fixed answers, by name, with the question each answers: what the printers' tests print.
// Thread safety: pure functions.
#pragma once

#include <string>
#include <vector>

#include "tools/results/result_printer.h"

namespace tsdb::tools {

struct SampleResult {
  PromqlResult result;
  ResultQuestion question;
};

// REQUIRES: labels that Labels::Create takes.
PromqlSeries MakeSeries(std::initializer_list<Label> labels, std::vector<Sample> samples);

// The names of all.
const std::vector<std::string>& SampleNames();
// REQUIRES: one of the names.
SampleResult MakeSample(const std::string& name);

}  // namespace tsdb::tools
