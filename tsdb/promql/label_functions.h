// label_replace and label_join: new labels out of a row's own.
//
// Thread safety: a LabelReplacer may be shared.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/base/labels.h"
#include "tsdb/promql/semantics.h"

namespace re2 {
class RE2;
}

namespace tsdb::promql {

class LabelReplacer {
 public:
  // kInvalidArgument: the expression does not compile or `target` cannot be a label's name.
  static absl::StatusOr<LabelReplacer> Create(std::string_view target, std::string_view replacement,
                                              std::string_view source, std::string_view regex,
                                              Semantics semantics);
  LabelReplacer(LabelReplacer&&) noexcept;
  ~LabelReplacer();

  // Where the expression matches the whole value of `source`: `labels` with `target` set to the
  // replacement, its $1, ${1}, $name and ${name} filled in; else unchanged.
  Labels Replace(const Labels& labels) const;

 private:
  LabelReplacer();
  std::string Expand(std::span<const std::string_view> groups) const;

  std::string target_, replacement_, source_;
  std::unique_ptr<re2::RE2> regex_;
};

// `labels` with `target` set to the values of `sources`, `separator` between them.
Labels JoinLabels(const Labels& labels, std::string_view target, std::string_view separator,
                  std::span<const std::string> sources);

// Whether it can be a label's name: not empty, and UTF-8 or, in Prometheus 2, an identifier.
bool IsLabelName(std::string_view name, Semantics semantics);

}  // namespace tsdb::promql
