// Something to be done on pages, each by its owner, at its place in the commit order: what was
// submitted before is applied to a page before, what is submitted later after.
//
// Thread safety: Run is called by several threads at once, for different pages. The task must live
// until the position that the pipeline gave for it is merged.
#pragma once

#include <cstdint>
#include <span>

#include "index/tree/page.h"
#include "index/tree/tree_writer.h"
#include "storage/base/types.h"

namespace tsdb::merge {

class PageTask {
 public:
  virtual ~PageTask() = default;
  virtual void Run(tree::TreeWriter& writer, tree::Page& page, SeriesId first_series) = 0;
  // What the log says of it, at its place in the order, as a payload of `kind`; empty: nothing.
  virtual std::span<const uint8_t> payload() const { return {}; }
  virtual uint8_t payload_kind() const { return 0; }
  // Whether nothing that comes after it may be logged or handed out before it has run. It is for
  // one page then, which is made if need be, and may append to the log.
  virtual bool in_turn() const { return false; }
  // For those: returns once it has run.
  virtual void AwaitRun() {}
};

// Merges late records into leaves.
class SettleTask : public PageTask {
 public:
  void Run(tree::TreeWriter& writer, tree::Page& page, SeriesId /*first_series*/) override {
    writer.SettlePage(page);
  }
};

}  // namespace tsdb::merge
