// Flags of peer_benchmark.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "benchmark/input.h"
#include "benchmark/peers/peer.h"
#include "benchmark/workload.h"

namespace tsdb::benchmark {

// What a process of its own does for one peer.
enum class PeerTask : uint8_t {
  kIngest,   // writes, in memory or without waiting for the disk
  kDurable,  // writes, with commits that are awaited
  kRead,     // writes as kIngest, then reads
  kReopen    // writes with commits handed to the system, closes, opens again, then reads
};

const char* TaskName(PeerTask task);

// One task with its parameters: what is measured of every peer in turn.
struct PeerCase {
  PeerTask task = PeerTask::kIngest;
  Keeping keeping = Keeping::kMemory;
  Order order = Order::kScrape;
  Shape mode = Shape::kRecords;
  uint32_t writers = 2;
  bool writing() const { return task == PeerTask::kIngest || task == PeerTask::kDurable; }
  std::string Text() const;  // for people
};

struct PeerFlags {
  uint32_t series = 1024;
  uint64_t samples = 10'000;
  uint64_t peer_samples = 2000;  // of peers that are slow; at most `samples`
  std::vector<std::string> peers;
  std::vector<PeerTask> tasks = {PeerTask::kIngest, PeerTask::kDurable, PeerTask::kRead,
                                 PeerTask::kReopen};
  std::vector<Order> orders = {Order::kScrape, Order::kSeries, Order::kLate, Order::kShuffled};
  std::vector<Shape> modes = {Shape::kRecords, Shape::kColumns};
  std::vector<uint32_t> writers = {1, 2, 8, 32};
  std::vector<uint32_t> threads = {1, 2};
  std::vector<Keeping> durabilities = {Keeping::kAsync, Keeping::kSync};
  uint64_t commit_every = 1000;
  uint32_t load_writers = 2;
  uint64_t lookups = 200'000;
  uint64_t scans = 2000;
  uint64_t length = 1000;
  double pass_seconds = 0.2;
  uint32_t repeat = 5;
  uint32_t warm_ups = 1;
  uint64_t seed = 1;
  std::string directory;
  std::string json;
  Defect plant = Defect::kNone;

  // Of the processes that it starts itself.
  bool child = false;
  std::string child_peer;
  PeerCase child_case;

  Workload WorkloadOf(const PeerKind& kind) const {
    return Workload(series, kind.slow ? peer_samples : samples, seed);
  }
  // What is measured, in this order.
  std::vector<PeerCase> Cases() const;
};

// Nothing when the program should end at once, with `exit_code`: after --help, or after a wrong
// flag, which is then described on stderr.
std::optional<PeerFlags> ParsePeerFlags(int argc, char** argv, int& exit_code);

// What the process for this case needs beside the flags of the program.
std::vector<std::string> ChildArguments(const PeerKind& kind, const PeerCase& measured);

}  // namespace tsdb::benchmark
