// What the program's output is made of: numbers, times, widths, lines, tables.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "storage/base/clock.h"
#include "test/tsdb/threads.h"
#include "tools/json_text.h"
#include "tools/number_text.h"
#include "tools/progress_bar.h"
#include "tools/sparkline.h"
#include "tools/terminal.h"

namespace tsdb::tools {
namespace {

TEST_CASE("exact values read back to the same double", "[text]") {
  REQUIRE(ExactValue(0.1) == "0.1");
  REQUIRE(ExactValue(1e300) == "1e+300");
  REQUIRE(ExactValue(-0.0) == "-0");
  REQUIRE(ExactValue(1795229605073) == "1795229605073");
  REQUIRE(ExactValue(std::nan("")) == "NaN");
  REQUIRE(ExactValue(INFINITY) == "+Inf");
  REQUIRE(ExactValue(-INFINITY) == "-Inf");
}

TEST_CASE("readable values keep six digits and set thousands apart", "[text]") {
  REQUIRE(ReadableValue(0) == "0");
  REQUIRE(ReadableValue(3.14159265) == "3.14159");
  REQUIRE(ReadableValue(0.000123456789) == "0.000123457");
  REQUIRE(ReadableValue(1e-7) == "1e-07");
  REQUIRE(ReadableValue(2193.13) == "2,193.13");
  REQUIRE(ReadableValue(-1234567) == "-1,234,567");
  REQUIRE(ReadableValue(123456789.123) == "123,456,789.1");
  REQUIRE(ReadableValue(1e15) == "1e+15");
  REQUIRE(ReadableValue(999999999999999) == "999,999,999,999,999");
  REQUIRE(ReadableValue(std::nan("")) == "NaN");
}

TEST_CASE("counts and bytes", "[text]") {
  REQUIRE(Grouped(0) == "0");
  REQUIRE(Grouped(999) == "999");
  REQUIRE(Grouped(1000) == "1,000");
  REQUIRE(Grouped(18446744073709551615u) == "18,446,744,073,709,551,615");
  REQUIRE(Counted(1, "line") == "1 line");
  REQUIRE(Counted(2000, "line") == "2,000 lines");
  REQUIRE(Counted(1, "series") == "1 series");
  REQUIRE(ReadableBytes(999) == "999 B");
  REQUIRE(ReadableBytes(1000) == "1.0 kB");
  REQUIRE(ReadableBytes(999'949) == "999.9 kB");
  REQUIRE(ReadableBytes(999'950) == "1.0 MB");
}

TEST_CASE("times are printed in UTC, the extremes too", "[text]") {
  REQUIRE(ReadableTime(0) == "1970-01-01 00:00:00");
  REQUIRE(ReadableTime(-1) == "1969-12-31 23:59:59.999");
  REQUIRE(ReadableTime(1795229605073) == "2026-11-21 02:53:25.073");
  REQUIRE(ReadableTime(951782400000) == "2000-02-29 00:00:00");
  REQUIRE(ReadableTime(253402300799999) == "9999-12-31 23:59:59.999");
  REQUIRE(ReadableTime(kTimestampMax) == "9223372036854775807 ms");
  REQUIRE(ReadableTime(kTimestampMin) == "-9223372036854775808 ms");
  REQUIRE(ApiSeconds(1795229605073) == "1795229605.073");
  REQUIRE(ApiSeconds(1795229605000) == "1795229605");
  REQUIRE(ApiSeconds(-500) == "-0.500");
  REQUIRE(ApiSeconds(-1500) == "-1.500");
  REQUIRE(ApiSeconds(kTimestampMin) == "-9223372036854775.808");
}

TEST_CASE("times are read as seconds or RFC 3339", "[text]") {
  REQUIRE(ParseTime("1795229605.073") == 1795229605073);
  REQUIRE(ParseTime("-1.5") == -1500);
  REQUIRE(ParseTime("2026-11-21T02:53:25.073Z") == 1795229605073);
  REQUIRE(ParseTime("2026-11-21 02:53:25Z") == 1795229605000);
  REQUIRE(ParseTime("2026-11-21T04:53:25+02:00") == 1795229605000);
  REQUIRE(ParseTime("2026-11-20T21:23:25-05:30") == 1795229605000);
  REQUIRE(ParseTime("2026-11-21T02:53:25.0739Z") == 1795229605073);
  REQUIRE(ParseTime("1970-01-01") == 0);
  REQUIRE(ParseTime("2024-02-29") == 1709164800000);
  for (const char* wrong :
       {"", "x", "nowish", "now-", "-h", "-1h30", "now 1h", "2026-11-21T02:53:25", "2026-11-21T",
        "2023-02-29", "2026-13-01", "2026-00-01", "2026-11-21T24:00:00Z", "NaN", "1e40",
        "2026-11-21T02:53:25Zx", "2026-11-21T02:53:25+2", "2026-11-21T02:53:25.Z"}) {
    INFO(wrong);
    REQUIRE_FALSE(ParseTime(wrong).has_value());
  }
}

TEST_CASE("times are told from the present one", "[text]") {
  const Timestamp before = SystemClock()->WallMs();
  const auto now = ParseTime("now"), earlier = ParseTime("-1h30m"), later = ParseTime("now+2d"),
             also_earlier = ParseTime("now-90m");
  const Timestamp after = SystemClock()->WallMs();
  REQUIRE((now && earlier && later && also_earlier));
  const auto is_at = [&](Timestamp time, int64_t offset) {
    return time >= before + offset && time <= after + offset;
  };
  REQUIRE(is_at(*now, 0));
  REQUIRE(is_at(*earlier, -5'400'000));
  REQUIRE(is_at(*also_earlier, -5'400'000));
  REQUIRE(is_at(*later, 2 * 86'400'000));
}

TEST_CASE("durations have units or are seconds", "[text]") {
  REQUIRE(ParseDuration("1h30m") == 5'400'000);
  REQUIRE(ParseDuration("250ms") == 250);
  REQUIRE(ParseDuration("90") == 90'000);
  REQUIRE(ParseDuration("0.5") == 500);
  for (const char* wrong : {"", "0", "0s", "-1h", "-5", "1x", "h", "1m1h", "NaN", "1e30"}) {
    INFO(wrong);
    REQUIRE_FALSE(ParseDuration(wrong).has_value());
  }
  REQUIRE(ReadableDuration(5'400'000) == "1h30m");
}

TEST_CASE("every day from 0000 to 9999 prints and reads back", "[text]") {
  size_t wrong = 0;
  for (Timestamp day = -719528; day <= 2932896; day += kSweepStep) {
    const Timestamp timestamp = day * 86'400'000;
    wrong += ParseTime(ReadableTime(timestamp).substr(0, 10)) != timestamp;
  }
  REQUIRE(wrong == 0);
}

TEST_CASE("widths count columns, not bytes", "[text]") {
  REQUIRE(DisplayWidth("abc") == 3);
  REQUIRE(DisplayWidth("h\xC3\xA9") == 2);
  REQUIRE(DisplayWidth("e\xCC\x81") == 1);
  REQUIRE(DisplayWidth("日本") == 4);
  REQUIRE(CutToWidth("abcdef", 6) == "abcdef");
  REQUIRE(CutToWidth("abcdef", 4) == "abc…");
  REQUIRE(CutToWidth("日本語", 4) == "日…");
  REQUIRE(CutMiddle("abcdefghij", 10) == "abcdefghij");
  REQUIRE(CutMiddle("abcdefghij", 9) == "abc…fghij");
  REQUIRE(DisplayWidth(CutMiddle("日本語日本語日本語", 9)) <= 9);
}

TEST_CASE("text cannot steer the terminal", "[text]") {
  REQUIRE(Printable("a\x1b[2Jb\n\t\x7F") == "a\\x1b[2Jb\\n\\t\\x7f");
  REQUIRE(Printable("\xC2\x9B"
                    "31m") == "\\x9b31m");
  REQUIRE(Printable("h\xC3\xA9") == "h\xC3\xA9");
  REQUIRE(JsonString("a\"b\\c\n\x01") == R"("a\"b\\c\n\u0001")");
}

TEST_CASE("colours follow the wish, then the terminal", "[text]") {
  REQUIRE(UseColor(Color::kAlways, false));
  REQUIRE_FALSE(UseColor(Color::kNever, true));
  REQUIRE_FALSE(UseColor(Color::kAuto, false));
}

TEST_CASE("sparkline: heights follow the means, gaps stay blank", "[text]") {
  Sparkline line(0, 79, 8);
  for (Timestamp t = 0; t < 80; ++t) line.Add(t, static_cast<double>(t / 10));
  REQUIRE(line.Draw() == "▁▂▃▄▅▆▇█");
  Sparkline gap(0, 39, 4);
  gap.Add(0, 5);
  gap.Add(39, 5);
  gap.Add(20, std::nan(""));
  gap.Add(40, 5);
  gap.Add(-1, 5);
  REQUIRE(gap.Draw() == "▁  ▁");
}

TEST_CASE("sparkline: extreme times and values", "[text]") {
  Sparkline line(kTimestampMin, kTimestampMax, 2);
  line.Add(kTimestampMin, 1e308);
  line.Add(kTimestampMin + 1, 1e308);
  line.Add(0, 1);
  REQUIRE(DisplayWidth(line.Draw()) == 2);
}

TEST_CASE("progress bar: what it says and that it fits", "[text]") {
  REQUIRE(ProgressBar::Draw("a.prom", 500'000, 1'000'000, 1.0, 80) ==
          "a.prom  ▕████████████            ▏  50 % of 1.0 MB  500.0 kB/s  1 s left");
  REQUIRE(ProgressBar::Draw("stdin", 500'000, std::nullopt, 1.0, 80) ==
          "stdin  500.0 kB  500.0 kB/s");
  for (size_t columns = 1; columns < 100; ++columns) {
    REQUIRE(DisplayWidth(ProgressBar::Draw("a/very/long/name.jsonl.zst", 1, 3, 0.5, columns)) <=
            columns);
  }
}

}  // namespace
}  // namespace tsdb::tools
