// `tsdb query --explain`: how an expression was understood and what answering it took.
// Thread safety: one thread.
#pragma once

#include <string>

#include "tools/output.h"
#include "tools/results/result_printer.h"
#include "tsdb/promql.h"

namespace tsdb::tools {

// `tree`: DescribePromql's.
void PrintQueryPlan(const ResultQuestion& question, const std::string& tree,
                    const PromqlResult& result, Output& output);

}  // namespace tsdb::tools
