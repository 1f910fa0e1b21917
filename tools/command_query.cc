#include "tools/command_query.h"

#include <utility>

#include "tools/interrupt.h"
#include "tools/message.h"
#include "tools/output_file.h"

namespace tsdb::tools {
namespace {

ExitCode Fail(const absl::Status& status, Color color) {
  PrintError(MessageOf(status), color);
  if (status.code() == absl::StatusCode::kCancelled) return kInterrupted;
  return kFailure;
}

}  // namespace

ExitCode RunQuery(const QueryOptions& options) {
  const Color color = options.source.color;
  absl::StatusOr<CheckedQuestion> checked = CheckQuestion(options);
  if (!checked.ok()) {
    PrintError(MessageOf(checked.status()), color);
    return kUsage;
  }
  Source source;
  if (const ExitCode code = OpenSource(options.source, source); code != kOk) return code;
  Database& database = *source.database;

  const InterruptStop interrupt;
  const auto answer = Ask(database, options, *std::move(checked), interrupt.token());
  if (!answer.ok()) return Fail(answer.status(), color);
  auto file = OutputFile::Open(options.output);
  if (!file.ok()) return Fail(file.status(), color);
  PrintAnswer(*answer, options, color, {(*file)->output(), options.output.empty()});
  TellNotes(*answer, color, database);
  const absl::Status finished = (*file)->Finish();
  return finished.ok() ? kOk : Fail(finished, color);
}

}  // namespace tsdb::tools
