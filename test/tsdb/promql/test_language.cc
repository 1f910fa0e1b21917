#include "test/tsdb/promql/test_language.h"

#include <re2/re2.h>
#include <algorithm>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"

namespace tsdb::conformance {
namespace {

std::string_view Trim(std::string_view text) {
  return ToStd(absl::StripAsciiWhitespace(ToAbsl(text)));
}

// Takes the first word off the text.
std::string_view TakeWord(std::string_view& text) {
  text = Trim(text);
  const size_t end = std::min(text.find_first_of(" \t"), text.size());
  const std::string_view word = text.substr(0, end);
  text = Trim(text.substr(end));
  return word;
}

bool TakeWordIf(std::string_view& text, std::string_view expected) {
  std::string_view rest = text;
  if (TakeWord(rest) != expected) return false;
  text = rest;
  return true;
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!absl::StartsWith(ToAbsl(text), ToAbsl(prefix))) return false;
  text = Trim(text.substr(prefix.size()));
  return true;
}

absl::StatusOr<ExpectedMessage> PatternOf(std::string_view text) {
  ExpectedMessage expected;
  expected.pattern = std::make_shared<const re2::RE2>(std::string(Trim(text)), re2::RE2::Quiet);
  if (!expected.pattern->ok()) return Bad(expected.pattern->error(), text);
  return expected;
}

// from A to B step S
absl::StatusOr<Steps> TakeSteps(std::string_view& text) {
  constexpr std::string_view kWords[] = {"from", "to", "step"};
  int64_t values[3] = {};
  for (size_t i = 0; i < 3; ++i) {
    if (!TakeWordIf(text, kWords[i])) return Bad("not 'from A to B step S'", text);
    TSDB_ASSIGN_OR_RETURN(values[i], ParseTime(TakeWord(text)));
  }
  if (values[1] < values[0]) return Bad("a range ends before it begins", text);
  if (values[2] <= 0) return Bad("a step must be above 0", text);
  return Steps{values[0], values[1], values[2]};
}

std::optional<Outcome> OutcomeNamed(std::string_view name) {
  constexpr std::pair<std::string_view, Outcome> kNames[] = {
      {"ordered", Outcome::kOrdered}, {"fail", Outcome::kFail}, {"warn", Outcome::kWarn},
      {"no_warn", Outcome::kNoWarn},  {"info", Outcome::kInfo}, {"no_info", Outcome::kNoInfo}};
  for (const auto& [known, outcome] : kNames) {
    if (known == name) return outcome;
  }
  return std::nullopt;
}

// The line behind `expect`.
absl::Status ParseExpect(std::string_view line, EvalCommand& eval) {
  const std::string_view whole = line;
  if (TakeWordIf(line, "string")) {
    TSDB_ASSIGN_OR_RETURN(eval.text, Unquote(line));
    return absl::OkStatus();
  }
  if (TakeWordIf(line, "range")) {
    if (eval.range) return Bad("a range query has no range vector", whole);
    if (!TakeWordIf(line, "vector")) return Bad("not 'expect range vector'", whole);
    TSDB_ASSIGN_OR_RETURN(eval.range_vector, TakeSteps(line));
    return line.empty() ? absl::OkStatus() : Bad("too much behind the step", line);
  }
  const std::optional<Outcome> outcome = OutcomeNamed(TakeWord(line));
  if (!outcome) return Bad("an unknown expectation", whole);
  ExpectedMessage message;
  if (TakePrefix(line, "regex:")) {
    TSDB_ASSIGN_OR_RETURN(message, PatternOf(line));
  } else if (TakePrefix(line, "msg:")) {
    message.text = line;
    if (line.empty()) return Bad("an empty message", whole);
  } else if (!line.empty()) {
    return Bad("not 'msg:' or 'regex:'", line);
  }
  if (*outcome == Outcome::kOrdered && eval.range) {
    return Bad("the order of a range query's series is fixed", whole);
  }
  eval.outcomes[*outcome].push_back(std::move(message));
  return absl::OkStatus();
}

// expected_fail_message and expected_fail_regexp; false: neither.
absl::StatusOr<bool> ParseExpectedFailure(std::string_view line, EvalCommand& eval) {
  if (!eval.Expects(Outcome::kFail)) return false;
  ExpectedMessage message;
  if (TakePrefix(line, "expected_fail_message")) {
    message.text = line;
  } else if (TakePrefix(line, "expected_fail_regexp")) {
    TSDB_ASSIGN_OR_RETURN(message, PatternOf(line));
  } else {
    return false;
  }
  eval.outcomes[Outcome::kFail] = {std::move(message)};
  return true;
}

absl::Status ParseExpectedLine(std::string_view line, EvalCommand& eval) {
  TSDB_ASSIGN_OR_RETURN(const bool failure, ParseExpectedFailure(line, eval));
  if (failure) return absl::OkStatus();
  // A metric of that name can be written as expect{}.
  if (TakeWordIf(line, "expect")) return ParseExpect(line, eval);
  if (const absl::StatusOr<double> number = ParseNumber(line); number.ok()) {
    if (!eval.series.empty()) return Bad("a scalar is the only result", line);
    eval.scalar = *number;
    return absl::OkStatus();
  }
  TSDB_ASSIGN_OR_RETURN(SeriesDescription series, ParseSeries(line));
  if (series.values.empty()) return Bad("an expected series without a value", line);
  if (series.values.size() > 1 && !eval.range && !eval.range_vector) {
    return Bad("an instant has one value (but for 'expect range vector')", line);
  }
  eval.series.push_back(std::move(series));
  return absl::OkStatus();
}

absl::Status CheckOutcomes(const EvalCommand& eval) {
  constexpr std::pair<Outcome, Outcome> kContraries[] = {{Outcome::kWarn, Outcome::kNoWarn},
                                                         {Outcome::kInfo, Outcome::kNoInfo}};
  for (const auto& [one, other] : kContraries) {
    if (eval.Expects(one) && eval.Expects(other)) {
      return absl::InvalidArgumentError("annotations are expected and expected not to be");
    }
  }
  const auto fail = eval.outcomes.find(Outcome::kFail);
  if (fail != eval.outcomes.end() && fail->second.size() > 1) {
    return absl::InvalidArgumentError("a failure is expected more than once");
  }
  return absl::OkStatus();
}

// The first line of an evaluation: what is behind `eval` and its modifier.
absl::Status ParseEvalHead(std::string_view line, EvalCommand& eval) {
  if (TakeWordIf(line, "instant")) {
    if (TakeWordIf(line, "at")) {
      TSDB_ASSIGN_OR_RETURN(eval.time, ParseTime(TakeWord(line)));
    }
  } else if (TakeWordIf(line, "range")) {
    TSDB_ASSIGN_OR_RETURN(eval.range, TakeSteps(line));
  } else {
    return Bad("neither 'instant [at T] EXPR' nor 'range from A to B step S EXPR'", line);
  }
  if (line.empty()) return absl::InvalidArgumentError("there is no expression");
  eval.expression = line;
  return absl::OkStatus();
}

class FileParser {
 public:
  explicit FileParser(std::string_view content) {
    for (const absl::string_view line : absl::StrSplit(ToAbsl(content), '\n')) {
      const std::string_view trimmed = Trim(ToStd(line));
      // A comment ends a block, as an empty line does.
      lines_.push_back(absl::StartsWith(ToAbsl(trimmed), "#") ? std::string_view() : trimmed);
    }
  }

