// scan_benchmark --query: how long questions over many series take, from matchers to the answer.
// Every answer is compared with the workload's.
//
// Thread safety: one thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "benchmark/reading_benchmark.h"
#include "tsdb/query.h"

namespace tsdb::benchmark {

class WindowBenchmark final : public ReadingBenchmark {
 public:
  explicit WindowBenchmark(const Flags& flags);

 private:
  // One way to ask: a query, or with `counting` the number of samples that match, and its answer.
  struct Question {
    std::string name;
    Query query;
    bool counting = false;
    uint64_t samples = 0;  // that match and lie in the range
    // By the row's label (`row_label`; empty: its order), column and window.
    std::string row_label;
    std::map<std::string, std::vector<std::vector<double>>> rows;
    double tolerance = 0;  // of sums taken in another order
  };

  size_t ways() const override { return questions_.size(); }
  const char* WayName(size_t way) const override { return questions_[way].name.c_str(); }
  void MakeQuestions(const Workload& workload) override;
  absl::StatusOr<Run> Ask(Database& database, size_t way, uint32_t threads,
                          uint64_t passes) override;
  double AskByHand(const HandRolledStore&, size_t, uint32_t) override { return kNone; }
  void AddRow(const ReadingRow& row) override;

  void AddSums(const Workload& workload);
  void AddRollup(const Workload& workload);
  void AddGroups(const Workload& workload);
  void AddTop(const Workload& workload);
  void AddCounts(const Workload& workload);
  static absl::Status Compare(const Question& question, const QueryResult& result);

  std::vector<Question> questions_;
};

}  // namespace tsdb::benchmark
