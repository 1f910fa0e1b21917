#include "tools/import/openmetrics_rules.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "tools/import/text_number.h"

namespace tsdb::importer {
namespace {

struct TypeNames {
  std::string_view type;
  std::vector<std::string_view> suffixes;
};

// Which sample names a family of each type has (OpenMetrics 1.0, "Suffixes").
const std::vector<std::string_view>& SuffixesOf(std::string_view type) {
  static const std::vector<TypeNames> kTypes = {
      {"counter", {"_total", "_created"}},
      {"summary", {"_count", "_sum", "_created", ""}},
      {"histogram", {"_count", "_sum", "_bucket", "_created"}},
      {"gaugehistogram", {"_gcount", "_gsum", "_bucket"}},
      {"info", {"_info"}},
  };
  static const std::vector<std::string_view> kPlain = {""};
  for (const TypeNames& each : kTypes) {
    if (each.type == type) return each.suffixes;
  }
  return kPlain;
}

std::string_view ValueOf(const OpenMetricsSample& sample, std::string_view label) {
  for (const Label& each : sample.labels) {
    if (each.name == label) return each.value;
  }
  return {};
}

// The labels that tell metrics of a family apart, as one text.
std::string MetricOf(const OpenMetricsSample& sample, std::string_view without) {
  std::vector<Label> labels(sample.labels.begin() + 1, sample.labels.end());
  std::erase_if(labels, [&](const Label& label) { return label.name == without; });
  std::sort(labels.begin(), labels.end(),
            [](const Label& a, const Label& b) { return a.name < b.name; });
  std::string metric;
  for (const Label& label : labels) {
    metric.append(label.name).push_back('\0');
    metric.append(label.value).push_back('\0');
  }
  return metric;
}

bool Break(LineError& error, std::string message) {
  return error.Set(Reason::kRule, 0, std::move(message));
}

}  // namespace

bool OpenMetricsRules::StartFamily(std::string_view name, LineError& error) {
  if (!EndFamily(error)) return false;
  if (families_.contains(name)) {
    return Break(error, "the metric family '" + std::string(name) + "' was already ended");
  }
  families_.emplace(name);
  family_ = name;
  type_ = "unknown";
  unit_.clear();
  in_family_ = true;
  help_seen_ = type_seen_ = unit_seen_ = samples_seen_ = names_claimed_ = false;
  metric_.clear();
  metrics_.clear();
  timestamp_.reset();
  return true;
}

// A family without samples has its names, too.
bool OpenMetricsRules::EndFamily(LineError& error) {
  return EndPoint(error) && (!in_family_ || ClaimNames(error));
}

bool OpenMetricsRules::ClaimNames(LineError& error) {
  if (std::exchange(names_claimed_, true)) return true;
  const auto claim = [&](std::string_view suffix) {
    const auto [name, fresh] = claimed_.emplace(family_ + std::string(suffix), family_);
    // Of some types the plain name is one of the suffixes, too.
    if (fresh || name->second == family_) return true;
    return Break(error, "the sample name '" + name->first + "' belongs to the metric family '" +
                            name->second + "'");
  };
  const std::vector<std::string_view>& suffixes = SuffixesOf(type_);
  return claim("") && std::all_of(suffixes.begin(), suffixes.end(), claim);
}

bool OpenMetricsRules::OnMetadata(const Metadata& metadata, LineError& error) {
  if (!in_family_ || metadata.name != family_) {
    if (!StartFamily(metadata.name, error)) return false;
  } else if (samples_seen_) {
    return Break(error, "metadata of '" + family_ + "' after its samples");
  }
  bool& seen = metadata.kind == Metadata::Kind::kHelp   ? help_seen_
               : metadata.kind == Metadata::Kind::kType ? type_seen_
                                                        : unit_seen_;
  if (std::exchange(seen, true)) {
    return Break(error, "the same metadata of '" + family_ + "' twice");
  }
  if (metadata.kind == Metadata::Kind::kType) type_ = metadata.text;
  if (metadata.kind == Metadata::Kind::kUnit) unit_ = metadata.text;
  if (!unit_.empty() && !family_.ends_with("_" + unit_)) {
    return Break(error, "the name '" + family_ + "' does not end with its unit, '" + unit_ + "'");
  }
  if (!unit_.empty() && (type_ == "info" || type_ == "stateset")) {
    return Break(error, "a metric of type " + type_ + " has no unit");
  }
  return metadata.kind != Metadata::Kind::kType || ClaimNames(error);
}

std::optional<std::string_view> OpenMetricsRules::SuffixOf(std::string_view sample_name) const {
  if (!in_family_ || !sample_name.starts_with(family_)) return std::nullopt;
  const std::string_view suffix = sample_name.substr(family_.size());
  const std::vector<std::string_view>& allowed = SuffixesOf(type_);
  if (std::find(allowed.begin(), allowed.end(), suffix) == allowed.end()) return std::nullopt;
  return suffix;
}

bool OpenMetricsRules::OnSample(const OpenMetricsSample& sample, LineError& error) {
  const std::string_view name = sample.labels.front().value;
  std::optional<std::string_view> suffix = SuffixOf(name);
  if (!suffix) {
    if (!StartFamily(name, error)) return false;
    suffix = "";
  }
  if (!ClaimNames(error)) return false;
  samples_seen_ = true;
  return CheckType(sample, *suffix, error) && CheckOrder(sample, *suffix, error) &&
         AddToPoint(sample, *suffix, error);
}

bool OpenMetricsRules::CheckType(const OpenMetricsSample& sample, std::string_view suffix,
                                 LineError& error) const {
  const double value = sample.value;
  if (sample.has_exemplar && suffix != "_bucket" && suffix != "_total") {
    return Break(error, "only counters' totals and histograms' buckets can have exemplars");
  }
  if (type_ == "stateset") {
    if (value != 0 && value != 1) return Break(error, "a state is 0 or 1");
    if (ValueOf(sample, family_).empty()) {
      return Break(error,
                   "a stateset's samples need a label named as the metric, '" + family_ + "'");
    }
  }
  if (type_ == "info" && value != 1) return Break(error, "the value of an info metric is 1");
  if (type_ == "summary" && suffix.empty()) return CheckQuantile(sample, error);
  if (suffix == "_total" || suffix == "_count" || suffix == "_bucket" || suffix == "_gcount" ||
      suffix == "_sum") {
    if (!(value >= 0)) return Break(error, "a " + type_ + "'s value is NaN or negative");
  }
  if (suffix == "_gsum" && std::isnan(value)) return Break(error, "a sum is NaN");
  return true;
}

bool OpenMetricsRules::CheckQuantile(const OpenMetricsSample& sample, LineError& error) const {
  const std::optional<double> quantile = ParseValue(ValueOf(sample, "quantile"));
  if (!quantile || !(*quantile >= 0 && *quantile <= 1)) {
    return Break(error, "a summary's sample needs a label 'quantile' from 0 to 1");
  }
  if (sample.value < 0) return Break(error, "a quantile's value is negative");
  return true;
}

bool OpenMetricsRules::CheckOrder(const OpenMetricsSample& sample, std::string_view suffix,
                                  LineError& error) {
  const std::string_view without = type_ == "summary"    ? "quantile"
                                   : IsHistogram()       ? "le"
                                   : type_ == "stateset" ? std::string_view(family_)
                                                         : std::string_view();
  const std::string metric = MetricOf(sample, without);
  const bool has_timestamp = !sample.timestamp_text.empty();
  std::optional<double> timestamp;
  if (has_timestamp) timestamp = ParseValue(sample.timestamp_text);
  if (metrics_.empty() || metric != metric_) {
    if (!EndPoint(error)) return false;
    if (!metrics_.insert(metric).second) {
      return Break(error, "samples of one metric of '" + family_ + "' are not together");
    }
    metric_ = metric;
  } else {
    if (has_timestamp != has_timestamp_) {
      return Break(error, "one sample of the metric has a timestamp and another has none");
    }
    if (has_timestamp && *timestamp < *timestamp_) {
      return Break(error, "the timestamp goes back within the metric");
    }
    if (has_timestamp && *timestamp > *timestamp_ && !EndPoint(error)) return false;
  }
  timestamp_ = timestamp;
  has_timestamp_ = has_timestamp;
  // An _created or _bucket beside the others is another sample at the same time; the same one is
  // not.
  std::string identity(suffix);
  for (const Label& label : sample.labels) {
    if (label.name == without) identity.append("\0", 1).append(label.value);
  }
  if (!samples_at_timestamp_.insert(std::move(identity)).second) {
    return Break(error, "the same sample twice");
  }
  return true;
}

bool OpenMetricsRules::AddToPoint(const OpenMetricsSample& sample, std::string_view suffix,
                                  LineError& error) {
  if (!IsHistogram()) return true;
  if (suffix == "_bucket") return CheckBucket(sample, error);
  if (suffix == "_count" || suffix == "_gcount") point_.count = sample.value;
  if (suffix == "_sum" || suffix == "_gsum") point_.sum = sample.value;
  return true;
}

bool OpenMetricsRules::CheckBucket(const OpenMetricsSample& sample, LineError& error) {
  const std::string_view text = ValueOf(sample, "le");
  const std::optional<double> bound = ParseValue(text);
  if (!bound || std::isnan(*bound)) return Break(error, "a bucket needs a label 'le', a number");
  if (std::isinf(*bound) && text != "+Inf") {
    return Break(error, "the last bucket's bound is written '+Inf'");
  }
  if (point_.last_bound && !(*bound > *point_.last_bound)) {
    return Break(error, "the buckets' bounds do not increase");
  }
  if (point_.last_bound && sample.value < point_.last_bucket) {
    return Break(error, "the buckets' counts decrease");
  }
  point_.last_bound = bound;
  point_.last_bucket = sample.value;
  point_.has_infinite_bucket = std::isinf(*bound);
  point_.has_negative_bound = point_.has_negative_bound || *bound < 0;
  return true;
}

bool OpenMetricsRules::EndHistogram(LineError& error) {
  const std::string the = "the " + type_ + " '" + family_ + "' ";
  if (!point_.has_infinite_bucket) return Break(error, the + "has no bucket le=\"+Inf\"");
  if (point_.count && *point_.count != point_.last_bucket) {
    return Break(error, the + "has a count that differs from its bucket le=\"+Inf\"");
  }
  if (point_.sum.has_value() != point_.count.has_value()) {
    // A count alone says nothing a bucket does not, a sum alone has nothing to be divided by.
    if (point_.sum) return Break(error, the + "has a sum and no count");
    if (!point_.has_negative_bound) return Break(error, the + "has a count and no sum");
  }
  if (point_.sum && type_ == "histogram" && point_.has_negative_bound) {
    return Break(error, the + "has negative buckets and a sum");
  }
  if (point_.sum && *point_.sum < 0 && !point_.has_negative_bound) {
    return Break(error, the + "has a negative sum and no negative bucket");
  }
  return true;
}

bool OpenMetricsRules::EndPoint(LineError& error) {
  const bool right = !IsHistogram() || samples_at_timestamp_.empty() || EndHistogram(error);
  point_ = Point();
  samples_at_timestamp_.clear();
  return right;
}

bool OpenMetricsRules::Finish(LineError& error) { return EndFamily(error); }

}  // namespace tsdb::importer
