#include "test/tools/import/memory_sink.h"

#include <charconv>

namespace tsdb::importer {

std::string MemorySink::Text() const {
  std::string text;
  for (const Entry& entry : entries) {
    char value[32];
    const auto end = std::to_chars(value, value + sizeof(value), entry.value).ptr;
    text +=
        entry.series + " " + std::to_string(entry.timestamp) + " " + std::string(value, end) + "\n";
  }
  return text;
}

}  // namespace tsdb::importer
