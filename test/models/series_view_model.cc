// Reading a series: pointers and counts loaded in an order that makes one view of them, while the
// page's owner appends, seals, takes in late records, merges them, and links leaves.
// (index/tree/series_view.h: SeriesView::Load, line by line; FindLeaf; page.h; TreeWriter's Seal,
// LinkLeaf, AppendLate, MergeLate, PromoteSeries; InnerNode::Push.)
//
// Threads: the owner, whose ten records arrive in this order:
//
//   time   5 | 10  20 | 15 | 30 | 25 | 40 |     | 50  60  | 70
//   shared leaf,        late: version 1, late,    late merge: version 2; sealed: version 3, whose
//   promoted:           in    with a     open     the late ones in a    leaf of 50 and 60 is linked
//   version 0           buffer leaf      leaf     leaf of a new node    in by a larger root, while
//                                        full                           its open leaf is empty
//
// and a reader, which has been told of some of them. It must see those. Of a record seen, all that
// arrived before it must be seen if it is late; if it is not, those of them that are not late. None
// is seen twice. (What the reader holds is kept by its pin: epoch_model.cc.)
#include "test/models/protocols.h"
#include "test/models/shared.h"

namespace tsdb::models {
namespace {

constexpr int kArrivals = 10;
constexpr int kTimes[kArrivals] = {5, 10, 20, 15, 30, 25, 40, 50, 60, 70};
constexpr bool kLate[kArrivals] = {false, false, false, true,  false,
                                   true,  false, false, false, false};

enum class Fault {
  kNone,
  kVersionRelaxed,
  kCountRelaxed,
  kNodeRelaxed,
  kSharedFirst,
  kNoSecondLook,
  kNoThirdLook,
  kCountBeforeLate,
  kRootBeforeCount,
  kNewLeavesNotPassedOver,
  kLateMergeInPlace
};

class SeriesViews : public Model {
 public:
  explicit SeriesViews(Fault fault) : fault_(fault) {}

  void Run(size_t thread) override {
    if (thread == 0) {
      Write();
    } else {
      Read();
    }
  }

 private:
  struct Version {
    Data<int> open[3] = {Data<int>("open 0"), Data<int>("open 1"), Data<int>("open 2")};
    Atomic<int> count{"count", 0};
    Atomic<int> root{"root", 0};
    Atomic<int> late{"late", 0};
  };
  struct Node {
    Data<int> entries[3] = {Data<int>("entry 0"), Data<int>("entry 1"), Data<int>("entry 2")};
    Atomic<int> count{"node count", 0};
  };

  static uint32_t Bit(int arrival) { return uint32_t{1} << arrival; }

  void Write() {
    versions_[0].open[0].Write(0);
    versions_[0].count.Store(1, Order::kRelease);
    Promote();
    AppendOpen(0, 1, 1);
    AppendOpen(0, 2, 2);
    AppendLate(0, 3);
    Seal(/*version=*/0, /*node=*/1, /*leaf=*/0, Bit(0) | Bit(1) | Bit(2));
    AppendOpen(1, 0, 4);
    AppendLate(1, 5);
    AppendOpen(1, 1, 6);
    MergeLate();
    Seal(/*version=*/2, /*node=*/2, /*leaf=*/2, Bit(4) | Bit(6));
    GrowRoot();
    told_.Store(9, Order::kRelease);
    AppendOpen(3, 0, 9);
  }

  void Promote() {
    if (fault_ == Fault::kSharedFirst) shared_.Store(1, Order::kRelease);
    Publish(0);
    if (fault_ != Fault::kSharedFirst) shared_.Store(1, Order::kRelease);
    told_.Store(1, Order::kRelease);
  }

  void Publish(int version) {
    dense_.Store(version, fault_ == Fault::kVersionRelaxed ? Order::kRelaxed : Order::kRelease);
  }

