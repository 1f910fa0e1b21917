// PromQL expressions as typed: parsed, printed, and parsed again.
#include <algorithm>
#include <string>

#include "storage/base/labels.h"
#include "test/fuzz/fuzz_target.h"
#include "tsdb/promql/parser.h"

namespace tsdb::fuzz {
namespace {

constexpr size_t kExpressionBytesMax = 4096;

void Fuzz(std::string_view text) {
  const auto expr = promql::Parse(text);
  if (!expr.ok()) {
    const std::string message(expr.status().message());
    TSDB_CHECK(IsValidUtf8(message));
    TSDB_CHECK(message.find(": parse error: ") != std::string::npos);
    return;
  }
  TSDB_CHECK((*expr)->type != promql::ValueType::kNone);
  TSDB_CHECK((*expr)->span.begin < (*expr)->span.end && (*expr)->span.end <= text.size());
  const std::string printed = promql::ToString(**expr);
  const auto again = promql::Parse(printed);
  TSDB_CHECK(again.ok());
  TSDB_CHECK((*again)->type == (*expr)->type);
  TSDB_CHECK(promql::ToString(**again) == printed);
}

}  // namespace
}  // namespace tsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const tsdb::fuzz::ExactBytes exact({data, std::min(size, tsdb::fuzz::kExpressionBytesMax)});
  tsdb::fuzz::Fuzz(tsdb::fuzz::AsText(exact.bytes()));
  return 0;
}
