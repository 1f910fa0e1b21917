// Writes the corpus that the fuzz targets begin with, by the real encoders:
//
//   build/release/bin/fuzz_make_corpus test/fuzz/corpus
//
// What is there and has another name stays: cases of faults that were found.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "storage/base/labels.h"
#include "storage/segment/manifest_format.h"
#include "storage/wal/log_format.h"
#include "test/fuzz/fuzz_target.h"
#include "test/storage/codec/run_samples.h"
#include "test/storage/segment/manifests.h"
#include "test/storage/segment/segments.h"
#include "tsdb/durability/log_payload.h"

namespace tsdb::fuzz {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint8_t kAsItIs = 0;
constexpr uint64_t kSeed = 20261121;

std::string Numbered(const char* name, size_t number) { return absl::StrCat(name, "-", number); }

class Corpus {
 public:
  explicit Corpus(std::string root) : root_(std::move(root)) {}

  void Add(const std::string& target, const std::string& name, uint8_t mode,
           std::span<const uint8_t> bytes) {
    Bytes input = {mode};
    input.insert(input.end(), bytes.begin(), bytes.end());
    Write(target, name, input);
  }
  void Add(const std::string& target, const std::string& name, uint8_t mode,
           std::string_view text) {
    Add(target, name, mode, Bytes(text.begin(), text.end()));
  }
  void Write(const std::string& target, const std::string& name, std::span<const uint8_t> input) {
    const std::filesystem::path folder = std::filesystem::path(root_) / target;
    std::filesystem::create_directories(folder);
    std::ofstream file(folder / name, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(input.data()),
               static_cast<std::streamsize>(input.size()));
    file.close();
    if (!file) {
      std::fprintf(stderr, "cannot write '%s'\n", (folder / name).c_str());
      std::exit(1);
    }
  }

