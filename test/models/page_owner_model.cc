// Page ownership: items are queued on a page, whose owner works them off; nobody waits, nothing is
// left alone. (index/tree/owner_queue.h, line by line; MergePipeline::WorkOff.)
//
// Threads: three that add an item each, one of them two, and then try to own the page.
#include "test/models/protocols.h"
#include "test/models/shared.h"

namespace tsdb::models {
namespace {

enum class Fault {
  kNone,
  kAddRelaxed,
  kOwnRelaxed,
  kReleaseRelaxed,
  kReleaseBlindly,
  kNewestFirst
};

class PageOwner : public Model {
 public:
  explicit PageOwner(Fault fault) : fault_(fault) {}

  void Run(size_t thread) override {
    if (thread == 0) {
      AddItem(1);
      AddItem(2);
    } else {
      AddItem(static_cast<int>(thread) + 2);
    }
    WorkOff();
  }

  void CheckEnd() override {
    Expect(applied_.Peek() == kItems, "an item was left alone");
    Expect(word_.Newest() == 0, "the page is still owned");
  }

 private:
  static constexpr int kItems = 4;
  static constexpr int kOwned = 1;

  struct Item {
    Data<int> next{"next"};
    Data<int> content{"content"};
    bool applied = false;
  };

  void AddItem(int item) {
    items_[item].content.Write(item);
    int seen = word_.Load(Order::kRelaxed);
    const Order order = fault_ == Fault::kAddRelaxed ? Order::kRelaxed : Order::kRelease;
    do {
      items_[item].next.Write(seen >> 1);
    } while (!word_.CompareExchange(seen, item << 1 | (seen & kOwned), order));
    pushed_.push_back(item);
  }

  bool TryOwn(int& items) {
    int seen = word_.Load(Order::kRelaxed);
    const Order order = fault_ == Fault::kOwnRelaxed ? Order::kRelaxed : Order::kAcquire;
    do {
      if (seen == 0 || (seen & kOwned) != 0) return false;
    } while (!word_.CompareExchange(seen, kOwned, order));
    items = OldestFirst(seen >> 1);
    return true;
  }

  bool Release(int& items) {
    if (fault_ == Fault::kReleaseBlindly) {
      word_.Store(0, Order::kRelease);
      return true;
    }
    int seen = kOwned;
    const Order order = fault_ == Fault::kReleaseRelaxed ? Order::kRelaxed : Order::kRelease;
    if (word_.CompareExchange(seen, 0, order)) return true;
    items = OldestFirst(word_.Exchange(kOwned, Order::kAcquire) >> 1);
    return false;
  }

  int OldestFirst(int item) {
    if (fault_ == Fault::kNewestFirst) return item;
    int oldest = 0;
    while (item != 0) {
      const int next = items_[item].next.Read();
      items_[item].next.Write(oldest);
      oldest = item;
      item = next;
    }
    return oldest;
  }

  void WorkOff() {
    int item;
    if (!TryOwn(item)) return;
    Expect(!owned_, "two owners");
    owned_ = true;
    do {
      for (; item != 0; item = items_[item].next.Read()) Apply(item);
    } while (!Release(item));
    owned_ = false;
  }

  void Apply(int item) {
    Step("apply");
    Expect(items_[item].content.Read() == item, "an item without its content");
    Expect(!items_[item].applied, "an item is applied twice");
    Expect(pushed_[static_cast<size_t>(applied_.Read())] == item, "items out of order");
    items_[item].applied = true;
    applied_.Write(applied_.Read() + 1);
  }

  const Fault fault_;
  Atomic<int> word_{"word", 0};  // newest item, owned bit
  Item items_[kItems + 1];       // 0: none
  Data<int> applied_{"page"};    // what its owner changes
  bool owned_ = false;
  FixedList<int> pushed_;
};

Protocol Of(const char* name, Fault fault) {
  return MakeProtocol<PageOwner>(name, {{"a"}, {"b"}, {"c"}}, fault);
}

}  // namespace

ProtocolModel PageOwnerModel() {
  return {
      "page ownership",
      {Of("", Fault::kNone)},
      {Of("item added relaxed", Fault::kAddRelaxed), Of("page owned relaxed", Fault::kOwnRelaxed),
       Of("page let go relaxed", Fault::kReleaseRelaxed),
       Of("page let go without a look for items", Fault::kReleaseBlindly),
       Of("items worked off newest first", Fault::kNewestFirst)}};
}

}  // namespace tsdb::models
