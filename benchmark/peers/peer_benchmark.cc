// The engine beside what people embed today, on one workload: each figure in a process of its own,
// the peers in turn, and only after everything that was written has been compared.
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "benchmark/baselines.h"
#include "benchmark/child_process.h"
#include "benchmark/peers/peer.h"
#include "benchmark/peers/peer_flags.h"
#include "benchmark/peers/peer_report.h"
#include "benchmark/peers/peer_run.h"
#include "storage/base/status_macros.h"

namespace tsdb::benchmark {
namespace {

constexpr const char* kProgram = "peer_benchmark";

// Why the peer cannot do what is measured; empty if it can.
std::string Unable(const PeerKind& kind, const PeerCase& measured) {
  if (measured.keeping != Keeping::kMemory && !kind.on_disk) return "keeps nothing on disk";
  const bool in_order = measured.order == Order::kScrape || measured.order == Order::kSeries;
  if (!in_order && !kind.any_order) return "keeps records in the order they come";
  return "";
}

class PeerBenchmark {
 public:
  PeerBenchmark(const PeerFlags& flags, std::vector<std::string> arguments)
      : flags_(flags), arguments_(std::move(arguments)), report_(flags_) {}

  absl::Status Measure() {
    for (const std::string& name : flags_.peers) {
      const PeerKind& kind = *FindPeer(name);
      if (kind.open != nullptr) {
        peers_.push_back(&kind);
      } else {
        report_.Skip(kind, "", std::string("not built: ") + kind.package + " missing");
      }
    }
    for (const PeerCase& measured : flags_.Cases()) TSDB_RETURN_IF_ERROR(MeasureCase(measured));
    report_.AddTargets();
    return absl::OkStatus();
  }

  bool Print() const { return report_.Print(); }

 private:
  // Every peer in turn, and that as often as asked for.
  absl::Status MeasureCase(const PeerCase& measured) {
    const std::string text = std::string(TaskName(measured.task)) + ": " + measured.Text();
    std::vector<const PeerKind*> able;
    for (const PeerKind* const kind : peers_) {
      const std::string reason = Unable(*kind, measured);
      if (reason.empty()) {
        able.push_back(kind);
      } else if (skipped_.emplace(kind->name + reason).second) {
        report_.Skip(
            *kind, reason.starts_with("keeps nothing") ? "durable and reopen" : "late and shuffled",
            reason);
      }
    }
    std::vector<PeerFigure> figures;
    for (uint32_t repeat = 0; repeat < flags_.repeat; ++repeat) {
      for (const PeerKind* const kind : able) {
        ShowProgress(text + ": run " + std::to_string(repeat + 1) + " of " +
                     std::to_string(flags_.repeat) + ", " + kind->name);
        Figures run;
        if (absl::Status status = MeasureOnce(*kind, measured, run); !status.ok()) {
          return absl::Status(status.code(), std::string(kind->name) + ", " + text + ": " +
                                                 std::string(status.message()));
        }
        for (const auto& [name, value] : run) Take(*kind, measured, name, value, figures);
      }
    }
    report_.AddCase(figures);
    return absl::OkStatus();
  }

  absl::Status MeasureOnce(const PeerKind& kind, const PeerCase& measured, Figures& run) const {
    std::vector<std::string> arguments = arguments_;
    for (std::string& argument : ChildArguments(kind, measured)) {
      arguments.push_back(std::move(argument));
    }
    TSDB_ASSIGN_OR_RETURN(ChildProcess child, ChildProcess::Start(arguments));
    TSDB_RETURN_IF_ERROR(child.ReadUntil(kPeerDone, run));
    return child.Wait();
  }

  // `name` ends in "@" and the number of threads for what depends on it.
  static void Take(const PeerKind& kind, const PeerCase& measured, const std::string& name,
                   double value, std::vector<PeerFigure>& figures) {
    const size_t at = name.find('@');
    const std::string plain = name.substr(0, at);
    const uint32_t threads =
        at == std::string::npos ? 0 : static_cast<uint32_t>(std::stoul(name.substr(at + 1)));
    for (PeerFigure& figure : figures) {
      if (figure.kind == &kind && figure.name == plain && figure.threads == threads) {
        figure.runs.Take(value);
        return;
      }
    }
    figures.push_back({measured, &kind, plain, threads, {}});
    figures.back().runs.Take(value);
  }

  const PeerFlags flags_;
  const std::vector<std::string> arguments_;  // of main
  PeerReport report_;
  std::vector<const PeerKind*> peers_;  // that were built, in the order asked for
  std::set<std::string> skipped_;       // what has been said already
};

}  // namespace
}  // namespace tsdb::benchmark

int main(int argc, char** argv) {
  using namespace tsdb::benchmark;
  int exit_code = 0;
  const auto flags = ParsePeerFlags(argc, argv, exit_code);
  if (!flags) return exit_code;
  if (flags->child) {
    EndWithParent();
    const absl::Status status = RunPeerCase(*flags);
    return status.ok() ? 0 : Fail(kProgram, status);
  }
  PeerBenchmark benchmark(*flags, std::vector<std::string>(argv, argv + argc));
  if (absl::Status status = benchmark.Measure(); !status.ok()) return Fail(kProgram, status);
  return benchmark.Print() ? 0 : 1;
}
