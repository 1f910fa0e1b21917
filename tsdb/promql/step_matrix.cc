#include "tsdb/promql/step_matrix.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <unordered_map>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/base/coding.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"
#include "tsdb/scan/label_bytes.h"

namespace tsdb::promql {
namespace {

void AppendText(std::string_view text, std::string* bytes) {
  AppendVarint64(bytes, text.size());
  bytes->append(text);
}

}  // namespace

void StepMatrix::Resize(size_t rows) {
  labels_.resize(rows);
  drop_name_.resize(rows);
  values_.resize(rows * steps_);
  present_.resize(rows * steps_);
}

void StepMatrix::Reserve(size_t rows) {
  labels_.reserve(rows);
  drop_name_.reserve(rows);
  values_.reserve(rows * steps_);
  present_.reserve(rows * steps_);
}

size_t StepMatrix::AddRow(Labels labels, bool drop_name) {
  const size_t row = rows();
  Resize(row + 1);
  labels_[row] = std::move(labels);
  SetDropName(row, drop_name);
  return row;
}

bool StepMatrix::Any(size_t row) const {
  const std::span<const uint8_t> bits = present(row);
  return std::find(bits.begin(), bits.end(), 1) != bits.end();
}

void StepMatrix::DropEmptyRows() {
  std::vector<size_t> kept;
  for (size_t row = 0; row < rows(); ++row) {
    if (Any(row)) kept.push_back(row);
  }
  if (kept.size() < rows()) Permute(kept);
}

void StepMatrix::DropEmptyRows(absl::FunctionRef<Labels(size_t)> labels_of) {
  for (size_t row = 0; row < rows(); ++row) {
    if (Any(row)) labels_[row] = labels_of(row);
  }
  DropEmptyRows();
}

void StepMatrix::Permute(std::span<const size_t> order) {
  StepMatrix result(steps_);
  result.Resize(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    const size_t row = order[i];
    result.labels_[i] = std::move(labels_[row]);
    result.drop_name_[i] = drop_name_[row];
    std::ranges::copy(values(row), result.values(i).begin());
    std::ranges::copy(present(row), result.present(i).begin());
  }
  *this = std::move(result);
}

std::vector<size_t> StepMatrix::OrderByLabels() const {
  std::vector<size_t> order(rows());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [this](size_t a, size_t b) {
    return scan::LabelsBefore(labels_[a].bytes(), labels_[b].bytes());
  });
  return order;
}

void StepMatrix::SortRows() { Permute(OrderByLabels()); }

absl::Status StepMatrix::MergeRows() {
  std::unordered_map<std::string_view, size_t> first;
  first.reserve(rows());
  std::vector<size_t> kept;
  for (size_t row = 0; row < rows(); ++row) {
    const auto [entry, added] = first.try_emplace(labels_[row].bytes(), row);
    if (added) {
      kept.push_back(row);
      continue;
    }
    const size_t into = entry->second;
    for (size_t step = 0; step < steps_; ++step) {
      if (present(row)[step] == 0) continue;
      if (present(into)[step] != 0) {
        return absl::InvalidArgumentError(absl::StrCat(
            "vector cannot contain metrics with the same labelset: ", TextOf(labels_[row])));
      }
      Set(into, step, values(row)[step]);
    }
    drop_name_[into] |= drop_name_[row];
  }
  if (kept.size() < rows()) Permute(kept);
  return absl::OkStatus();
}

absl::Status StepMatrix::RemoveNames(bool flagged) {
  for (size_t row = 0; row < rows(); ++row) {
    if (flagged && !drop_name(row)) continue;
    labels_[row] = WithoutName(labels_[row]);
    SetDropName(row, false);
  }
  return MergeRows();
}

Labels WithoutLabel(const Labels& labels, std::string_view name) {
  std::string bytes;
  bytes.reserve(labels.bytes().size());
  for (scan::LabelReader reader(labels.bytes()); reader.Next();) {
    if (reader.name() != name) bytes.append(reader.label());
  }
  return Labels::FromCanonicalBytes(bytes);
}

LabelsEdit::LabelsEdit(const Labels& labels) {
  for (const Label label : labels) labels_.emplace_back(label.name, label.value);
}

void LabelsEdit::Remove(std::string_view name) {
  std::erase_if(labels_, [name](const auto& label) { return label.first == name; });
}

void LabelsEdit::Set(std::string_view name, std::string_view value) {
  if (value.empty()) return Remove(name);
  const auto at = std::lower_bound(
      labels_.begin(), labels_.end(), name,
      [](const auto& label, std::string_view sought) { return label.first < sought; });
  if (at != labels_.end() && at->first == name) {
    at->second = value;
  } else {
    labels_.emplace(at, name, value);
  }
}

void LabelsEdit::Keep(std::span<const std::string> names) {
  std::erase_if(labels_, [names](const auto& label) {
    return std::ranges::find(names, label.first) == names.end();
  });
}

Labels LabelsEdit::Take() const {
  std::string bytes;
  for (const auto& [name, value] : labels_) {
    AppendText(name, &bytes);
    AppendText(value, &bytes);
  }
  return Labels::FromCanonicalBytes(bytes);
}

std::string TextOf(const Labels& labels) {
  std::string text = "{";
  for (const Label label : labels) {
    absl::StrAppend(&text, text.size() > 1 ? ", " : "", ToAbsl(label.name), "=\"",
                    absl::Utf8SafeCEscape(ToAbsl(label.value)), "\"");
  }
  return text + "}";
}

}  // namespace tsdb::promql
