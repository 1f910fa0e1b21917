// The engine's protocols, each in a model, through every schedule within a bound on preemptions;
// and the same with faults planted, each of which must be found.
//
// TSDB_MODEL_SCHEDULES=100000 in the environment allows that many schedules, not the few thousand
// of every day, to each variant of a model (2.2 million in all, 19 s of processor time); TSDB_SEED
// is that of those drawn at random, where all would be more. TSDB_MODEL_TRACES=1 shows the steps
// that lead to each planted fault.
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "test/models/protocols.h"

namespace tsdb::models {
namespace {

constexpr uint64_t kWanted = 1'000'000;
constexpr size_t kPreemptions = 3;
constexpr uint64_t kSchedulesEveryDay = 3'000;
constexpr uint64_t kSchedulesToFind = 1'000'000;  // a planted fault

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string WithCommas(uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

struct Coverage {
  Exploration found;       // the last search
  uint64_t schedules = 0;  // different ones
  uint64_t steps = 0;      // with those run again for a higher bound
  int complete_to = -1;    // all schedules with so many preemptions
};

// All schedules with no preemption, with one, and so on, while those are at most `most`; past that,
// as many as are left of `most`, drawn at random.
Coverage Cover(const Protocol& protocol, uint64_t most, uint64_t seed) {
  // A preemption more makes at least so many times the schedules: not worth the try.
  constexpr uint64_t kGrowthLeast = 4;
  Coverage coverage;
  for (size_t bound = 0; bound <= kPreemptions; ++bound) {
    if (bound > 0 && coverage.schedules * kGrowthLeast > most) break;
    coverage.found = Explore(protocol, {bound, most});
    coverage.steps += coverage.found.steps;
    if (coverage.found.violated) return coverage;
    if (!coverage.found.complete) break;
    coverage.schedules = coverage.found.schedules;
    coverage.complete_to = static_cast<int>(bound);
  }
  if (coverage.complete_to == kPreemptions) return coverage;
  const auto preemptions_min = static_cast<size_t>(coverage.complete_to + 1);
  coverage.found =
      Sample(protocol, {kPreemptions, most - coverage.schedules}, preemptions_min, seed);
  coverage.schedules += coverage.found.schedules;
  coverage.steps += coverage.found.steps;
  return coverage;
}

void PrintCoverage(const std::string& name, const Coverage& coverage, double seconds) {
  std::string all = "drawn at random";
  if (coverage.complete_to == kPreemptions) {
    all = "complete";
  } else if (coverage.complete_to >= 0) {
    all = "complete to " + std::to_string(coverage.complete_to) + ", then at random";
  }
  std::printf("%-42s %11s schedules, <= %zu preemptions, %s; %.2f s, %.1f M steps/s%s\n",
              name.c_str(), WithCommas(coverage.schedules).c_str(), kPreemptions, all.c_str(),
              seconds, static_cast<double>(coverage.steps) / seconds / 1e6,
              coverage.found.violated ? ", VIOLATED" : "");
}

TEST_CASE("protocols: no schedule within the bound breaks an invariant") {
  const uint64_t most = FromEnvironment("TSDB_MODEL_SCHEDULES", kSchedulesEveryDay);
  const uint64_t seed = FromEnvironment("TSDB_SEED", 1);
  uint64_t schedules = 0;
  size_t violations = 0, variants = 0, complete = 0;
  const std::vector<ProtocolModel> models = AllModels();
  for (const ProtocolModel& model : models) {
    for (const Protocol& variant : model.sound) {
      const auto start = std::chrono::steady_clock::now();
      const Coverage coverage = Cover(variant, most, seed);
      const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
      const std::string name = variant.name.empty() ? model.name : model.name + ": " + variant.name;
      PrintCoverage(name, coverage, elapsed.count());
      INFO(name << ": " << coverage.found.violation << '\n' << coverage.found.trace);
      CHECK_FALSE(coverage.found.violated);
      schedules += coverage.schedules;
      violations += coverage.found.violated;
      complete += coverage.complete_to == kPreemptions;
      ++variants;
    }
  }
  const bool met = violations == 0 && schedules >= kWanted;
  std::printf(
      "scorecard {\"row\": 13, \"reached\": \"%s schedules of %zu protocols (%zu of %zu variants "
      "complete), <= %zu preemptions: %zu violations\", \"met\": %s, \"seed\": %llu}\n",
      WithCommas(schedules).c_str(), models.size(), complete, variants, kPreemptions, violations,
      met ? "true" : "false", static_cast<unsigned long long>(seed));
}

TEST_CASE("protocols: each planted fault is found") {
  for (const ProtocolModel& model : AllModels()) {
    for (const Protocol& fault : model.planted) {
      size_t preemptions = 0;
      const Exploration found =
          FindViolation(fault, {kPreemptions, kSchedulesToFind}, &preemptions);
      INFO(model.name << ": " << fault.name);
      CHECK(found.violated);
      std::printf("scorecard {\"row\": 13, \"planted\": \"%s: %s\", \"caught\": %s}\n",
                  model.name.c_str(), fault.name.c_str(), found.violated ? "true" : "false");
      if (!found.violated) continue;
      std::printf("  after %s schedules, with %zu preemptions: %s\n",
                  WithCommas(found.schedules).c_str(), preemptions, found.violation.c_str());
      if (std::getenv("TSDB_MODEL_TRACES") != nullptr) std::printf("%s", found.trace.c_str());
    }
  }
}

}  // namespace
}  // namespace tsdb::models
