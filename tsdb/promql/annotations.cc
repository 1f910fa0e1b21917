#include "tsdb/promql/annotations.h"

#include "absl/strings/str_cat.h"
#include "storage/base/string_view_bridge.h"
#include "tsdb/promql/parser.h"

namespace tsdb::promql {

std::string Annotations::Placed(std::string_view kind, std::string_view message, Span place) const {
  return absl::StrCat("PromQL ", ToAbsl(kind), ": ", ToAbsl(message), " (",
                      PlaceOf(text_, place.begin), ")");
}

void Annotations::Warn(std::string_view message, Span place) {
  MutexLock lock(&mutex_);
  warnings_.insert(Placed("warning", message, place));
}

void Annotations::Inform(std::string_view message, Span place) {
  MutexLock lock(&mutex_);
  infos_.insert(Placed("info", message, place));
}

std::vector<std::string> Annotations::warnings() const {
  MutexLock lock(&mutex_);
  return {warnings_.begin(), warnings_.end()};
}

std::vector<std::string> Annotations::infos() const {
  MutexLock lock(&mutex_);
  return {infos_.begin(), infos_.end()};
}

}  // namespace tsdb::promql