  std::vector<Command> Parse() {
    std::vector<Command> commands;
    for (at_ = 0; at_ < lines_.size(); ++at_) {
      if (lines_[at_].empty()) continue;
      Command command{at_ + 1, std::string(lines_[at_]), {}};
      if (const absl::Status status = ParseCommand(command); !status.ok()) {
        command.what = BadCommand{
            absl::StrCat("line ", std::min(at_, lines_.size() - 1) + 1, ": ", status.message())};
        while (HasNext()) ++at_;
      }
      commands.push_back(std::move(command));
    }
    return commands;
  }

 private:
  bool HasNext() const { return at_ + 1 < lines_.size() && !lines_[at_ + 1].empty(); }

  absl::Status ParseCommand(Command& command) {
    std::string_view rest = lines_[at_];
    const std::string word = absl::AsciiStrToLower(ToAbsl(TakeWord(rest)));
    if (word == "clear") {
      command.what = ClearCommand();
      return rest.empty() ? absl::OkStatus() : Bad("too much behind clear", rest);
    }
    if (word == "load" || word == "load_with_nhcb") {
      LoadCommand load;
      load.with_nhcb = word != "load";
      TSDB_RETURN_IF_ERROR(ParseLoad(rest, load));
      command.what = std::move(load);
      return absl::OkStatus();
    }
    constexpr std::string_view kEval = "eval";
    if (!absl::StartsWith(word, ToAbsl(kEval))) return Bad("an unknown command", lines_[at_]);
    EvalCommand eval;
    TSDB_RETURN_IF_ERROR(ParseEval(std::string_view(word).substr(kEval.size()), rest, eval));
    command.what = std::move(eval);
    return absl::OkStatus();
  }

