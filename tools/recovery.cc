#include "tools/recovery.h"

#include <string>

#include "tools/message.h"
#include "tools/number_text.h"

namespace tsdb::tools {

bool IsIntact(const RecoveryReport& recovery) {
  return recovery.damage.empty() && recovery.orphans == 0;
}

void WarnOfDamage(const RecoveryReport& recovery, Color color) {
  for (const std::string& damage : recovery.damage) PrintWarning(damage, color);
  for (const std::string& path : recovery.foreign) {
    PrintWarning("'" + path + "' is no log file; it is left alone", color);
  }
  if (recovery.orphans == 0) return;
  PrintWarning(
      Counted(recovery.orphans, "record") + " left out: the labels of their series are lost",
      color);
}

void SayWhatToDo(const std::string& directory, Color color) {
  PrintError("'" + directory + "' is damaged; what is intact can be read and exported, and tsdb " +
                 "repair makes a whole database of it",
             color);
}

void AddRecovery(const RecoveryReport& recovery, Report& report) {
  report.AddSection("recovery").figures = {{"checkpoint_records", recovery.checkpoint_records, ""},
                                           {"log_batches", recovery.batches, ""},
                                           BytesFigure("log_bytes", recovery.bytes),
                                           {"log_records", recovery.log_records, ""},
                                           {"torn_bytes", recovery.torn_bytes, ""},
                                           {"orphans", recovery.orphans, ""},
                                           {"damages", uint64_t{recovery.damage.size()}, ""}};
}

void AddDamage(const RecoveryReport& recovery, Report& report) {
  Section& section = report.AddSection("damage");
  for (size_t i = 0; i < recovery.damage.size(); ++i) {
    section.figures.push_back({std::to_string(i + 1), recovery.damage[i], ""});
  }
}

}  // namespace tsdb::tools
