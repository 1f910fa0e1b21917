#include "tools/source.h"

#include <sys/stat.h>

#include <utility>

#include "tools/interrupt.h"
#include "tools/message.h"
#include "tools/open_directory.h"
#include "tools/recovery.h"

namespace tsdb::tools {
namespace {

ExitCode OpenFiles(const SourceOptions& options, Source& source) {
  if (const ExitCode code = CheckInput(options.input, options.color); code != kOk) return code;
  Options database_options;
  database_options.memory_budget_bytes = options.memory_budget_bytes;
  auto database = Database::Open(database_options);
  if (!database.ok()) {
    PrintError("cannot open a database in memory: " + MessageOf(database.status()), options.color);
    return kFailure;
  }
  source.database = *std::move(database);
  source.loaded.emplace();
  const InterruptScope interruptible;
  return LoadFiles(options.input, options.color, CountsFor::kTerminals, *source.database,
                   *source.loaded);
}

}  // namespace

ExitCode OpenSource(const SourceOptions& options, Source& source) {
  if (options.directory.empty()) return OpenFiles(options, source);
  auto database = OpenToRead(options.directory, options.memory_budget_bytes);
  if (!database.ok()) {
    PrintError(MessageOf(database.status()), options.color);
    return kFailure;
  }
  source.database = *std::move(database);
  const RecoveryReport& recovery = source.database->Recovery();
  source.complete = IsIntact(recovery);
  if (source.complete) return kOk;
  WarnOfDamage(recovery, options.color);
  PrintWarning(
      "'" + options.directory + "' is damaged, so the result may be incomplete; tsdb " +
          "verify --db DIR says more, tsdb repair --db DIR makes a whole database of the rest",
      options.color);
  return kOk;
}

void TakeFromFiles(std::vector<std::string>& files, std::vector<std::string*> words) {
  std::erase_if(words, [](const std::string* word) { return !word->empty(); });
  std::vector<std::string> taken;
  struct stat status;
  while (taken.size() < words.size() && files.size() > 1 &&
         stat(files.back().c_str(), &status) != 0) {  // else it is one more file
    taken.push_back(std::move(files.back()));
    files.pop_back();
  }
  for (size_t i = 0; i < taken.size(); ++i) *words[i] = std::move(taken[taken.size() - 1 - i]);
}

}  // namespace tsdb::tools
