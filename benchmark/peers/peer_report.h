// The figures of all peers side by side: a row for each figure of each peer, how many times better
// the engine is, and what of that was aimed at.
//
// Thread safety: one thread.
#pragma once

#include <string>
#include <vector>

#include "benchmark/peers/peer_flags.h"
#include "benchmark/report.h"

namespace tsdb::benchmark {

// All runs of one figure of one peer in one case.
struct PeerFigure {
  PeerCase measured;
  const PeerKind* kind = nullptr;
  std::string name;      // without the number of threads
  uint32_t threads = 0;  // of readers; 0 where the case's writers are what counts
  Spread runs;
};

class PeerReport {
 public:
  explicit PeerReport(const PeerFlags& flags);

  // What was not measured, and why; also said on stderr at once.
  void Skip(const PeerKind& kind, const std::string& measured, const std::string& reason);
  // What the peers of one case gave; those of one name and number of threads are compared.
  void AddCase(const std::vector<PeerFigure>& figures);
  // Rows for what is aimed at. To be called once, after all cases.
  void AddTargets();
  bool Print() const { return report_.Print(flags_.json); }

 private:
  void AddFigure(const PeerFigure& figure, const PeerFigure* engine);

  const PeerFlags& flags_;
  Report report_;
  std::vector<PeerFigure> all_;
};

}  // namespace tsdb::benchmark
