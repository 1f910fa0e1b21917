#include "benchmark/peers/peer_flags.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <map>

namespace tsdb::benchmark {
namespace {

const std::map<std::string, Order> kOrders = {{"scrape", Order::kScrape},
                                              {"series", Order::kSeries},
                                              {"shuffled", Order::kShuffled},
                                              {"late", Order::kLate}};
const std::map<std::string, Shape> kModes = {{"record", Shape::kRecords},
                                             {"columns", Shape::kColumns}};
const std::map<std::string, Keeping> kKeepings = {
    {"memory", Keeping::kMemory}, {"async", Keeping::kAsync}, {"sync", Keeping::kSync}};
const std::map<std::string, PeerTask> kTasks = {{"ingest", PeerTask::kIngest},
                                                {"durable", PeerTask::kDurable},
                                                {"read", PeerTask::kRead},
                                                {"reopen", PeerTask::kReopen}};
const std::map<std::string, Defect> kDefects = {{"none", Defect::kNone},
                                                {"lost-record", Defect::kLostRecord},
                                                {"changed-value", Defect::kChangedValue},
                                                {"doubled-record", Defect::kDoubledRecord}};

const char* ModeName(Shape mode) { return mode == Shape::kRecords ? "record" : "columns"; }

// One of some names, or a list of them.
template <typename Value, typename Named>
CLI::Option* AddNamed(CLI::App& app, const std::string& flag, Value& value,
                      const std::map<std::string, Named>& names, const std::string& shown,
                      const std::string& help) {
  return app.add_option(flag, value, help)
      ->delimiter(',')
      ->transform(CLI::CheckedTransformer(names))
      ->default_str(shown);
}

void AddWorkload(CLI::App& app, PeerFlags& flags) {
  app.add_option("--series", flags.series, "Series of the workload")
      ->check(CLI::Range(1u, 1'000'000u))
      ->capture_default_str();
  app.add_option("--samples", flags.samples, "Samples of each series")
      ->check(CLI::Range(uint64_t{1}, uint64_t{4'000'000}))
      ->capture_default_str();
  app.add_option(
         "--peer-samples", flags.peer_samples,
         "Samples of each series for the slow peers, RocksDB, LMDB and SQLite: fewer favour "
         "them; 0 for as many as --samples")
      ->check(CLI::Range(uint64_t{0}, uint64_t{4'000'000}))
      ->capture_default_str();
  AddNamed(app, "--orders", flags.orders, kOrders, "scrape,series,late,shuffled",
           "Orders of the records written");
  AddNamed(app, "--modes", flags.modes, kModes, "record,columns",
           "Record by record, or by columns (scrape and series order only)");
  app.add_option("--writers", flags.writers, "Numbers of writing threads")
      ->delimiter(',')
      ->check(CLI::Range(1u, 1024u))
      ->capture_default_str();
  app.add_option("--seed", flags.seed, "Seed of the workload")->capture_default_str();
}

void AddMeasuring(CLI::App& app, PeerFlags& flags) {
  std::vector<std::string> names;
  for (const PeerKind& kind : PeerKinds()) names.emplace_back(kind.name);
  app.add_option("--peers", flags.peers, "Which of them; all without it")
      ->delimiter(',')
      ->check(CLI::IsMember(names));
  AddNamed(app, "--tasks", flags.tasks, kTasks, "ingest,durable,read,reopen", "What is measured");
  AddNamed(app, "--durability", flags.durabilities, kKeepings, "async,sync",
           "What awaited commits of the task durable survive: the end of the process, the loss of "
           "power");
  app.add_option("--commit-every", flags.commit_every,
                 "Records between a writer's commits, in the tasks durable and reopen")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 40))
      ->capture_default_str();
  app.add_option("--threads", flags.threads, "Numbers of reading threads")
      ->delimiter(',')
      ->check(CLI::Range(1u, 1024u))
      ->capture_default_str();
  app.add_option("--load-writers", flags.load_writers, "Threads that write what is then read")
      ->check(CLI::Range(1u, 1024u))
      ->capture_default_str();
  app.add_option("--lookups", flags.lookups, "Random lookups of a pass")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000'000}))
      ->capture_default_str();
  app.add_option("--scans", flags.scans, "Random scans of a pass")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000'000}))
      ->capture_default_str();
  app.add_option("--length", flags.length, "Consecutive samples of one scan")
      ->check(CLI::Range(uint64_t{1}, uint64_t{4'000'000}))
      ->capture_default_str();
  app.add_option("--pass-seconds", flags.pass_seconds,
                 "Passes of reads are repeated until they took as long")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  app.add_option("--repeat", flags.repeat, "Processes for each figure, the peers in turn")
      ->check(CLI::Range(1u, 1000u))
      ->capture_default_str();
  app.add_option("--warm-ups", flags.warm_ups,
                 "Loads in such a process before the one that counts, in the tasks ingest and "
                 "durable")
      ->check(CLI::Range(0u, 1000u))
      ->capture_default_str();
  app.add_option("--directory", flags.directory, "Where to make, and remove, the stores' files")
      ->required();
  app.add_option("--json", flags.json,
                 "File for one JSON object per line; - for stdout (the table then goes to stderr)");
  AddNamed(app, "--plant", flags.plant, kDefects, "none",
           "Put a defect (lost-record, changed-value, doubled-record) into the input, which must "
           "then be found");
}

