#include "benchmark/peers/peer_report.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "benchmark/baselines.h"

namespace tsdb::benchmark {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kEngine = "tsdb";

bool HigherIsBetter(const std::string& figure) { return figure.ends_with("_per_second"); }

double Best(const PeerFigure& figure) {
  return HigherIsBetter(figure.name) ? figure.runs.Max() : figure.runs.Min();
}

// How many times better `engine` is than `other`: faster, smaller or quicker.
double Advantage(const std::string& figure, double engine, double other) {
  return HigherIsBetter(figure) ? engine / other : other / engine;
}

std::string CellOf(const std::string& figure, double value) {
  if (HigherIsBetter(figure)) return Quantity(value) + "/s";
  return Decimal(value, figure.ends_with("_seconds") ? 4 : 2);
}

std::string FigureText(const PeerFigure& figure) {
  std::string text = figure.name;
  std::replace(text.begin(), text.end(), '_', ' ');
  if (text.ends_with(" per second")) text.erase(text.rfind(" per second"));
  return text;
}

// Whether people are shown it; programs are shown all.
bool InTable(const PeerFigure& figure) {
  static const std::set<std::string> others = {"anonymous_bytes_per_record", "close_seconds",
                                               "cpu_ns_per_record", "resident_bytes_per_record",
                                               "settle_seconds"};
  if (figure.name == "records_per_second") return figure.measured.writing();
  return !others.contains(figure.name);
}

std::string CaseText(const PeerFigure& figure) {
  std::string text = figure.measured.Text();
  if (figure.threads > 0) {
    text += ", " + std::to_string(figure.threads) + (figure.threads == 1 ? " thread" : " threads");
  }
  return text;
}

JsonObject CaseObject(const char* benchmark, const PeerFigure& figure) {
  JsonObject object;
  object.Add("benchmark", benchmark)
      .Add("task", TaskName(figure.measured.task))
      .Add("figure", figure.name)
      .Add("keeping", KeepingName(figure.measured.keeping))
      .Add("order", OrderName(figure.measured.order))
      .Add("mode", figure.measured.mode == Shape::kRecords ? "record" : "columns")
      .Add("threads", figure.threads);
  return object;
}

// What the engine is to reach against some peers, the best of whose figures count.
struct Target {
  PeerTask task;
  const char* figure;
  std::vector<std::string> engines;  // of the engine's ways of running, the best counts, too
  std::vector<std::string> peers;
  double times;  // the advantage aimed at
};

const std::vector<Target>& Targets() {
  // The thread's own columns are in memory touched before: the engine may have it touched, too.
  static const std::vector<Target> targets = {
      {PeerTask::kIngest, "records_per_second", {"tsdb"}, {"rocksdb", "rocksdb-bulk"}, 20},
      {PeerTask::kIngest, "records_per_second", {"tsdb"}, {"lmdb"}, 20},
      {PeerTask::kIngest, "records_per_second", {"tsdb"}, {"hand-rolled"}, 3},
      {PeerTask::kIngest, "records_per_second", {"tsdb", "tsdb-prefault"}, {"thread-owned"}, 1},
      {PeerTask::kRead, "lookups_per_second", {"tsdb"}, {"hand-rolled"}, 1},
      {PeerTask::kRead, "lookups_per_second", {"tsdb"}, {"rocksdb", "rocksdb-bulk"}, 5},
      {PeerTask::kRead, "scan_samples_per_second", {"tsdb"}, {"hand-rolled"}, 1},
      {PeerTask::kRead, "memory_bytes_per_record", {"tsdb"}, {"hand-rolled"}, 8},
  };
  return targets;
}

// The best of the figures of some peers, whatever the number of writers; null if there is none.
const PeerFigure* BestOf(const std::vector<const PeerFigure*>& figures,
                         const std::vector<std::string>& peers) {
  const PeerFigure* best = nullptr;
  for (const PeerFigure* const figure : figures) {
    if (std::find(peers.begin(), peers.end(), figure->kind->name) == peers.end()) continue;
    if (best == nullptr || Advantage(figure->name, Best(*figure), Best(*best)) > 1) best = figure;
  }
  return best;
}

}  // namespace

PeerReport::PeerReport(const PeerFlags& flags)
    : flags_(flags),
      report_({"figure", "case", "peer", "best", "median", "worst", "tsdb is x better"}) {
  JsonObject object = AddMachine(report_, "peers");
  object.Add("seed", flags.seed).Add("commit_every", flags.commit_every);
  report_.AddObject(object);
  report_.AddLine(std::to_string(flags.series) + " series x " + std::to_string(flags.samples) +
                  " samples, seed " + std::to_string(flags.seed) + "; best of " +
                  std::to_string(flags.repeat) +
                  " processes each, peers in turn, everything compared after each load");
  if (flags.peer_samples < flags.samples) {
    report_.AddLine("* loaded with " + std::to_string(flags.peer_samples) +
                    " samples a series only, which favours its rates");
  }
  report_.AddLine("durable and reopen: a commit, awaited, every " +
                  std::to_string(flags.commit_every) + " records of a writer");
  for (const std::string& name : flags.peers) {
    const PeerKind& kind = *FindPeer(name);
    if (kind.open == nullptr) continue;
    report_.AddLine(name + ": " + kind.settings);
    JsonObject peer;
    peer.Add("benchmark", "peer_settings").Add("peer", name).Add("settings", kind.settings);
    report_.AddObject(peer);
  }
}

