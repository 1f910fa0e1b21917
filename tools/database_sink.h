// Where imported samples go: into a database by one appender, or, to see what a file has, nowhere.
//
// Thread safety: one thread.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/import/sink.h"
#include "tsdb/database.h"

namespace tsdb::tools {

// Remembers the first and the last time it was given.
class TimedSink : public importer::Sink {
 public:
  Timestamp first_time() const { return first_time_; }
  Timestamp last_time() const { return last_time_; }

 protected:
  void Note(Timestamp timestamp) {
    first_time_ = std::min(first_time_, timestamp);
    last_time_ = std::max(last_time_, timestamp);
  }
  void Note(std::span<const Timestamp> timestamps) {
    for (const Timestamp timestamp : timestamps) Note(timestamp);
  }

 private:
  Timestamp first_time_ = kTimestampMax;
  Timestamp last_time_ = kTimestampMin;
};

class DatabaseSink : public TimedSink {
 public:
  explicit DatabaseSink(Database& database)
      : database_(database), appender_(database.NewAppender()) {}

  absl::StatusOr<SeriesId> FindOrCreateSeries(const Labels& labels) override {
    return database_.FindOrCreateSeries(labels);
  }
  absl::Status Append(SeriesId series, Timestamp timestamp, double value) override {
    if (!appender_.Append(series, timestamp, value)) return appender_.status();
    Note(timestamp);
    return absl::OkStatus();
  }
  absl::Status AppendColumns(SeriesId series, std::span<const Timestamp> timestamps,
                             std::span<const double> values) override {
    if (!appender_.AppendColumns(series, timestamps, values)) return appender_.status();
    Note(timestamps);
    return absl::OkStatus();
  }
  // Waits until what was appended is as durable as the database promises.
  absl::Status Settle() { return appender_.Commit().Await(Milestone::kDurable); }

 private:
  Database& database_;
  Appender appender_;
};

// Takes everything, keeps the labels only. Memory grows with the series.
class CountingSink : public TimedSink {
 public:
  // `known` may be null; else series it has are not new.
  explicit CountingSink(const Database* known) : known_(known) {}

  absl::StatusOr<SeriesId> FindOrCreateSeries(const Labels& labels) override {
    const auto [series, fresh] =
        ids_.emplace(std::string(labels.bytes()), static_cast<SeriesId>(ids_.size()));
    if (fresh) new_series_ += known_ == nullptr || !known_->FindSeries(labels).ok();
    return series->second;
  }
  absl::Status Append(SeriesId, Timestamp timestamp, double) override {
    Note(timestamp);
    return absl::OkStatus();
  }
  absl::Status AppendColumns(SeriesId, std::span<const Timestamp> timestamps,
                             std::span<const double>) override {
    Note(timestamps);
    return absl::OkStatus();
  }
  uint64_t series() const { return ids_.size(); }
  uint64_t new_series() const { return new_series_; }

 private:
  const Database* const known_;
  std::unordered_map<std::string, SeriesId> ids_;
  uint64_t new_series_ = 0;
};

}  // namespace tsdb::tools
