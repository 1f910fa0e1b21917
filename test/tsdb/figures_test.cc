// Names of all figures, and their way into text and back.
#include "tsdb/figures.h"

#include <array>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>

#include "test/tsdb/threads.h"
#include "tsdb/published_stats.h"

namespace tsdb {
namespace {

using Words = std::array<uint64_t, sizeof(Stats) / sizeof(uint64_t)>;

// Every word is another number, so large that no word is another's in seconds.
Stats AllDifferent() {
  Words words;
  for (size_t i = 0; i < words.size(); ++i) words[i] = (i + 1) * 1'000'000'000;
  return std::bit_cast<Stats>(words);
}

Options OddOptions() {
  Options options;
  options.durability = Durability::kSync;
  options.serve_while_opening = true;
  options.checkpoint_on_close = false;
  options.compression = Compression::kNone;
  options.duplicates = DuplicatePolicy::kFirstWins;
  options.sync_interval_ms = 17;
  options.sync_delay_us = 18;
  options.log_file_bytes = 19;
  options.checkpoint_log_bytes = 20;
  options.memory_budget_bytes = uint64_t{1} << 52;
  options.retention_ms = 22;
  options.retention_bytes = 23;
  options.write_buffer_bytes = 24;
  options.prefault_bytes = 25;
  options.merge_threads = 26;
  options.series_max = UINT32_MAX;
  options.stats_interval_ms = 28;
  return options;
}

PublishedStats Example() {
  return {DatabaseState::kOpen, 4711,           2,           1'795'229'635'568,
          1'795'229'640'000,    AllDifferent(), OddOptions()};
}

TEST_CASE("figures: every number in Stats is listed once", "[figures]") {
  const std::vector<StatFigure> figures = FiguresOf(AllDifferent());
  std::map<double, int> listed;
  for (const StatFigure& figure : figures) ++listed[figure.value];
  for (size_t i = 1; i <= std::tuple_size_v<Words>; ++i) {
    INFO("word " << i << " of Stats");
    const auto number = static_cast<double>(i);
    CHECK(listed[number] + listed[number * 1e9] == 1);
  }
  CHECK(figures.size() == std::tuple_size_v<Words>);
}

TEST_CASE("figures: names are Prometheus's, each at one place and with one help", "[figures]") {
  std::vector<StatFigure> figures = FiguresOf(AllDifferent());
  const std::vector<StatFigure> options = FiguresOf(Options());
  figures.insert(figures.end(), options.begin(), options.end());
  std::set<std::string> names, samples;
  const StatFigure* last = nullptr;
  for (const StatFigure& figure : figures) {
    INFO(figure.name << " " << figure.label_value);
    CHECK(figure.name.starts_with("tsdb_"));
    CHECK(figure.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos);
    CHECK(figure.name.ends_with("_total") == (figure.kind == StatFigure::Kind::kCounter));
    CHECK(figure.help.ends_with("."));
    CHECK(figure.label_value.find_first_of("\"\\\n") == std::string::npos);
    CHECK(figure.label.empty() == figure.label_value.empty());
    CHECK(samples.insert(figure.name + "{" + figure.label_value).second);
    if (last != nullptr && last->name == figure.name) {
      CHECK(last->help == figure.help);
      CHECK(last->kind == figure.kind);
    } else {
      CHECK(names.insert(figure.name).second);
    }
    last = &figure;
  }
}

TEST_CASE("figures: text has a head for each name, and numbers in full", "[figures]") {
  using Kind = StatFigure::Kind;
  const StatFigure figures[] = {{"a_total", Kind::kCounter, "A.", "x", "1", 9007199254740991},
                                {"a_total", Kind::kCounter, "A.", "x", "2 3", 0},
                                {"b_seconds", Kind::kGauge, "B.", "", "", 0.000000001}};
  CHECK(ExpositionText(figures) ==
        "# HELP a_total A.\n# TYPE a_total counter\n"
        "a_total{x=\"1\"} 9007199254740991\na_total{x=\"2 3\"} 0\n"
        "# HELP b_seconds B.\n# TYPE b_seconds gauge\nb_seconds 1e-09\n");
}

TEST_CASE("published stats: what was written is read", "[figures]") {
  const PublishedStats written = Example();
  const std::string text = PublishedText(written);
  const auto read = ParsePublishedStats(text);
  INFO(read.status().ToString());
  REQUIRE(read.ok());
  CHECK(PublishedText(*read) == text);
  CHECK(std::bit_cast<Words>(read->stats) == std::bit_cast<Words>(written.stats));
  CHECK(FiguresOf(read->options) == FiguresOf(written.options));
  CHECK(read->state == written.state);
  CHECK(read->process_id == written.process_id);
  CHECK(read->processors == written.processors);
  CHECK(read->opened == written.opened);
  CHECK(read->written == written.written);
}

TEST_CASE("published stats: nanoseconds come back as they were", "[figures]") {
  for (const uint64_t ns : {uint64_t{1}, uint64_t{999'999'999}, uint64_t{86'400'123'456'789}}) {
    PublishedStats written = Example();
    written.stats.blocked_ns = ns;
    CHECK(ParsePublishedStats(PublishedText(written))->stats.blocked_ns == ns);
  }
}

TEST_CASE("published stats: another version's figures are passed over", "[figures]") {
  const std::string text = PublishedText(Example());
  CHECK(ParsePublishedStats(text + "tsdb_of_tomorrow{a=\"b\"} 1\n").ok());
  CHECK(ParsePublishedStats("# a remark\n\n" + text).ok());
}

TEST_CASE("published stats: text that cannot be such a file is refused", "[figures]") {
  const std::string text = PublishedText(Example());
  for (const std::string& bad :
       {std::string(), std::string("hello"), text + "tsdb_series", text + "tsdb_series x\n",
        text + " 1\n", text + "tsdb_x{a=\"} 1\n", text + "tsdb_x{a} 1\n",
        text + "tsdb_process_id -1\n", text + "tsdb_process_id 1e300\n",
        text + "tsdb_opened_time_seconds nan\n", text + "tsdb_state{state=\"open\"} 2\n",
        text.substr(0, text.find("tsdb_opened_time_seconds "))}) {
    INFO(bad);
    CHECK(ParsePublishedStats(bad).status().code() == absl::StatusCode::kDataLoss);
  }
}

TEST_CASE("published stats: no byte of them can do harm", "[figures]") {
  const std::string text = PublishedText(Example());
  for (size_t i = 0; i < text.size(); i += 3 * kSweepStep) {
    for (const char byte : {'\0', '\n', '"', '{', '9', '-', 'e', '\xff'}) {
      std::string changed = text;
      changed[i] = byte;
      if (const auto read = ParsePublishedStats(changed); read.ok()) {
        REQUIRE(ParsePublishedStats(PublishedText(*read)).ok());
      }
    }
    (void)ParsePublishedStats(std::string_view(text).substr(0, i));
  }
}

TEST_CASE("published stats: figures that could not be are left out", "[figures]") {
  Stats stats;
  Options options;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double value : {-1.0, 1e300, std::nan(""), -kInfinity, kInfinity}) {
    CHECK_FALSE(SetFigure({"tsdb_series", "", "", value}, stats));
    CHECK_FALSE(SetFigure({"tsdb_blocked_seconds_total", "cause", "chunk", value}, stats));
    CHECK_FALSE(SetFigure({"tsdb_option", "name", "series_max", value}, options));
  }
  CHECK(SetFigure({"tsdb_option", "name", "series_max", 1e12}, options));
  CHECK(options.series_max == UINT32_MAX);
  CHECK_FALSE(SetFigure({"tsdb_option", "name", "none", 1}, options));
  CHECK_FALSE(SetFigure({"tsdb_value_encoding_leaves", "encoding", "none", 1}, stats));
}

}  // namespace
}  // namespace tsdb
