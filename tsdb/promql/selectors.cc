#include "tsdb/promql/selectors.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "index/label/value_test.h"
#include "storage/base/labels.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"
#include "tsdb/promql/quoting.h"

namespace tsdb::promql {
namespace {

class SelectorParser {
 public:
  explicit SelectorParser(TokenReader& reader) : reader_(reader), begin_(reader.Peek().begin) {}

  absl::StatusOr<ExprPtr> Run() {
    if (!reader_.At(TokenKind::kLeftBrace)) {
      AddName(std::string(reader_.TextOf(reader_.Take())));
    }
    if (reader_.At(TokenKind::kLeftBrace)) {
      if (absl::Status status = Braces(); !status.ok()) return status;
    }
    if (absl::Status status = CheckNames(); !status.ok()) return status;
    if (!not_empty_) {
      return reader_.Error(begin_, "vector selector must contain at least one non-empty matcher",
                           "name a metric, or a label that it has: {job=~\".+\"}");
    }
    auto expr = std::make_unique<Expr>();
    expr->span = {begin_, reader_.end()};
    expr->node = std::move(selector_);
    return expr;
  }

 private:
  void AddName(std::string name) {
    ++names_;
    not_empty_ |= !name.empty();
    selector_.name = name;
    selector_.matchers.push_back({std::string(kMetricNameLabel), MatchOp::kEqual, std::move(name)});
  }

  absl::Status Braces() {
    constexpr std::string_view kContext = "label matching";
    reader_.Take();
    while (!reader_.At(TokenKind::kRightBrace)) {
      TSDB_RETURN_IF_ERROR(OneMatcher(kContext));
      if (reader_.TakeIf(TokenKind::kComma)) continue;
      if (!reader_.At(TokenKind::kRightBrace)) {
        return reader_.Unexpected(kContext, "\",\" or \"}\"");
      }
    }
    reader_.Take();
    return absl::OkStatus();
  }

  absl::Status OneMatcher(std::string_view context) {
    const Token token = reader_.Peek();
    Matcher matcher;
    if (token.kind == TokenKind::kString) {
      TSDB_ASSIGN_OR_RETURN(matcher.name, reader_.TakeString());
      if (!IsValidUtf8(matcher.name)) {
        return reader_.Error(token.begin, "invalid label name " + Quote(matcher.name));
      }
      if (reader_.At(TokenKind::kComma) || reader_.At(TokenKind::kRightBrace)) {
        AddName(std::move(matcher.name));
        return absl::OkStatus();
      }
      if (matcher.name.empty()) return reader_.Error(token.begin, "invalid label name \"\"");
    } else if (token.kind == TokenKind::kIdentifier) {
      matcher.name = reader_.TextOf(reader_.Take());
    } else {
      return reader_.Unexpected(context, "identifier or \"}\"");
    }
    switch (reader_.Peek().kind) {
      case TokenKind::kAssign:
        matcher.op = MatchOp::kEqual;
        break;
      case TokenKind::kNotEqual:
        matcher.op = MatchOp::kNotEqual;
        break;
      case TokenKind::kRegexMatch:
        matcher.op = MatchOp::kRegex;
        break;
      case TokenKind::kNotRegexMatch:
        matcher.op = MatchOp::kNotRegex;
        break;
      default:
        return reader_.Unexpected(context, "label matching operator",
                                  "the operators are =, !=, =~ and !~");
    }
    reader_.Take();
    if (!reader_.At(TokenKind::kString)) {
      return reader_.Unexpected(context, "string",
                                reader_.At(TokenKind::kAssign) ? "in braces = compares, once"
                                                               : "the value stands in quotes");
    }
    const size_t value_at = reader_.Peek().begin;
    TSDB_ASSIGN_OR_RETURN(matcher.value, reader_.TakeString());
    if (!IsValidUtf8(matcher.value)) {
      return reader_.Error(value_at, "the value is not valid UTF-8: " + Quote(matcher.value),
                           "no label has such a value");
    }
    return AddMatcher(std::move(matcher), token.begin);
  }

  absl::Status AddMatcher(Matcher matcher, size_t at) {
    const auto test = label::ValueTest::Create(matcher, selector_.matchers.size());
    if (!test.ok()) {
      return reader_.Error(at, absl::StrCat("error parsing regexp: ", test.status().message()));
    }
    not_empty_ |= test->PatternTakesEmpty() == test->negated();
    selector_.matchers.push_back(std::move(matcher));
    return absl::OkStatus();
  }

  // A name may not be given beside another, or beside a matcher of __name__.
  absl::Status CheckNames() const {
    const std::string* first = nullptr;
    for (const Matcher& matcher : selector_.matchers) {
      if (matcher.name != kMetricNameLabel) continue;
      if (names_ > 0 && first != nullptr) {
        return reader_.Error(begin_, absl::StrCat("metric name must not be set twice: ",
                                                  Quote(*first), " or ", Quote(matcher.value)));
      }
      if (first == nullptr) first = &matcher.value;
    }
    return absl::OkStatus();
  }

  TokenReader& reader_;
  const size_t begin_;
  VectorSelector selector_;
  size_t names_ = 0;
  bool not_empty_ = false;
};

}  // namespace

bool IsMetricWord(TokenKind kind) {
  switch (kind) {
    case TokenKind::kIdentifier:
    case TokenKind::kMetricIdentifier:
    case TokenKind::kAnd:
    case TokenKind::kOr:
    case TokenKind::kUnless:
    case TokenKind::kAggregation:
    case TokenKind::kOffset:
    case TokenKind::kBy:
    case TokenKind::kWithout:
    case TokenKind::kStart:
    case TokenKind::kEndWord:
      return true;
    default:
      return false;
  }
}

absl::StatusOr<ExprPtr> ParseSelector(TokenReader& reader) { return SelectorParser(reader).Run(); }

}  // namespace tsdb::promql