  void AppendOpen(int version, int at, int arrival) {
    versions_[version].open[at].Write(arrival);
    versions_[version].count.Store(
        at + 1, fault_ == Fault::kCountRelaxed ? Order::kRelaxed : Order::kRelease);
    told_.Store(arrival + 1, Order::kRelease);
  }

  // The first one makes the buffer; a version's successor goes on with it.
  void AppendLate(int version, int arrival) {
    if (buffered_ == 0) versions_[version].late.Store(1, Order::kRelease);
    buffer_[buffered_].Write(arrival);
    buffer_count_.Store(++buffered_, Order::kRelease);
    told_.Store(arrival + 1, Order::kRelease);
  }

  void LinkLeaf(int node, int leaf, uint32_t arrivals) {
    leaves_[leaf].Write(arrivals);
    Node& linked = nodes_[node];
    linked.entries[entries_[node]].Write(leaf);
    linked.count.Store(++entries_[node],
                       fault_ == Fault::kNodeRelaxed ? Order::kRelaxed : Order::kRelease);
  }

  // Adds a leaf to the published version 3, whose open leaf is empty; the node has no room for it.
  void GrowRoot() {
    for (; entries_[3] < entries_[2]; ++entries_[3]) {
      nodes_[3].entries[entries_[3]].Write(nodes_[2].entries[entries_[3]].Peek());
    }
    LinkLeaf(/*node=*/3, /*leaf=*/3, Bit(7) | Bit(8));
    versions_[3].root.Store(3, Order::kRelease);
  }

  // The open leaf goes into the node that the successor shares with the version.
  void Seal(int version, int node, int leaf, uint32_t arrivals) {
    Version& successor = versions_[version + 1];
    successor.late.Store(versions_[version].late.Newest(), Order::kRelaxed);
    LinkLeaf(node, leaf, arrivals);
    successor.root.Store(node, Order::kRelaxed);
    Publish(version + 1);
  }

  // A version with the late records in a leaf of a new node, and no buffer.
  void MergeLate() {
    const uint32_t arrivals = Bit(0) | Bit(1) | Bit(2) | Bit(3) | Bit(5);
    if (fault_ == Fault::kLateMergeInPlace) {
      // Into the old node: readers of the old version have the buffer, too.
      leaves_[1].Write(arrivals);
      nodes_[1].entries[1].Write(1);
      nodes_[1].count.Store(2, Order::kRelease);
    }
    LinkLeaf(/*node=*/2, /*leaf=*/1, arrivals);
    versions_[2].open[0].Write(4);
    versions_[2].open[1].Write(6);
    versions_[2].count.Store(2, Order::kRelaxed);
    versions_[2].root.Store(2, Order::kRelaxed);
    Publish(2);
  }

  struct View {
    int version = -1, shared = 0, late_count = 0, open = 0, root = 0;
  };

  View Load() {
    View view;
    view.version = dense_.Load(Order::kAcquire);
    if (view.version < 0) {
      view.shared = shared_.Load(Order::kAcquire);
      if (fault_ == Fault::kNoSecondLook) return view;
      view.version = dense_.Load(Order::kAcquire);
      if (view.version < 0) return view;
    }
    if (fault_ == Fault::kCountBeforeLate) view.open = LoadCount(view);
    for (;;) {
      if (versions_[view.version].late.Load(Order::kAcquire) == 0) break;
      view.late_count = buffer_count_.Load(Order::kAcquire);
      if (fault_ == Fault::kNoThirdLook) break;
      const int newest = dense_.Load(Order::kAcquire);
      if (newest == view.version) break;
      view.version = newest;
      view.late_count = 0;
      if (fault_ == Fault::kCountBeforeLate) view.open = LoadCount(view);
    }
    if (fault_ == Fault::kRootBeforeCount) view.root = LoadRoot(view);
    if (fault_ != Fault::kCountBeforeLate) view.open = LoadCount(view);
    if (fault_ != Fault::kRootBeforeCount) view.root = LoadRoot(view);
    return view;
  }

