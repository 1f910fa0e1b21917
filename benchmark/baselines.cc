#include "benchmark/baselines.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <string>

namespace tsdb::benchmark {
namespace {

constexpr int kAttempts = 3;

bool FitsHandRolled(uint64_t records) {
  // Sixteen bytes each, in vectors that double.
  return records * 32 <= DescribeMachine().memory_bytes / 2;
}

std::string Hexadecimal(uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace

double MeasureGenerator(const Inputs& inputs, uint64_t records) {
  double best = 0;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    for (const auto& input : inputs) input->Rewind();
    const double seconds = RunTogether(inputs.size(), [&](size_t index) {
      for (RecordBlock block; inputs[index]->Next(block);) {
        // The compiler must believe that the columns are used.
        asm volatile("" ::"r"(block.timestamps), "r"(block.values) : "memory");
      }
    });
    best = std::max(best, static_cast<double>(records) / seconds);
  }
  return best;
}

double MeasureHandRolled(const Inputs& inputs, Shape mode, uint64_t records) {
  if (!FitsHandRolled(records)) return std::numeric_limits<double>::quiet_NaN();
  double best = 0;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    for (const auto& input : inputs) input->Rewind();
    HandRolledStore store;
    const double seconds = RunTogether(inputs.size(), [&](size_t index) {
      for (RecordBlock block; inputs[index]->Next(block);) {
        if (mode == Shape::kColumns) {
          store.AppendColumns(block.series[0], block.timestamps, block.values, block.size);
          continue;
        }
        for (size_t i = 0; i < block.size; ++i) {
          store.Append(block.series[i], block.timestamps[i], block.values[i]);
        }
      }
    });
    if (store.Records() == records) best = std::max(best, static_cast<double>(records) / seconds);
  }
  return best;
}

std::unique_ptr<HandRolledStore> LoadHandRolled(const Workload& workload) {
  if (!FitsHandRolled(workload.records())) return nullptr;
  auto store = std::make_unique<HandRolledStore>();
  for (SeriesId series = 0; series < workload.series(); ++series) {
    SeriesReader reader(workload, series, 0, workload.samples());
    while (const size_t count = reader.Next()) {
      store->AppendColumns(series, reader.timestamps(), reader.values(), count);
    }
  }
  return store;
}

JsonObject AddMachine(Report& report, const char* benchmark) {
  const Machine machine = DescribeMachine();
  report.AddLine(machine.processor + ", " + std::to_string(machine.cores) + " cores, " +
                 machine.instruction_set + "; " + machine.compiler + ", " + machine.build + "; " +
                 machine.kernel);
  JsonObject object;
  object.Add("benchmark", "machine")
      .Add("for", benchmark)
      .Add("processor", machine.processor)
      .Add("cores", machine.cores)
      .Add("memory_bytes", machine.memory_bytes)
      .Add("compiler", machine.compiler)
      .Add("instruction_set", machine.instruction_set)
      .Add("build", machine.build)
      .Add("kernel", machine.kernel);
  return object;
}

void AddPreamble(Report& report, const char* benchmark, const Flags& flags) {
  const Workload workload = flags.MakeWorkload();
  const std::string digest = Hexadecimal(workload.Digest());
  JsonObject object = AddMachine(report, benchmark);
  report.AddLine(std::to_string(flags.series) + " series x " + std::to_string(flags.samples) +
                 " samples, order " + OrderName(flags.order) + ", seed " +
                 std::to_string(flags.seed) + ", digest " + digest + "; best of " +
                 std::to_string(flags.repeat) + ", checked after each run");
  object.Add("seed", flags.seed).Add("input_digest", digest);
  report.AddObject(object);
}

int Fail(const char* program, const absl::Status& status) {
  ShowProgress("");
  const std::string text(status.message());
  std::fprintf(stderr, "%s: FAILED, so no figures: %s\n", program, text.c_str());
  return 1;
}

}  // namespace tsdb::benchmark
