#include "test/tsdb/promql/unsupported.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <initializer_list>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/base/string_view_bridge.h"

namespace tsdb::conformance {
namespace {

struct Token {
  std::string text;  // of a string: only its quote
  bool word = false;
};

bool IsWordPart(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
}

// The end of the string that begins at `begin`.
size_t EndOfString(std::string_view text, size_t begin) {
  const char quote = text[begin];
  size_t end = begin + 1;
  while (end < text.size() && text[end] != quote) end += text[end] == '\\' && quote != '`' ? 2 : 1;
  return std::min(end + 1, text.size());
}

std::vector<Token> Tokens(std::string_view text) {
  std::vector<Token> tokens;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    if (text[at] == '#') {
      at = std::min(text.find('\n', at), text.size());
    } else if (text[at] == '"' || text[at] == '\'' || text[at] == '`') {
      at = EndOfString(text, at);
      tokens.push_back({std::string(1, text[begin]), false});
    } else if (IsWordPart(text[at])) {
      while (at < text.size() && IsWordPart(text[at])) ++at;
      const absl::string_view word = ToAbsl(text.substr(begin, at - begin));
      tokens.push_back({absl::AsciiStrToLower(word), true});
    } else {
      if (std::isspace(static_cast<unsigned char>(text[at])) == 0) {
        tokens.push_back({std::string(1, text[at]), false});
      }
      ++at;
    }
  }
  return tokens;
}

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (name == text) return true;
  }
  return false;
}

class Search {
 public:
  explicit Search(std::string_view expression) : tokens_(Tokens(expression)) {}

  std::string First() const {
    for (size_t i = 0; i < tokens_.size(); ++i) {
      std::string found = tokens_[i].word ? OfWord(i) : OfSign(i);
      if (!found.empty()) return found;
    }
    return "";
  }

 private:
  std::string_view At(size_t i) const {
    return i < tokens_.size() ? std::string_view(tokens_[i].text) : std::string_view();
  }
  bool IsWord(size_t i) const { return i < tokens_.size() && tokens_[i].word; }

  std::string OfWord(size_t i) const {
    const std::string_view word = At(i);
    const absl::string_view name = ToAbsl(word);
    const bool called = At(i + 1) == "(";
    if (IsOneOf(word, {"limitk", "limit_ratio"}) && (called || IsWord(i + 1))) {
      return absl::StrCat(name, ": experimental aggregation");
    }
    if (IsOneOf(word, {"anchored", "smoothed"})) {
      return absl::StrCat(name, ": experimental range modifier");
    }
    if (word == "offset" && OffsetIsComputed(i + 1)) return "computed durations: experimental";
    if (!called) return "";
    if (IsOneOf(word, {"fill", "fill_left", "fill_right"})) {
      return absl::StrCat(name, ": experimental matching modifier");
    }
    if (IsOneOf(word, {"start", "end"}) && i > 0 && At(i - 1) == "@") return "";
    if (IsOneOf(word, {"start", "end", "step", "range"})) {
      return absl::StrCat(name, "(): experimental function of the query's times");
    }
    if (IsOneOf(word, {"info", "mad_over_time", "sort_by_label", "sort_by_label_desc",
                       "double_exponential_smoothing", "first_over_time", "min_of", "max_of",
                       "ts_of_first_over_time", "ts_of_last_over_time", "ts_of_max_over_time",
                       "ts_of_min_over_time"})) {
      return absl::StrCat(name, "(): experimental function");
    }
    if (absl::StartsWith(name, "histogram_") && word != "histogram_quantile") {
      return absl::StrCat(name, "(): function of native histograms");
    }
    return "";
  }

  std::string OfSign(size_t i) const {
    if (At(i) == "[" && RangeIsComputed(i + 1)) return "computed durations: experimental";
    if ((At(i) == "<" || At(i) == ">") && At(i + 1) == "/") {
      return absl::StrCat(ToAbsl(At(i)), "/: operator of native histograms");
    }
    return "";
  }

  bool OffsetIsComputed(size_t i) const {
    while (At(i) == "-" || At(i) == "+") ++i;
    return At(i) == "(" || (IsWord(i) && At(i + 1) == "(");
  }

  // Anything but [word], [word:] and [word:word].
  bool RangeIsComputed(size_t i) const {
    size_t words = 0;
    for (; i < tokens_.size() && At(i) != "]"; ++i) {
      if (At(i) == ":") {
        words = 0;
      } else if (!IsWord(i) || ++words > 1) {
        return true;
      }
    }
    return false;
  }

  std::vector<Token> tokens_;
};

}  // namespace

std::string ExperimentalPart(std::string_view expression) { return Search(expression).First(); }

}  // namespace tsdb::conformance