void PeerReport::Skip(const PeerKind& kind, const std::string& measured,
                      const std::string& reason) {
  const std::string text = std::string("skipped: ") + kind.name +
                           (measured.empty() ? "" : ", " + measured) + " (" + reason + ")";
  std::fprintf(stderr, "%s\n", text.c_str());
  report_.AddLine(text);
  JsonObject object;
  object.Add("benchmark", "peer_skipped")
      .Add("peer", kind.name)
      .Add("case", measured)
      .Add("reason", reason);
  report_.AddObject(object);
}

void PeerReport::AddCase(const std::vector<PeerFigure>& figures) {
  // Figures of one name stand together, peers in the order they were measured in.
  std::vector<std::pair<std::string, uint32_t>> order;
  for (const PeerFigure& figure : figures) {
    const std::pair key(figure.name, figure.threads);
    if (std::find(order.begin(), order.end(), key) == order.end()) order.push_back(key);
  }
  for (const auto& [name, threads] : order) {
    const PeerFigure* engine = nullptr;
    for (const PeerFigure& figure : figures) {
      if (figure.name == name && figure.threads == threads &&
          figure.kind->name == std::string(kEngine)) {
        engine = &figure;
      }
    }
    for (const PeerFigure& figure : figures) {
      if (figure.name == name && figure.threads == threads) AddFigure(figure, engine);
    }
  }
  all_.insert(all_.end(), figures.begin(), figures.end());
}

void PeerReport::AddFigure(const PeerFigure& figure, const PeerFigure* engine) {
  const Workload workload = flags_.WorkloadOf(*figure.kind);
  const bool smaller = workload.samples() < flags_.samples;
  // Times of a whole store say nothing about one of another size.
  const bool comparable = engine != nullptr && !(smaller && figure.name.ends_with("_seconds"));
  const double best = Best(figure);
  const double advantage = comparable ? Advantage(figure.name, Best(*engine), best) : kNone;
  const double median_advantage =
      comparable ? Advantage(figure.name, engine->runs.Median(), figure.runs.Median()) : kNone;
  const double worst = HigherIsBetter(figure.name) ? figure.runs.Min() : figure.runs.Max();
  JsonObject object = CaseObject("peer", figure);
  object.Add("writers", figure.measured.writers)
      .Add("peer", figure.kind->name)
      .Add("series", workload.series())
      .Add("samples", workload.samples())
      .Add("records", workload.records())
      .Add("smaller_part", smaller)
      .Add("repeat", flags_.repeat)
      .Add("best", best);
  figure.runs.AddTo(object, "value");
  object.Add("tsdb_advantage", advantage).Add("tsdb_advantage_of_medians", median_advantage);
  report_.AddObject(object);
  if (!InTable(figure)) return;
  report_.AddCells({FigureText(figure), CaseText(figure),
                    std::string(figure.kind->name) + (smaller ? "*" : ""),
                    CellOf(figure.name, best), CellOf(figure.name, figure.runs.Median()),
                    CellOf(figure.name, worst), Decimal(advantage, 2)});
}

void PeerReport::AddTargets() {
  for (const Target& target : Targets()) {
    // By what is the same on both sides; the number of writers is not.
    std::map<std::tuple<Order, Shape, uint32_t>, std::vector<const PeerFigure*>> groups;
    for (const PeerFigure& figure : all_) {
      if (figure.measured.task != target.task || figure.name != target.figure) continue;
      groups[{figure.measured.order, figure.measured.mode, figure.threads}].push_back(&figure);
    }
    for (const auto& [key, figures] : groups) {
      const PeerFigure* const engine = BestOf(figures, target.engines);
      const PeerFigure* const peer = BestOf(figures, target.peers);
      if (engine == nullptr || peer == nullptr) continue;
      const double advantage = Advantage(target.figure, Best(*engine), Best(*peer));
      const bool reached = advantage >= target.times;
      const bool smaller = flags_.WorkloadOf(*peer->kind).samples() < flags_.samples;
      JsonObject object = CaseObject("peer_target", *engine);
      object.Add("engine", engine->kind->name)
          .Add("engine_writers", engine->measured.writers)
          .Add("engine_best", Best(*engine))
          .Add("peer", peer->kind->name)
          .Add("peer_writers", peer->measured.writers)
          .Add("peer_best", Best(*peer))
          .Add("smaller_part", smaller)
          .Add("tsdb_advantage", advantage)
          .Add("target", target.times)
          .Add("reached", reached);
      report_.AddRow(
          {"target: " + FigureText(*engine), CaseText(*engine),
           std::string(engine->kind->name) + " : " + peer->kind->name + (smaller ? "*" : ""),
           CellOf(target.figure, Best(*engine)), CellOf(target.figure, Best(*peer)),
           (reached ? "reached " : "MISSED ") + Decimal(target.times, 0) + " x",
           Decimal(advantage, 2)},
          object);
    }
  }
}

}  // namespace tsdb::benchmark