 private:
  const std::string root_;
};

void AddBlocks(Corpus& corpus) {
  codec::Random random(kSeed);
  size_t number = 0;
  for (const codec::ValueShape& shape : codec::ValueShapes()) {
    const auto& times = codec::TimestampShapes()[number % codec::TimestampShapes().size()];
    const size_t count = number % 3 == 0 ? 70 : 9 + number;
    codec::EncodeHint hint;
    const codec::EncodedBlock block(times.make(count, random), shape.make(count, random), hint);
    corpus.Add("block", Numbered("block", number++), kRepair, block.bytes());
  }
}

void AddRuns(Corpus& corpus) {
  codec::Random random(kSeed);
  codec::RunPart all;
  SeriesId series = 0;
  for (const codec::ValueShape& shape : codec::ValueShapes()) {
    const auto& times = codec::TimestampShapes()[series % codec::TimestampShapes().size()];
    const size_t count = 1 + series % 5;
    codec::RunPart part;
    for (codec::RunPart* to : {&part, &all}) {
      to->Add(series, times.make(count, random), shape.make(count, random));
      to->Add(series + 1, times.make(count, random), shape.make(count, random));
    }
    const Bytes bytes = part.Encode();  // ends with the mark that the target puts there
    corpus.Add("runs", Numbered("runs", series), kRepair, std::span(bytes).first(bytes.size() - 8));
    series += 2;
  }
  corpus.Add("runs", "runs-all", kAsItIs, all.Encode());
}

Bytes LogFile(uint64_t first, uint64_t last, uint64_t durable) {
  Bytes file;
  wal::PutFileHeader(first, file);
  for (uint64_t i = first; i <= last; ++i) {
    const Bytes payload(i * 5 % 23, static_cast<uint8_t>('a' + i));
    wal::PutBatch(i, std::min(durable, i - 1), static_cast<uint8_t>(i % 3), payload, file);
  }
  return file;
}

void AddLogs(Corpus& corpus) {
  const auto directory = [](const std::vector<std::pair<uint8_t, Bytes>>& files) {
    Bytes input = {1};  // replayed from the first batch on
    for (const auto& [first, file] : files) {
      input.push_back(first);
      input.push_back(static_cast<uint8_t>(file.size() & 0xFF));
      input.push_back(static_cast<uint8_t>(file.size() >> 8));
      input.insert(input.end(), file.begin(), file.end());
    }
    return input;
  };
  Bytes torn = LogFile(4, 8, 5);
  torn.resize(torn.size() - 9);
  Bytes allocated = LogFile(1, 3, 3);
  allocated.resize(allocated.size() + 64);
  Bytes gap = LogFile(1, 2, 2);
  wal::PutBatch(5, 4, 2, {}, gap);
  for (const uint8_t mode : {kAsItIs, kRepair, uint8_t{3}}) {
    const std::string suffix = Numbered("", mode);
    corpus.Add("log_file", absl::StrCat("one", suffix), mode, directory({{1, LogFile(1, 5, 2)}}));
    corpus.Add("log_file", "torn" + suffix, mode, directory({{1, LogFile(1, 3, 3)}, {4, torn}}));
    corpus.Add("log_file", "allocated" + suffix, mode, directory({{1, allocated}}));
    corpus.Add("log_file", "gap" + suffix, mode, directory({{1, gap}, {9, LogFile(9, 10, 9)}}));
  }
}

void AddLogPayloads(Corpus& corpus) {
  Bytes series = {0, 0};  // the limit of series numbers, of no use here
  SeriesId id = 0;
  for (const std::string_view name : {"up", "node_cpu_seconds_total", "a name"}) {
    const auto labels =
        Labels::Create({{kMetricNameLabel, name}, {"job", "node"}, {"\xC3\xA9", "\xE2\x82\xAC"}});
    durability::AppendSeries(id += 100, labels->bytes(), series);
  }
  corpus.Add("log_payload", "series", 0, series);
  const std::vector<SeriesId> numbers = {1, 2, 3, 70, 71, 300};
  for (const TimeRange range : {TimeRange::All(), TimeRange{-5, 1'700'000'000'000}}) {
    Bytes deletion = {0x00, 0x02};  // the limit: 512
    const Bytes payload = durability::EncodeDelete(numbers, range);
    deletion.insert(deletion.end(), payload.begin(), payload.end());
    corpus.Add("log_payload", range.begin == -5 ? "delete-range" : "delete-all", 1, deletion);
  }
}

void AddSegments(Corpus& corpus) {
  segment::SegmentContent labels_only;
  labels_only.series = {{0, "a"}, {1, "b"}, {9, ""}};
  segment::SegmentContent one;
  one.series = {{5, "one"}};
  one.leaves = {segment::MakeLeaf(5, 1000, 3)};
  const std::pair<const char*, segment::SegmentContent> contents[] = {
      {"empty", {}}, {"labels", labels_only}, {"one", one}, {"small", segment::SmallContent()}};
  for (const auto& [name, content] : contents) {
    MemoryFileSystem files({segment::kDirectory});
    TSDB_CHECK(segment::Write(&files, 7, content, 42).ok());
    const Bytes file = files.Content(segment::PathOf(7));
    corpus.Add("segment", name, kAsItIs, file);
    corpus.Add("segment", absl::StrCat(name, "-repaired"), kRepair, file);
  }
  // One group; two.
  for (const uint32_t leaves : {8u, 24u}) {
    MemoryFileSystem files({segment::kDirectory});
    TSDB_CHECK(
        segment::Write(&files, 7, segment::LargeContent(leaves), 42, segment::Packing::kWherePays)
            .ok());
    const Bytes file = files.Content(segment::PathOf(7));
    corpus.Add("segment", absl::StrCat("packed-", leaves), kAsItIs, file);
    corpus.Add("segment", absl::StrCat("packed-", leaves, "-repaired"), kRepair, file);
  }
}

void AddManifests(Corpus& corpus) {
  const std::vector<segment::ManifestEdit> edits = segment::SampleEdits();
  const std::vector<segment::ManifestState> states = segment::StatesAfter(edits);
  for (size_t i = 0; i < edits.size(); ++i) {
    uint64_t sequence = 0;
    Bytes file = segment::EncodeManifest(states[i], &sequence);
    for (size_t j = i; j < std::min(i + 3, edits.size()); ++j) {
      segment::AppendManifestRecord(sequence++, edits[j].bytes(), &file);
    }
    corpus.Add("manifest", Numbered("edits", i), static_cast<uint8_t>(i % 4), file);
  }
}

void AddLabels(Corpus& corpus) {
  const std::vector<std::vector<std::string>> sets = {
      {"__name__", "up", "job", "node", "instance", "localhost:9100"},
      {"z", "1", "a", "", "a b", "quote\" backslash\\ newline\n"},
      {"__name__", "a name", "\xC3\xA9", "\xF0\x9F\x98\x80"}};
  for (size_t i = 0; i < sets.size(); ++i) {
    Bytes pairs;
    std::vector<Label> labels;
    for (size_t j = 0; j < sets[i].size(); ++j) {
      pairs.push_back(static_cast<uint8_t>(sets[i][j].size()));
      pairs.insert(pairs.end(), sets[i][j].begin(), sets[i][j].end());
      if (j % 2 == 1) labels.push_back({sets[i][j - 1], sets[i][j]});
    }
    corpus.Add("labels", Numbered("pairs", i), 0, pairs);
    corpus.Add("labels", Numbered("canonical", i), 1, Labels::Create(labels)->bytes());
  }
}

void AddText(Corpus& corpus) {
  constexpr std::string_view kPrometheus =
      "# HELP up Whether it is up.\n# TYPE up gauge\nup 1\n"
      "up{job=\"a\",instance=\"h:9100\"} 1.5e3 1795229635568\n  up\t-Inf  -5 \n"
      "{\"a name\",\"a.b\"=\"c\\n\\\\\\\"\"} NaN 9\n# a comment\n\nup{} +0x1 2";
  constexpr std::string_view kOpenMetrics =
      "# TYPE a histogram\n# UNIT a_seconds seconds\n# HELP a Help \\n me.\n"
      "a_bucket{le=\"1\"} 17 1.5 # {trace=\"x\\\"y\"} 0.5 1795229635.5\n"
      "a_bucket{le=\"+Inf\"} 17 1.5\na_count 17 1.5\na_sum 3.25 1.5\n"
      "# TYPE c counter\nc_total{x=\"\"} 1 1e9\nc_created 1\n# EOF\n";
  corpus.Add("exposition", "prometheus", 0xF8, kPrometheus);
  corpus.Add("exposition", "prometheus-short", 4, kPrometheus);
  corpus.Add("exposition", "openmetrics", 0xF9, kOpenMetrics);
  corpus.Add("exposition", "openmetrics-strict", 0x03, kOpenMetrics);
  constexpr std::string_view kJson =
      "{\"metric\":{\"__name__\":\"up\",\"job\":\"a\"},\"values\":[1,0.5,\"NaN\",-0.0],"
      "\"timestamps\":[1,2,3,4]}\n"
      "{\"x\":[{\"y\":null}],\"metric\":{\"a\":\"\\u00e9\\ud83d\\ude00\\n\"},"
      "\"values\":[\"+Inf\",1e308],\"timestamps\":[-5,9223372036854775807]}\n\n"
      "{\"metric\":{\"a\":\"b\"},\"values\":[],\"timestamps\":[]}";
  corpus.Add("json_lines", "lines", 0xF8, kJson);
  corpus.Add("json_lines", "lines-byte-by-byte", 4, kJson);
  constexpr std::string_view kCsv =
      "\xEF\xBB\xBFtime,host,\"c,d\",v\r\n2014-04-01 "
      "00:00:00,a,,1.5\r\n1396310400,\"b\n\"\"\",x,\r\n"
      "1396310400000,b,x,-Inf\n,,\n1,\"a";
  constexpr std::string_view kExported =
      "__name__,time,timestamp_ms,value\nup,a,5,1\nup,a,6,NaN\n,b,7,-0\nup,,9223372036854775807,"
      "2\n";
  constexpr std::string_view kMapped =
      "t;a;v;w;note\n01.04.2014 00:05:00;x;1;2;n\n31.02.2014 00:00:00;x;1;2;\n1.4.2014 "
      "1:2:3;;;3;\n";
  corpus.Add("csv", "table", 0xF8, kCsv);
  corpus.Add("csv", "table-by-records", 0x0C, kCsv);
  corpus.Add("csv", "exported", 0x04, kExported);
  corpus.Add("csv", "mapped", 0x03, kMapped);
  constexpr std::string_view kInflux =
      "# a comment\ncpu,host=a\\ b,c\\,d=\\=e usage=1.5,n=2i,u=3u,t=T,s=\"x, \\\"y\\\\\" "
      "1700000000000000000\r\n"
      "cpu,host=a\\ b,c\\,d=\\=e n=9007199254740993i,usage=-0  5\n\nup,__name__=up value=NaN\nm v= "
      "1";
  corpus.Add("influx", "lines", 0xFB, kInflux);
  corpus.Add("influx", "lines-in-seconds", 0x04, kInflux);
  const std::string_view selectors[] = {
      "up", "{}", "node_cpu_seconds_total{cpu=\"0\",mode!~\"irq|nice\",job!=\"\"}",
      "{\"any name\", \"any label\"='it\\'s', a=~`(a+)+b?[c-e]{2,5}`}",
      "x{a=\"\\x41\\101\\u00e9\\U0001F600\\n\",}"};
  size_t number = 0;
  for (const std::string_view text : selectors) {
    corpus.Write("selector", Numbered("selector", number++), Bytes(text.begin(), text.end()));
  }
  // A figure of each shape: short, so that mutations hit what matters.
  constexpr std::string_view kStats =
      "# HELP tsdb_state The state.\n# TYPE tsdb_state gauge\n"
      "tsdb_state{state=\"opening\"} 0\ntsdb_state{state=\"open\"} 1\n"
      "tsdb_process_id 4711\ntsdb_opened_time_seconds 1795293164.098\n"
      "tsdb_stats_time_seconds 1795293164.318\ntsdb_series 1028\n"
      "tsdb_blocked_seconds_total{cause=\"chunk\"} 0.001471111\n"
      "tsdb_value_encoding_leaves{encoding=\"ALP frame\"} 137\n"
      "tsdb_option{name=\"durability\"} 1\ntsdb_option{name=\"series_max\"} 1e+08\n";
  corpus.Write("published_stats", "stats", Bytes(kStats.begin(), kStats.end()));
}

}  // namespace
}  // namespace tsdb::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
    return 2;
  }
  tsdb::fuzz::Corpus corpus(argv[1]);
  tsdb::fuzz::AddBlocks(corpus);
  tsdb::fuzz::AddRuns(corpus);
  tsdb::fuzz::AddLogs(corpus);
  tsdb::fuzz::AddLogPayloads(corpus);
  tsdb::fuzz::AddSegments(corpus);
  tsdb::fuzz::AddManifests(corpus);
  tsdb::fuzz::AddLabels(corpus);
  tsdb::fuzz::AddText(corpus);
  return 0;
}
