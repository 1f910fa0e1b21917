#include "test/storage/codec/recorded_columns.h"

#include <zstd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

namespace tsdb::codec {
namespace {

namespace fs = std::filesystem;

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Files below `folder` with an extension, in order of name.
std::vector<fs::path> FilesBelow(const fs::path& folder, const char* extension) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; it != end && !error;
       it.increment(error)) {
    if (it->path().extension() == extension) files.push_back(it->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// "2014-04-01 00:05:00" to milliseconds.
Timestamp ParseTime(const char* text) {
  std::tm time = {};
  if (std::sscanf(text, "%d-%d-%d %d:%d:%d", &time.tm_year, &time.tm_mon, &time.tm_mday,
                  &time.tm_hour, &time.tm_min, &time.tm_sec) != 6) {
    return 0;
  }
  time.tm_year -= 1900;
  time.tm_mon -= 1;
  return static_cast<Timestamp>(timegm(&time)) * 1000;
}

// Calls item(text) for each element of the array after `key` in one line of JSON.
template <typename F>
void ForEachElement(const std::string& line, const char* key, F item) {
  const size_t at = line.find(key);
  if (at == std::string::npos) return;
  const char* text = line.c_str() + at + std::strlen(key);
  while (*text != '\0' && *text != ']') {
    item(text);
    while (*text != '\0' && *text != ',' && *text != ']') ++text;
    if (*text == ',') ++text;
  }
}

std::string DecompressZstd(const std::string& packed) {
  const unsigned long long bytes = ZSTD_getFrameContentSize(packed.data(), packed.size());
  constexpr unsigned long long kBytesMax = 1 << 28;
  const bool known = bytes != ZSTD_CONTENTSIZE_UNKNOWN && bytes != ZSTD_CONTENTSIZE_ERROR;
  std::string text(known ? std::min(bytes, kBytesMax) : kBytesMax, '\0');
  const size_t written = ZSTD_decompress(text.data(), text.size(), packed.data(), packed.size());
  text.resize(ZSTD_isError(written) ? 0 : written);
  return text;
}

}  // namespace

std::string SharedDataFolder() {
  if (const char* folder = std::getenv("TSDB_SHARED_DATA")) return folder;
  return std::string(TSDB_SOURCE_DIR) + "/../shared/data";
}

std::vector<RecordedColumn> ReadAlpColumns() {
  std::vector<RecordedColumn> columns;
  for (const fs::path& path : FilesBelow(SharedDataFolder() + "/alp", ".bin")) {
    const std::string bytes = ReadFile(path);
    std::vector<double> values(bytes.size() / sizeof(double));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(double));
    columns.push_back({path.stem(), {}, std::move(values)});
  }
  return columns;
}

std::vector<RecordedColumn> ReadAlpEdgeCases() {
  std::vector<RecordedColumn> columns;
  for (const fs::path& path : FilesBelow(SharedDataFolder() + "/alp", ".csv")) {
    std::ifstream file(path);
    RecordedColumn column{path.stem(), {}, {}};
    for (std::string line; std::getline(file, line);) {
      column.values.push_back(std::strtod(line.c_str(), nullptr));
    }
    columns.push_back(std::move(column));
  }
  return columns;
}

std::vector<RecordedColumn> ReadNabColumns() {
  std::vector<RecordedColumn> columns;
  for (const fs::path& path : FilesBelow(SharedDataFolder() + "/nab", ".csv")) {
    std::ifstream file(path);
    RecordedColumn column{path.stem(), {}, {}};
    std::string line;
    std::getline(file, line);  // the names of the columns
    while (std::getline(file, line)) {
      const size_t comma = line.find(',');
      if (comma == std::string::npos) continue;
      column.timestamps.push_back(ParseTime(line.c_str()));
      column.values.push_back(std::strtod(line.c_str() + comma + 1, nullptr));
    }
    columns.push_back(std::move(column));
  }
  return columns;
}

std::vector<RecordedColumn> ReadNodeColumns() {
  const std::string text =
      DecompressZstd(ReadFile(SharedDataFolder() + "/node-prometheus-1s/series.jsonl.zst"));
  std::vector<RecordedColumn> columns;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    RecordedColumn column{line.substr(0, line.find("\"values\"")), {}, {}};
    ForEachElement(line, "\"values\":[", [&](const char* value) {
      column.values.push_back(*value == '"' ? std::numeric_limits<double>::quiet_NaN()
                                            : std::strtod(value, nullptr));
    });
    ForEachElement(line, "\"timestamps\":[", [&](const char* timestamp) {
      column.timestamps.push_back(std::strtoll(timestamp, nullptr, 10));
    });
    if (!column.values.empty() && column.values.size() == column.timestamps.size()) {
      columns.push_back(std::move(column));
    }
  }
  return columns;
}

}  // namespace tsdb::codec
