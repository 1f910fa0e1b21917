// The rules of OpenMetrics 1.0 that no single line shows: which sample names, labels and values a
// metric type allows, that metadata precedes samples, that families, metrics and timestamps come in
// order, and that histograms add up.
//
// Memory grows with the number of families, and of metrics in one family.
//
// Thread safety: none.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/labels.h"
#include "tools/import/exposition_syntax.h"
#include "tools/import/line_parser.h"

namespace tsdb::importer {

struct OpenMetricsSample {
  const std::vector<Label>& labels;  // the metric name first
  double value;
  std::string_view timestamp_text;  // empty: none
  bool has_exemplar;
};

class OpenMetricsRules {
 public:
  // Each returns false and says in `error` what the line, or the metric it ends, breaks.
  bool OnMetadata(const Metadata& metadata, LineError& error);
  bool OnSample(const OpenMetricsSample& sample, LineError& error);
  bool Finish(LineError& error);

 private:
  // A histogram or summary under one set of labels (`le` and `quantile` apart), at one time.
  struct Point {
    std::optional<double> last_bound;
    double last_bucket = 0;
    bool has_infinite_bucket = false;
    bool has_negative_bound = false;
    std::optional<double> count;
    std::optional<double> sum;
  };

  bool StartFamily(std::string_view name, LineError& error);
  bool EndFamily(LineError& error);
  // Notes the names that samples of the family may have.
  bool ClaimNames(LineError& error);
  bool EndPoint(LineError& error);
  bool EndHistogram(LineError& error);
  // Which part of the family a sample is: "", "_total", "_bucket", ...; nothing when of another
  // family.
  std::optional<std::string_view> SuffixOf(std::string_view sample_name) const;
  bool CheckType(const OpenMetricsSample& sample, std::string_view suffix, LineError& error) const;
  bool CheckOrder(const OpenMetricsSample& sample, std::string_view suffix, LineError& error);
  bool CheckBucket(const OpenMetricsSample& sample, LineError& error);
  bool CheckQuantile(const OpenMetricsSample& sample, LineError& error) const;
  bool AddToPoint(const OpenMetricsSample& sample, std::string_view suffix, LineError& error);
  bool IsHistogram() const { return type_ == "histogram" || type_ == "gaugehistogram"; }

  // The family at hand.
  std::string family_;
  std::string type_ = "unknown";
  std::string unit_;
  bool in_family_ = false;
  bool help_seen_ = false;
  bool type_seen_ = false;
  bool unit_seen_ = false;
  bool samples_seen_ = false;
  bool names_claimed_ = false;

  // The metric (family and labels) at hand, and those of the family that are past.
  std::string metric_;
  std::set<std::string> metrics_;
  std::optional<double> timestamp_;
  bool has_timestamp_ = false;
  std::set<std::string> samples_at_timestamp_;
  Point point_;

  std::set<std::string, std::less<>> families_;
  // Every name a family lays claim to, so that no two clash.
  std::map<std::string, std::string, std::less<>> claimed_;
};

}  // namespace tsdb::importer
