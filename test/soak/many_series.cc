// Registers many series with labels and a few samples each under a stated memory budget, and reads
// a part of them back, before closing and after opening again.
//
//   many_series --directory PARENT --budget BYTES [--series 10000000] [--samples 3] [--writers 2]
//               [--seed 1]
//
// Prints one line of JSON: the most anonymous memory it had in each phase, in bytes, what the
// engine counted, and seconds. Status 1, saying why on stderr, if anything was refused or differs.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "benchmark/scratch_directory.h"
#include "test/soak/process_figures.h"
#include "tsdb/database.h"

namespace tsdb::soak {
namespace {

constexpr uint64_t kReadBack = 20'000;  // series
constexpr Timestamp kStart = 1'700'000'000'000;
constexpr Timestamp kStep = 15'000;

void Must(const absl::Status& status, const std::string& what) {
  if (!status.ok()) Fail(what + ": " + status.ToString());
}

// As a fleet of containers names them; about 120 bytes.
Labels LabelsOf(uint64_t number) {
  const auto labels = Labels::Create({
      {kMetricNameLabel, "container_requests_total_" + std::to_string(number % 100)},
      {"cluster", "eu-" + std::to_string(number % 7)},
      {"instance", "10." + std::to_string(number >> 16 & 255) + "." +
                       std::to_string(number >> 8 & 255) + ".7:9100"},
      {"job", "containers"},
      {"pod", "worker-" + std::to_string(number)},
  });
  Must(labels.status(), "labels");
  return *labels;
}

double ValueOf(uint64_t number, uint64_t sample) {
  return static_cast<double>(number % 1'009) + static_cast<double>(sample) / 4;
}

class ManySeries {
 public:
  explicit ManySeries(const Flags& flags)
      : series_(flags.Number("series")),
        samples_(flags.Number("samples")),
        writers_(flags.Number("writers")),
        random_(flags.Number("seed")),
        directory_(flags.Text("directory")) {
    options_.directory = directory_.path();
    options_.memory_budget_bytes = flags.Number("budget");
  }

  void Run() {
    Open();
    Phase("register", [this] { WriteAll(); });
    const Stats stats = database_->Statistics();
    Phase("read", [this] { ReadBack(); });
    Phase("close", [this] { Must(database_->Close(), "closing"); });
    database_ = nullptr;
    Phase("open", [this] { Open(); });
    if (!database_->Recovery().damage.empty()) Fail(database_->Recovery().damage[0]);
    Phase("read again", [this] { ReadBack(); });
    std::printf("\"engine\": %llu, \"series_bytes\": %llu, \"peak\": %llu}\n",
                static_cast<unsigned long long>(stats.memory_bytes),
                static_cast<unsigned long long>(stats.series_bytes),
                static_cast<unsigned long long>(peak_));
    Must(database_->Close(), "closing again");
  }

 private:
  template <typename Work>
  void Phase(const char* name, const Work& work) {
    const auto start = std::chrono::steady_clock::now();
    uint64_t peak = 0;
    {
      const MemoryWatch watch;
      work();
      peak = watch.peak_bytes();
    }
    peak_ = std::max(peak_, peak);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::printf("%s\"%s\": {\"anonymous\": %llu, \"seconds\": %.1f}, ", first_ ? "{" : "", name,
                static_cast<unsigned long long>(peak), seconds.count());
    first_ = false;
    std::fflush(stdout);
  }

  void Open() {
    auto opened = Database::Open(options_);
    Must(opened.status(), "opening");
    database_ = *std::move(opened);
  }

  void WriteAll() {
    std::vector<std::thread> threads;
    for (uint64_t writer = 0; writer < writers_; ++writer) {
      threads.emplace_back([this, writer] {
        Appender appender = database_->NewAppender();
        for (uint64_t number = writer; number < series_; number += writers_) {
          const auto series = database_->FindOrCreateSeries(LabelsOf(number));
          Must(series.status(), "series " + std::to_string(number));
          for (uint64_t sample = 0; sample < samples_; ++sample) {
            const Timestamp time = kStart + static_cast<Timestamp>(sample) * kStep;
            if (!appender.Append(*series, time, ValueOf(number, sample))) {
              Must(appender.status(), "append to series " + std::to_string(number));
            }
          }
        }
        Must(appender.Commit().Await(Milestone::kDurable), "commit");
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  void ReadBack() {
    if (database_->SeriesCount() != series_) {
      Fail(std::to_string(database_->SeriesCount()) + " series");
    }
    const Snapshot snapshot = database_->NewSnapshot();
    for (uint64_t i = 0; i < std::min(kReadBack, series_); ++i) {
      const uint64_t number = random_() % series_;
      const auto series = database_->FindSeries(LabelsOf(number));
      Must(series.status(), "finding series " + std::to_string(number));
      uint64_t sample = 0;
      Cursor cursor = snapshot.Scan(*series);
      for (ColumnBlock block; cursor.Next(block);) {
        for (size_t k = 0; k < block.size(); ++k, ++sample) {
          if (block.timestamps[k] != kStart + static_cast<Timestamp>(sample) * kStep ||
              block.values[k] != ValueOf(number, sample)) {
            Fail("series " + std::to_string(number) + ": sample " + std::to_string(sample));
          }
        }
      }
      if (sample != samples_) {
        Fail("series " + std::to_string(number) + ": " + std::to_string(sample) + " samples");
      }
    }
  }

  const uint64_t series_, samples_, writers_;
  std::mt19937_64 random_;
  const benchmark::ScratchDirectory directory_;
  Options options_;
  uint64_t peak_ = 0;
  bool first_ = true;
  std::unique_ptr<Database> database_;
};

int Main(const std::vector<std::string>& arguments) {
  const Flags flags(arguments, {{"directory", ""},
                                {"budget", "0"},
                                {"series", "10000000"},
                                {"samples", "3"},
                                {"writers", "2"},
                                {"seed", "1"}});
  if (flags.Text("directory").empty() || flags.Number("budget") == 0) {
    Fail("many_series: --directory or --budget is missing");
  }
  ManySeries(flags).Run();
  return 0;
}

}  // namespace
}  // namespace tsdb::soak

int main(int argc, char** argv) { return tsdb::soak::Main({argv + 1, argv + argc}); }
