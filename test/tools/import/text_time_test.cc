#include "tools/import/text_time.h"

#include <catch2/catch.hpp>
#include <string>

namespace tsdb::importer {
namespace {

std::string Parsed(const std::string& format_text, const std::string& text) {
  auto format = TimeFormat::Create(format_text);
  REQUIRE(format.ok());
  Timestamp timestamp = 0;
  switch (format->Parse(text, timestamp)) {
    case TimestampError::kMalformed:
      return "malformed";
    case TimestampError::kOutOfRange:
      return "out of range";
    case TimestampError::kNone:
      break;
  }
  return std::to_string(timestamp);
}

TEST_CASE("text time: the days of 800 years there and back", "[import]") {
  for (int64_t days = DaysOfDate({1600, 1, 1}); days < DaysOfDate({2400, 1, 1}); ++days) {
    const Date date = DateOfDays(days);
    if (DaysOfDate(date) != days || !IsDate(date)) FAIL(days);
  }
  REQUIRE_FALSE(IsDate({2023, 2, 29}));
  REQUIRE(IsDate({2024, 2, 29}));
  REQUIRE_FALSE(IsDate({2024, 0, 1}));
  REQUIRE_FALSE(IsDate({2024, 4, 31}));
}

TEST_CASE("text time: dates as tables have them", "[import]") {
  const std::string expected = "1396310400500";
  for (const char* text :
       {"2014-04-01 00:00:00.5", "2014-04-01T00:00:00.500Z", "2014/04/01 00:00:00.5009",
        "2014-04-01 00:00:00.5 UTC", "2014-04-01 02:00:00.5+02:00", "2014-04-01 02:00:00.5+0200",
        "2014-04-01 02:00:00.5 +02", "2014-03-31 22:30:00.5-01:30"}) {
    INFO(text);
    REQUIRE(Parsed("auto", text) == expected);
  }
  REQUIRE(Parsed("auto", "2014-04-01") == "1396310400000");
  REQUIRE(Parsed("auto", "2014-04-01 00:05") == "1396310700000");
  for (const char* text : {"2014-02-30", "2014-04-01 24:00:00", "2014-04-01 00:00:00.",
                           "2014-04-01 00:00:00 CET", "2014-04-01x", "2014-4-1", ""}) {
    INFO(text);
    REQUIRE(Parsed("auto", text) == "malformed");
  }
  REQUIRE(Parsed("rfc3339", "2014-04-01 00:00:00") == "malformed");
  REQUIRE(Parsed("rfc3339", "2014-04-01T00:00:00Z") == "1396310400000");
}

TEST_CASE("text time: the size of the first number tells the unit of all", "[import]") {
  REQUIRE(Parsed("auto", "1396310400") == "1396310400000");
  REQUIRE(Parsed("auto", "1396310400.25") == "1396310400250");
  REQUIRE(Parsed("auto", "1396310400000") == "1396310400000");
  REQUIRE(Parsed("auto", "1396310400000000") == "1396310400000");
  REQUIRE(Parsed("auto", "1396310400000000000") == "1396310400000");
  auto format = TimeFormat::Create("auto");
  Timestamp timestamp = 0;
  REQUIRE(format->Parse("1396310400000", timestamp) == TimestampError::kNone);
  REQUIRE(format->Parse("5", timestamp) == TimestampError::kNone);
  REQUIRE(timestamp == 5);
}

TEST_CASE("text time: units are kept to the nearest millisecond", "[import]") {
  REQUIRE(Parsed("s", "1.0005") == "1001");
  REQUIRE(Parsed("ms", "-7.000") == "-7");
  REQUIRE(Parsed("ms", "7.5") == "malformed");
  REQUIRE(Parsed("us", "1499") == "1");
  REQUIRE(Parsed("us", "1500") == "2");
  REQUIRE(Parsed("us", "-1500") == "-2");
  REQUIRE(Parsed("ns", "9223372036854775807") == "9223372036855");
  REQUIRE(Parsed("ns", "-9223372036854775808") == "-9223372036855");
  REQUIRE(Parsed("ns", "9223372036854775808") == "out of range");
  REQUIRE(Parsed("s", "9223372036854775.808") == "out of range");
}

TEST_CASE("text time: patterns", "[import]") {
  REQUIRE(Parsed("%d/%m/%Y %H:%M:%S", "01/04/2014 00:05:00") == "1396310700000");
  REQUIRE(Parsed("%d.%m.%y", "1.4.14") == "1396310400000");
  REQUIRE(Parsed("%b %e, %Y %I:%M %p", "Apr  1, 2014 12:05 AM") == "1396310700000");
  REQUIRE(Parsed("%b %e, %Y %I:%M %p", "apr 1, 2014 12:05 pm") == "1396353900000");
  REQUIRE(Parsed("%FT%T.%f%z", "2014-04-01T02:00:00.123456+0200") == "1396310400123");
  REQUIRE(Parsed("%Y-%j", "2014-091") == "1396310400000");
  REQUIRE(Parsed("%Y-%j", "2014-366") == "malformed");
  REQUIRE(Parsed("%s.%f", "1396310400.5") == "1396310400500");
  REQUIRE(Parsed("%s", "99999999999999999") == "malformed");
  REQUIRE(Parsed("%Y%%", "2014%") == "1388534400000");
  REQUIRE(Parsed("%d/%m/%Y", "31/02/2014") == "malformed");
  REQUIRE(Parsed("%d/%m/%Y", "01/04/2014 ") == "malformed");
  REQUIRE(Parsed("%H:%M", "24:00") == "malformed");
  for (const char* wrong : {"", "seconds", "%Q", "%Y-%"}) {
    INFO(wrong);
    REQUIRE_FALSE(TimeFormat::Create(wrong).ok());
  }
}

}  // namespace
}  // namespace tsdb::importer
