// Labels: made of hostile names and values, and read from bytes that claim to be canonical.
//
// Mode: even for names and values, each behind its length in a byte; odd for canonical bytes.
#include "storage/base/labels.h"
#include "test/fuzz/fuzz_target.h"
#include "test/tools/few_series.h"
#include "tools/import/exposition_syntax.h"
#include "tools/selector.h"
#include "tsdb/durability/log_payload.h"

namespace tsdb::fuzz {
namespace {

size_t CountOf(const Labels& labels) {
  size_t count = 0;
  for (auto label = labels.begin(); label != labels.end(); ++label) ++count;
  return count;
}

// As text they come back the same, from the importer and from the command line.
void CheckText(const Labels& labels) {
  const std::string text = labels.ToString();
  if (!labels.MetricName().empty()) {  // the importer wants one
    importer::ParsedSeries series;
    importer::LineError error;
    size_t end = 0;
    TSDB_CHECK(importer::ParseSeries(text, importer::Dialect::kPrometheus, series, end, error));
    TSDB_CHECK(end == text.size() && importer::FindSeriesEnd(text) == text.size());
    const auto again = Labels::Create(series.labels);
    TSDB_CHECK(again.ok() && *again == labels);
  }

  tools::Selector selector;
  tools::SelectorError selector_error;
  TSDB_CHECK(tools::Selector::Parse(text, selector, selector_error));
  if (labels.bytes().empty()) return;  // no series has them
  tools::FewSeries series(1);
  TSDB_CHECK(series.Add(labels));
  const auto picked = series.Pick(selector.matchers());
  TSDB_CHECK(picked.ok() && picked->size() == 1);
}

void FuzzCreate(Input& input) {
  std::vector<std::string> texts;
  while (!input.empty()) texts.emplace_back(AsText(input.Bytes(input.Byte())));
  std::vector<Label> given;
  for (size_t i = 0; i + 1 < texts.size(); i += 2) given.push_back({texts[i], texts[i + 1]});
  const auto labels = Labels::Create(given);
  if (!labels.ok()) {
    TSDB_CHECK(labels.status().code() == absl::StatusCode::kInvalidArgument &&
               IsValidUtf8({labels.status().message().data(), labels.status().message().size()}));
    return;
  }
  size_t kept = 0, bytes = 0;
  for (const Label& label : given) {
    TSDB_CHECK(labels->Get(label.name) == label.value);
    kept += !label.value.empty();
    bytes += label.name.size() + label.value.size() + 6;
  }
  TSDB_CHECK(CountOf(*labels) == kept);
  TSDB_CHECK(labels->bytes().size() <= bytes && durability::AreCanonicalLabels(labels->bytes()));
  CheckText(*labels);
}

void FuzzCanonical(std::span<const uint8_t> input) {
  const ExactBytes exact(input);
  const std::string_view bytes = AsText(exact.bytes());
  const Labels labels = Labels::FromCanonicalBytes(bytes);
  size_t count = 0, text_bytes = 0;
  for (const Label label : labels) {
    ++count;
    text_bytes += label.name.size() + label.value.size();
  }
  TSDB_CHECK(count <= bytes.size() && text_bytes <= bytes.size());
  TSDB_CHECK(labels.ToString().size() <= 2 * bytes.size() + 8 * count + 8);
  TSDB_CHECK(labels.Get("").size() <= bytes.size());
  if (durability::AreCanonicalLabels(bytes)) CheckText(labels);
}

}  // namespace
}  // namespace tsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tsdb::fuzz::Input input(data, size);
  if (input.Byte() % 2 == 0) {
    tsdb::fuzz::FuzzCreate(input);
  } else {
    tsdb::fuzz::FuzzCanonical(input.Rest());
  }
  return 0;
}
