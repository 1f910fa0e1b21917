#include "tsdb/internals.h"

#include "tsdb/engine.h"

namespace tsdb {

void Internals::SetDiscardSealed(Database& database, bool discard) {
  database.engine_->pipeline->SetDiscard(discard);
}

uint64_t Internals::DiscardedRecords(const Database& database) {
  return database.engine_->pipeline->discarded_records();
}

}  // namespace tsdb