// For the processes that it starts itself; no group, so that --help does not show them.
void AddChild(CLI::App& app, PeerFlags& flags) {
  PeerCase& own = flags.child_case;
  app.add_option("--child-peer", flags.child_peer)->group("");
  AddNamed(app, "--child-task", own.task, kTasks, "", "")->group("");
  AddNamed(app, "--child-keeping", own.keeping, kKeepings, "", "")->group("");
  AddNamed(app, "--child-order", own.order, kOrders, "", "")->group("");
  AddNamed(app, "--child-mode", own.mode, kModes, "", "")->group("");
  app.add_option("--child-writers", own.writers)->group("");
}

// What is wrong with flags that are each right alone; empty if nothing.
std::string Contradiction(const PeerFlags& flags) {
  if (flags.peer_samples > flags.samples) return "--peer-samples must not exceed --samples";
  if (flags.length > flags.peer_samples) return "--length must not exceed --peer-samples";
  for (const uint32_t writers : flags.writers) {
    if (writers > flags.series) return "--writers must not exceed --series, which they share";
  }
  if (flags.load_writers > flags.series) return "--load-writers must not exceed --series";
  for (const Keeping keeping : flags.durabilities) {
    if (keeping == Keeping::kMemory) return "--durability is async or sync";
  }
  // Emptied now: after a run that fails no figures of an earlier one must be left.
  if (!flags.child && !flags.json.empty() && flags.json != "-" && !std::ofstream(flags.json)) {
    return "cannot write " + flags.json;
  }
  return "";
}

template <typename Named>
std::string NameOf(const std::map<std::string, Named>& names, Named value) {
  for (const auto& [name, named] : names) {
    if (named == value) return name;
  }
  return "";
}

}  // namespace

const char* TaskName(PeerTask task) {
  static constexpr const char* kNames[] = {"ingest", "durable", "read", "reopen"};
  return kNames[static_cast<size_t>(task)];
}

std::string PeerCase::Text() const {
  if (task == PeerTask::kRead) return "in memory";
  if (task == PeerTask::kReopen) return "reopened";
  std::string text = std::string(OrderName(order)) + " " + ModeName(mode);
  if (task == PeerTask::kDurable) text += std::string(" ") + KeepingName(keeping);
  return text + ", " + std::to_string(writers) + (writers == 1 ? " writer" : " writers");
}

std::vector<PeerCase> PeerFlags::Cases() const {
  std::vector<PeerCase> cases;
  const auto add_writing = [&](PeerTask task, Keeping keeping, Order order, Shape mode) {
    const bool recorded = order == Order::kShuffled || order == Order::kLate;
    if (recorded && mode == Shape::kColumns) return;  // they have no columns
    for (const uint32_t count : writers) cases.push_back({task, keeping, order, mode, count});
  };
  for (const PeerTask task : tasks) {
    if (task == PeerTask::kIngest) {
      for (const Order order : orders) {
        for (const Shape mode : modes) add_writing(task, Keeping::kMemory, order, mode);
      }
    } else if (task == PeerTask::kDurable) {
      for (const Keeping keeping : durabilities) {
        add_writing(task, keeping, Order::kScrape, Shape::kRecords);
      }
    } else {
      const Keeping keeping = task == PeerTask::kRead ? Keeping::kMemory : Keeping::kAsync;
      cases.push_back({task, keeping, Order::kScrape, Shape::kRecords, load_writers});
    }
  }
  return cases;
}

std::optional<PeerFlags> ParsePeerFlags(int argc, char** argv, int& exit_code) {
  PeerFlags flags;
  CLI::App app("Peer benchmark: the engine beside what people embed today");
  AddWorkload(app, flags);
  AddMeasuring(app, flags);
  AddChild(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  flags.child = !flags.child_peer.empty();
  if (flags.peer_samples == 0) flags.peer_samples = flags.samples;
  if (flags.peers.empty()) {
    for (const PeerKind& kind : PeerKinds()) flags.peers.emplace_back(kind.name);
  }
  if (const std::string contradiction = Contradiction(flags); !contradiction.empty()) {
    std::fprintf(stderr, "%s\n", contradiction.c_str());
    exit_code = 2;
    return std::nullopt;
  }
  return flags;
}

std::vector<std::string> ChildArguments(const PeerKind& kind, const PeerCase& measured) {
  return {"--child-peer",    kind.name,
          "--child-task",    TaskName(measured.task),
          "--child-keeping", KeepingName(measured.keeping),
          "--child-order",   NameOf(kOrders, measured.order),
          "--child-mode",    NameOf(kModes, measured.mode),
          "--child-writers", std::to_string(measured.writers)};
}

}  // namespace tsdb::benchmark
