// Seal, commit and fresh snapshots: three ways for records [taken, to) of a chunk to be handed in,
// once and in order, and the chunk used again when nobody reads it. (Appender::SealChunk,
// Engine::TakePublished, TakeAllPublished, CloseSlot, MergePipeline::DropChunk, ChunkPool.)
//
// Threads: an appender fills two chunks' worth with the pool's only chunk, commits and ends; a
// snapshot takes what is published; the merge reads what is handed in, and drops its references.
#include "test/models/protocols.h"
#include "test/models/shared.h"

namespace tsdb::models {
namespace {

constexpr int kCapacity = 2;
constexpr int kRecords = 3;

enum class Fault {
  kNone,
  kTakenLate,
  kReferenceLate,
  kForgottenFirst,
  kDropRelaxed,
  kSealOutsideMutex
};

class HandIn : public Model {
 public:
  explicit HandIn(Fault fault) : fault_(fault) {}

  void Run(size_t thread) override {
    if (thread == 0) {
      Append(0);
      TakePublished();  // a commit
      Append(1);
      Append(2);
      CloseSlot();
    } else if (thread == 1) {
      const int told = told_.Load(Order::kAcquire);
      TakeAllPublished();
      const MutexLock lock(&pipeline_);
      Expect(handed_in_ >= told, "a snapshot misses a record appended before");
    } else {
      while (Merge()) {
      }
    }
  }

  void CheckStep() override {
    Expect(references_.Newest() >= 0, "more references dropped than there were");
    if (chunk_open_ && !slot_.held()) {
      Expect(taken_ <= published_.Newest() && published_.Newest() <= kCapacity,
             "taken <= published <= capacity");
    }
  }

  void CheckEnd() override {
    Expect(handed_in_ == kRecords && merged_ == kRecords, "a record was not handed in");
    Expect(chunk_free_, "the chunk was not given back");
  }

 private:
  struct Part {
    int begin, end;  // records of the chunk
    int first;       // the first one's number
  };

  void Append(int record) {
    if (position_ == kCapacity || record == 0) {
      SealChunk();
      AcquireChunk(record);
    }
    column_[position_].Write(record);
    published_.Store(++position_, Order::kRelease);
    told_.Store(record + 1, Order::kRelease);
  }

  void AcquireChunk(int record) {
    {
      const MutexLock lock(&pool_);
      while (!chunk_free_) freed_.Wait(&pool_);
      chunk_free_ = false;
    }
    published_.Store(0, Order::kRelaxed);
    references_.Store(1, Order::kRelaxed);
    position_ = 0;
    const MutexLock lock(&slot_);
    chunk_open_ = true;
    taken_ = 0;
    base_ = record;
  }

  void SealChunk() {
    bool rest = false;
    Part part{};
    {
      const MutexLock lock(&slot_);
      if (!chunk_open_) return;
      part = {taken_, position_, base_ + taken_};
      rest = taken_ == position_;
      if (!rest && fault_ != Fault::kSealOutsideMutex) Submit(part);
      chunk_open_ = false;
      taken_ = 0;
    }
    if (rest) {
      DropChunk();
    } else if (fault_ == Fault::kSealOutsideMutex) {
      Submit(part);
    }
  }

  void TakePublished() {
    Part part{};
    {
      const MutexLock lock(&slot_);
      if (!chunk_open_) return;
      const int published = published_.Load(Order::kAcquire);
      if (published <= taken_) return;
      part = {taken_, published, base_ + taken_};
      if (fault_ != Fault::kTakenLate) {
        TakeLocked(part);
        return;
      }
    }
    const MutexLock lock(&slot_);
    TakeLocked(part);
  }

  void TakeLocked(const Part& part) {
    if (fault_ != Fault::kReferenceLate) references_.FetchAdd(1, Order::kRelaxed);
    Submit(part);
    if (fault_ == Fault::kReferenceLate) references_.FetchAdd(1, Order::kRelaxed);
    taken_ = part.end;
  }

  void TakeAllPublished() {
    const MutexLock lock(&registry_);
    if (slot_there_) TakePublished();
  }

  void CloseSlot() {
    if (fault_ == Fault::kForgottenFirst) {
      // And so with records that its end hands in.
      const MutexLock lock(&registry_);
      slot_there_ = false;
    }
    if (fault_ == Fault::kForgottenFirst) {
      EndSlot();
    } else {
      const MutexLock lock(&registry_);
      EndSlot();
      slot_there_ = false;
    }
  }

  void EndSlot() {
    TakePublished();
    bool open;
    {
      const MutexLock lock(&slot_);
      open = chunk_open_;
      chunk_open_ = false;
    }
    if (open) DropChunk();
  }

  void Submit(const Part& part) {
    {
      const MutexLock lock(&pipeline_);
      Expect(part.first == handed_in_, "parts overlap, or are not in the order of their records");
      handed_in_ += part.end - part.begin;
      queue_.push_back(part);
    }
    submitted_.NotifyOne();
  }

  bool Merge() {
    Part part{};
    {
      const MutexLock lock(&pipeline_);
      if (merged_ == kRecords) return false;
      while (queue_.empty()) submitted_.Wait(&pipeline_);
      part = queue_.front();
      queue_.pop_front();
      merged_ += part.end - part.begin;
    }
    for (int at = part.begin; at < part.end; ++at) {
      Expect(column_[at].Read() == part.first + at - part.begin, "another record than handed in");
    }
    DropChunk();
    return true;
  }

  void DropChunk() {
    const Order order = fault_ == Fault::kDropRelaxed ? Order::kRelaxed : Order::kAcqRel;
    if (references_.FetchSub(1, order) != 1) return;
    {
      const MutexLock lock(&pool_);
      Expect(!chunk_free_, "the chunk is given back twice");
      chunk_free_ = true;
    }
    freed_.NotifyOne();
  }

  const Fault fault_;
  // The chunk.
  Data<int> column_[kCapacity] = {Data<int>("record 0", -1), Data<int>("record 1", -1)};
  Atomic<int> published_{"published", 0};
  Atomic<int> references_{"references", 0};
  int position_ = 0;  // the appender's

  Atomic<int> told_{"told", 0};
  Mutex registry_{"registry"};
  bool slot_there_ = true;
  Mutex slot_{"slot"};
  bool chunk_open_ = false;
  int taken_ = 0;
  int base_ = 0;  // number of the chunk's first record
  Mutex pipeline_{"pipeline"};
  CondVar submitted_{"submitted"};
  FixedList<Part> queue_;
  int handed_in_ = 0;
  int merged_ = 0;
  Mutex pool_{"pool"};
  CondVar freed_{"freed"};
  bool chunk_free_ = true;
};

Protocol Of(const char* name, Fault fault) {
  return MakeProtocol<HandIn>(name, {{"appender"}, {"snapshot"}, {"merge"}}, fault);
}

}  // namespace

ProtocolModel HandInModel() {
  return {"seal, commit, snapshot",
          {Of("", Fault::kNone)},
          {Of("slot's mutex let go between the look and the hand-in", Fault::kTakenLate),
           Of("reference added after the part is submitted", Fault::kReferenceLate),
           Of("slot forgotten before its rest is handed in", Fault::kForgottenFirst),
           Of("chunk's reference dropped relaxed", Fault::kDropRelaxed),
           Of("seal submits after letting the slot go", Fault::kSealOutsideMutex)}};
}

}  // namespace tsdb::models
