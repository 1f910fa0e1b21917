// What Prometheus says beside an answer: warnings, that it may be wrong, and infos, that it may not
// be what was meant. The texts are those of its util/annotations.
//
// Thread safety: any thread.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "storage/base/mutex.h"
#include "tsdb/promql/ast.h"

namespace tsdb::promql {

class Annotations {
 public:
  // `text` is that of the expression, for places in it. It must outlive the object.
  explicit Annotations(std::string_view text) : text_(text) {}

  void Warn(std::string_view message, Span place) ABSL_LOCKS_EXCLUDED(mutex_);
  void Inform(std::string_view message, Span place) ABSL_LOCKS_EXCLUDED(mutex_);

  std::vector<std::string> warnings() const ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<std::string> infos() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  std::string Placed(std::string_view kind, std::string_view message, Span place) const;

  const std::string_view text_;
  mutable Mutex mutex_;
  std::set<std::string> warnings_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> infos_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tsdb::promql
