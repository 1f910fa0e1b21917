// A chunk's stretches: an appender that writes by columns notes the series of a stretch of records
// once, where its records begin, before it raises `published`; whoever was handed a part of the
// chunk finds the series of its records there, and of records that came one by one in the chunk.
// (Stretches::Extend, Stretches::Visit, SortIntoRuns.)
//
// Threads: the appender writes two stretches, prolongs the second, and appends one more record; two
// others take what is published, as commits and snapshots do, and look for the series of their
// parts.
#include "test/models/protocols.h"
#include "test/models/shared.h"

namespace tsdb::models {
namespace {

constexpr int kSeries[] = {7, 9, 9, 8};
constexpr int kRecords = 4;
constexpr int kByColumns = 3;

enum class Fault { kNone, kCountRelaxed, kCountLoadedRelaxed, kEndAfterMark, kCountFirst };

class StretchesOfChunk : public Model {
 public:
  explicit StretchesOfChunk(Fault fault) : fault_(fault) {}

  void Run(size_t thread) override {
    if (thread == 0) {
      for (int record = 0; record < kRecords; ++record) Append(record);
    } else {
      Sort(Take());
    }
  }

 private:
  struct Stretch {
    Data<int> series{"series of a stretch", -1};
    Data<int> begin{"begin of a stretch", -1};
  };
  struct Part {
    int begin, end;
  };

  void Append(int record) {
    const bool by_columns = record < kByColumns;
    if (!by_columns) series_[record].Write(kSeries[record]);
    if (by_columns && (record == 0 || kSeries[record] != kSeries[record - 1])) {
      const int count = count_.Load(Order::kRelaxed);
      const Order order = fault_ == Fault::kCountRelaxed ? Order::kRelaxed : Order::kRelease;
      if (fault_ == Fault::kCountFirst) count_.Store(count + 1, order);
      stretches_[count].series.Write(kSeries[record]);
      stretches_[count].begin.Write(record);
      if (fault_ != Fault::kCountFirst) count_.Store(count + 1, order);
    }
    const bool late = fault_ == Fault::kEndAfterMark;
    if (by_columns && !late) end_.Store(record + 1, Order::kRelaxed);
    published_.Store(record + 1, Order::kRelease);
    if (by_columns && late) end_.Store(record + 1, Order::kRelaxed);
  }

  Part Take() {
    const MutexLock lock(&mutex_);
    const int published = published_.Load(Order::kAcquire);
    const Part part{taken_, published};
    taken_ = published;
    return part;
  }

  // What is written of the chunk here, another part's reader must not touch.
  void Sort(Part part) {
    if (part.begin == part.end) return;
    const int end = end_.Load(Order::kRelaxed);
    if (part.begin < end) Visit(part.begin, part.end < end ? part.end : end);
    for (int at = part.begin; at < part.end; ++at) {
      Expect(series_[at].Read() == kSeries[at], "a record of the part has not its series");
    }
  }

  void Visit(int begin, int end) {
    const bool relaxed = fault_ == Fault::kCountLoadedRelaxed;
    const int count = count_.Load(relaxed ? Order::kRelaxed : Order::kAcquire);
    for (int i = 0; i < count && stretches_[i].begin.Read() < end; ++i) {
      const int next = i + 1 < count ? stretches_[i + 1].begin.Read() : end;
      const int from = stretches_[i].begin.Read();
      for (int at = from < begin ? begin : from; at < next && at < end; ++at) {
        series_[at].Write(stretches_[i].series.Read());
      }
    }
  }

  const Fault fault_;
  Stretch stretches_[2];
  Atomic<int> count_{"count", 0};
  Atomic<int> end_{"end", 0};
  Atomic<int> published_{"published", 0};
  Data<int> series_[kRecords] = {Data<int>("series 0", -1), Data<int>("series 1", -1),
                                 Data<int>("series 2", -1), Data<int>("series 3", -1)};
  Mutex mutex_{"slot"};
  int taken_ = 0;  // the slot's
};

Protocol Of(const char* name, Fault fault) {
  return MakeProtocol<StretchesOfChunk>(name, {{"appender"}, {"commit"}, {"snapshot"}}, fault);
}

}  // namespace

ProtocolModel StretchesModel() {
  return {"stretches of a chunk",
          {Of("", Fault::kNone)},
          {Of("count stored relaxed", Fault::kCountRelaxed),
           Of("count loaded relaxed", Fault::kCountLoadedRelaxed),
           Of("end stored after the mark", Fault::kEndAfterMark),
           Of("count raised before the stretch is written", Fault::kCountFirst)}};
}

}  // namespace tsdb::models