  absl::Status ParseLoad(std::string_view step, LoadCommand& load) {
    TSDB_ASSIGN_OR_RETURN(load.step_ms, ParseTime(step));
    while (HasNext()) {
      TSDB_ASSIGN_OR_RETURN(SeriesDescription series, ParseSeries(lines_[++at_]));
      load.series.push_back(std::move(series));
    }
    return absl::OkStatus();
  }

  absl::Status ParseEval(std::string_view modifier, std::string_view rest, EvalCommand& eval) {
    TSDB_RETURN_IF_ERROR(ParseEvalHead(rest, eval));
    if (!modifier.empty()) {
      const std::optional<Outcome> outcome = OutcomeNamed(modifier.substr(1));
      const bool known = modifier[0] == '_' && outcome && *outcome != Outcome::kNoWarn &&
                         *outcome != Outcome::kNoInfo &&
                         !(*outcome == Outcome::kOrdered && eval.range);
      if (!known) return Bad("an unknown kind of evaluation", modifier);
      eval.outcomes[*outcome].emplace_back();
    }
    while (HasNext() && !EndsWithout(lines_[at_ + 1], eval)) {
      TSDB_RETURN_IF_ERROR(ParseExpectedLine(lines_[++at_], eval));
    }
    return CheckOutcomes(eval);
  }

  // Whether the next command begins without an empty line: behind a scalar or a string, which are
  // the whole of a result.
  static bool EndsWithout(std::string_view next, const EvalCommand& eval) {
    return (eval.scalar || eval.text) && TakeWord(next) != "expect";
  }

  std::vector<std::string_view> lines_;  // trimmed, comments made empty
  size_t at_ = 0;
};

}  // namespace

std::string ExpectedMessage::ToString() const {
  if (pattern != nullptr) return absl::StrCat("regex: ", pattern->pattern());
  return text.empty() ? "any message" : absl::StrCat("msg: ", text);
}

bool Matches(const ExpectedMessage& expected, std::string_view message, bool exactly) {
  if (expected.pattern != nullptr) {
    return re2::RE2::PartialMatch(re2::StringPiece(message.data(), message.size()),
                                  *expected.pattern);
  }
  if (exactly && !expected.text.empty()) return expected.text == message;
  return message.find(expected.text) != std::string_view::npos;
}

bool EvalCommand::ExpectsHistograms() const {
  return std::any_of(series.begin(), series.end(),
                     [](const SeriesDescription& each) { return each.has_histograms; });
}

std::vector<Command> ParseTestFile(std::string_view content) { return FileParser(content).Parse(); }

}  // namespace tsdb::conformance
