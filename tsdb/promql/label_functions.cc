#include "tsdb/promql/label_functions.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/base/string_view_bridge.h"
#include "tsdb/promql/step_matrix.h"

namespace tsdb::promql {
namespace {

bool IsWordCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

re2::StringPiece ToPiece(std::string_view text) { return {text.data(), text.size()}; }

// The name of a group after a '$' at the beginning of `text`, and the bytes it takes with the
// dollar; 0 bytes if there is none. As Go's Regexp.Expand.
std::pair<std::string_view, size_t> GroupName(std::string_view text) {
  const bool braced = text.size() > 1 && text[1] == '{';
  const size_t begin = braced ? 2 : 1;
  size_t end = begin;
  while (end < text.size() && IsWordCharacter(text[end])) ++end;
  if (end == begin || (braced && (end == text.size() || text[end] != '}'))) return {{}, 0};
  return {text.substr(begin, end - begin), end + (braced ? 1 : 0)};
}

}  // namespace

LabelReplacer::LabelReplacer() = default;
LabelReplacer::LabelReplacer(LabelReplacer&&) noexcept = default;
LabelReplacer::~LabelReplacer() = default;

bool IsLabelName(std::string_view name, Semantics semantics) {
  if (!semantics.closed_ranges) return !name.empty() && IsValidUtf8(name);
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::ranges::all_of(name, IsWordCharacter);
}

absl::StatusOr<LabelReplacer> LabelReplacer::Create(std::string_view target,
                                                    std::string_view replacement,
                                                    std::string_view source, std::string_view regex,
                                                    Semantics semantics) {
  LabelReplacer result;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  result.regex_ = std::make_unique<RE2>(ToPiece(regex), options);
  if (!result.regex_->ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("invalid regular expression in label_replace(): ", ToAbsl(regex), ": ",
                     result.regex_->error()));
  }
  if (!IsLabelName(target, semantics)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "invalid destination label name in label_replace(): ", absl::CHexEscape(ToAbsl(target))));
  }
  result.target_ = target;
  result.replacement_ = replacement;
  result.source_ = source;
  return result;
}

std::string LabelReplacer::Expand(std::span<const std::string_view> groups) const {
  std::string result;
  std::string_view rest = replacement_;
  while (!rest.empty()) {
    const size_t dollar = rest.find('$');
    result.append(rest.substr(0, dollar));
    if (dollar == std::string_view::npos) break;
    rest.remove_prefix(dollar);
    if (rest.starts_with("$$")) {
      result.push_back('$');
      rest.remove_prefix(2);
      continue;
    }
    const auto [name, bytes] = GroupName(rest);
    if (bytes == 0) {  // malformed: the dollar stands for itself
      result.push_back('$');
      rest.remove_prefix(1);
      continue;
    }
    rest.remove_prefix(bytes);
    size_t group = groups.size();
    const bool number = std::ranges::all_of(
        name, [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; });
    if (number) {
      if (name.size() < 6) group = static_cast<size_t>(std::stoul(std::string(name)));
    } else if (const auto& named = regex_->NamedCapturingGroups();
               named.contains(std::string(name))) {
      group = static_cast<size_t>(named.at(std::string(name)));
    }
    if (group < groups.size()) result.append(groups[group]);
  }
  return result;
}

Labels LabelReplacer::Replace(const Labels& labels) const {
  const std::string_view value = labels.Get(source_);
  const int groups = regex_->NumberOfCapturingGroups() + 1;
  std::vector<re2::StringPiece> pieces(static_cast<size_t>(groups));
  if (!regex_->Match(ToPiece(value), 0, value.size(), RE2::ANCHOR_BOTH, pieces.data(), groups)) {
    return labels;
  }
  std::vector<std::string_view> texts;
  for (const re2::StringPiece& piece : pieces) texts.emplace_back(piece.data(), piece.size());
  LabelsEdit edit(labels);
  edit.Set(target_, Expand(texts));
  return edit.Take();
}

Labels JoinLabels(const Labels& labels, std::string_view target, std::string_view separator,
                  std::span<const std::string> sources) {
  std::string joined;
  for (size_t i = 0; i < sources.size(); ++i) {
    if (i > 0) joined.append(separator);
    joined.append(labels.Get(sources[i]));
  }
  LabelsEdit edit(labels);
  edit.Set(target, joined);
  return edit.Take();
}

}  // namespace tsdb::promql
