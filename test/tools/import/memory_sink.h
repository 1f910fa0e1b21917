// A sink that remembers every sample it was given, in order.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/import/sink.h"

namespace tsdb::importer {

class MemorySink : public Sink {
 public:
  struct Entry {
    std::string series;
    Timestamp timestamp;
    double value;
  };

  absl::StatusOr<SeriesId> FindOrCreateSeries(const Labels& labels) override {
    ++lookups;
    const std::string text = labels.ToString();
    const auto [it, fresh] = ids_.emplace(text, static_cast<SeriesId>(names_.size()));
    if (fresh) names_.push_back(text);
    return it->second;
  }
  absl::Status Append(SeriesId series, Timestamp timestamp, double value) override {
    if (entries.size() >= capacity) return absl::ResourceExhaustedError("the sink is full");
    entries.push_back({names_[series], timestamp, value});
    return absl::OkStatus();
  }
  absl::Status AppendColumns(SeriesId series, std::span<const Timestamp> timestamps,
                             std::span<const double> values) override {
    if (entries.size() + values.size() > capacity) {
      return absl::ResourceExhaustedError("the sink is full");
    }
    for (size_t i = 0; i < values.size(); ++i) {
      entries.push_back({names_[series], timestamps[i], values[i]});
    }
    return absl::OkStatus();
  }

  // "series timestamp value" of every sample, one a line.
  std::string Text() const;

  std::vector<Entry> entries;
  size_t lookups = 0;
  size_t capacity = SIZE_MAX;

 private:
  std::map<std::string, SeriesId> ids_;
  std::vector<std::string> names_;
};

}  // namespace tsdb::importer