  int LoadCount(const View& view) { return versions_[view.version].count.Load(Order::kAcquire); }
  int LoadRoot(const View& view) { return versions_[view.version].root.Load(Order::kAcquire); }

  void Read() {
    const int told = told_.Load(Order::kAcquire);
    const View view = Load();
    uint32_t seen = 0;
    if (view.version < 0) {
      if (view.shared == 0) seen = Bit(0);  // the old shared leaf has the series
    } else {
      seen = Collect(view);
    }
    Check(seen, told);
  }

  uint32_t Collect(const View& view) {
    Version& version = versions_[view.version];
    uint32_t seen = 0;
    for (int i = 0; i < view.open; ++i) See(Bit(version.open[i].Read()), seen);
    for (int i = 0; i < view.late_count; ++i) See(Bit(buffer_[i].Read()), seen);
    if (view.root == 0) return seen;
    Node& node = nodes_[view.root];
    const int count = node.count.Load(Order::kAcquire);
    for (int i = 0; i < count; ++i) {
      const uint32_t arrivals = leaves_[node.entries[i].Read()].Read();
      const int first = kTimes[std::countr_zero(arrivals)];
      // Newer than this view, or the open leaf itself, encoded since.
      const bool newer = view.open > 0 && first >= kTimes[version.open[0].Read()];
      if (newer && fault_ != Fault::kNewLeavesNotPassedOver) break;
      See(arrivals, seen);
    }
    return seen;
  }

  static void See(uint32_t arrivals, uint32_t& seen) {
    Expect((seen & arrivals) == 0, "a record is seen twice");
    seen |= arrivals;
  }

  static void Check(uint32_t seen, int told) {
    for (int arrival = 0; arrival < told; ++arrival) {
      Expect((seen & Bit(arrival)) != 0, "a record that was there before is not seen");
    }
    for (int arrival = 0; arrival < kArrivals; ++arrival) {
      if ((seen & Bit(arrival)) == 0) continue;
      for (int before = 0; before < arrival; ++before) {
        if (kLate[before] && !kLate[arrival]) continue;
        Expect((seen & Bit(before)) != 0, "a record is seen without one that came before it");
      }
    }
  }

  const Fault fault_;
  Atomic<int> dense_{"dense", -1};
  Atomic<int> shared_{"shared", 0};
  Version versions_[4];
  Node nodes_[4];  // 0: none
  int entries_[4] = {0, 0, 0, 0};
  Data<uint32_t> leaves_[4] = {Data<uint32_t>("leaf 0"), Data<uint32_t>("leaf 1"),
                               Data<uint32_t>("leaf 2"), Data<uint32_t>("leaf 3")};
  Data<int> buffer_[2] = {Data<int>("late 0"), Data<int>("late 1")};
  Atomic<int> buffer_count_{"late count", 0};
  int buffered_ = 0;
  Atomic<int> told_{"told", 1};  // the first is in the shared leaf from the start
};

Protocol Of(const char* name, Fault fault) {
  return MakeProtocol<SeriesViews>(name, {{"owner"}, {"reader"}}, fault);
}

}  // namespace

ProtocolModel SeriesViewModel() {
  return {"series view",
          {Of("", Fault::kNone)},
          {Of("version published relaxed", Fault::kVersionRelaxed),
           Of("open leaf's count stored relaxed", Fault::kCountRelaxed),
           Of("node's count stored relaxed", Fault::kNodeRelaxed),
           Of("shared leaf replaced before the series is promoted", Fault::kSharedFirst),
           Of("no second look for a version", Fault::kNoSecondLook),
           Of("no look whether the version was the newest", Fault::kNoThirdLook),
           Of("count loaded before the late records", Fault::kCountBeforeLate),
           Of("root loaded before the count", Fault::kRootBeforeCount),
           Of("leaves newer than the view not passed over", Fault::kNewLeavesNotPassedOver),
           Of("late records merged into the old node", Fault::kLateMergeInPlace)}};
}

}  // namespace tsdb::models
