// Slot publication: an appender writes columns and raises `published`; whoever looks at the chunk
// through its slot sees whole records below the mark. (Appender::Append, Appender::OpenChunk,
// Engine::TakePublished, Engine::FillLedger, ChunkPool::HandOut.)
//
// Threads: the appender fills a chunk, opens a second one, which was full when it was last used,
// and writes on; a snapshot is told of what has been appended and looks; the ledger just looks.
#include "test/models/protocols.h"
#include "test/models/shared.h"

namespace tsdb::models {
namespace {

constexpr int kCapacity = 2;
constexpr int kRecords = 3;

enum class Fault { kNone, kStoreRelaxed, kLoadRelaxed, kMarkFirst, kChunkOutsideMutex };

class Publication : public Model {
 public:
  explicit Publication(Fault fault) : fault_(fault) {}

  void Run(size_t thread) override {
    if (thread == 0) {
      for (int record = 0; record < kRecords; ++record) Append(record);
    } else if (thread == 1) {
      // Told by whatever means the threads have: the mark must be there then.
      Look(told_.Load(Order::kAcquire));
    } else {
      Look(0);
      Look(0);
    }
  }

 private:
  struct Chunk {
    Data<int> times[kCapacity] = {Data<int>("time 0", -1), Data<int>("time 1", -1)};
    Data<int> values[kCapacity] = {Data<int>("value 0", -1), Data<int>("value 1", -1)};
    // As its last user left it.
    Atomic<int> published{"published", kCapacity};
  };

  void Open(int chunk) {
    chunks_[chunk].published.Store(0, Order::kRelaxed);
    if (fault_ == Fault::kChunkOutsideMutex) {
      Step("put the chunk into the slot");
      chunk_ = chunk;
      return;
    }
    const MutexLock lock(&mutex_);
    chunk_ = chunk;
  }

  void Append(int record) {
    const int at = record % kCapacity;
    if (at == 0) Open(record / kCapacity);
    Chunk& chunk = chunks_[record / kCapacity];
    const Order order = fault_ == Fault::kStoreRelaxed ? Order::kRelaxed : Order::kRelease;
    if (fault_ == Fault::kMarkFirst) chunk.published.Store(at + 1, order);
    chunk.times[at].Write(record);
    chunk.values[at].Write(record);
    if (fault_ != Fault::kMarkFirst) chunk.published.Store(at + 1, order);
    told_.Store(record + 1, Order::kRelease);
  }

  void Look(int told) {
    const MutexLock lock(&mutex_);
    if (chunk_ < 0) {
      Expect(told == 0, "told of records, and there is no chunk");
      return;
    }
    Chunk& chunk = chunks_[chunk_];
    const int published =
        chunk.published.Load(fault_ == Fault::kLoadRelaxed ? Order::kRelaxed : Order::kAcquire);
    Expect(chunk_ * kCapacity + published >= told, "the mark is behind what was appended before");
    for (int at = 0; at < published; ++at) {
      const int record = chunk_ * kCapacity + at;
      Expect(chunk.times[at].Read() == record, "a record below the mark is not whole");
      Expect(chunk.values[at].Read() == record, "a record below the mark is not whole");
    }
  }

  const Fault fault_;
  Chunk chunks_[2];
  Atomic<int> told_{"told", 0};
  Mutex mutex_{"slot"};
  int chunk_ = -1;  // the slot's
};

Protocol Of(const char* name, Fault fault) {
  return MakeProtocol<Publication>(name, {{"appender"}, {"snapshot"}, {"ledger"}}, fault);
}

}  // namespace

ProtocolModel PublicationModel() {
  return {"slot publication",
          {Of("", Fault::kNone)},
          {Of("published stored relaxed", Fault::kStoreRelaxed),
           Of("published loaded relaxed", Fault::kLoadRelaxed),
           Of("published raised before the record is written", Fault::kMarkFirst),
           Of("chunk put into the slot without its mutex", Fault::kChunkOutsideMutex)}};
}

}  // namespace tsdb::models
