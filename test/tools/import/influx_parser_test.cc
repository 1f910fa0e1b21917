#include "tools/import/influx_parser.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "test/tools/import/memory_sink.h"

namespace tsdb::importer {
namespace {

using Texts = std::vector<std::string>;
constexpr Timestamp kDefault = 77;

std::string Read(const Texts& lines, TimeUnit precision = TimeUnit::kNanoseconds) {
  MemorySink sink;
  InfluxParser parser({precision, kDefault}, sink);
  LineError error;
  for (const std::string& line : lines) {
    const bool taken = parser.Parse(line, error);
    INFO(line << " " << error.column << ": " << error.message);
    REQUIRE(taken);
  }
  REQUIRE(parser.counts().samples == sink.entries.size());
  return sink.Text();
}

std::string Refusal(const std::string& line) {
  MemorySink sink;
  InfluxParser parser({TimeUnit::kNanoseconds, kDefault}, sink);
  LineError error;
  REQUIRE_FALSE(parser.Parse(line, error));
  REQUIRE(sink.entries.empty());
  return std::to_string(error.column) + ": " + error.message;
}

TEST_CASE("influx: measurement, tags, fields, timestamp", "[import]") {
  REQUIRE(Read({"cpu,host=a,dc=x usage=1.5,idle=2 1700000000000000000"}) ==
          "cpu_usage{dc=\"x\",host=\"a\"} 1700000000000 1.5\n"
          "cpu_idle{dc=\"x\",host=\"a\"} 1700000000000 2\n");
  REQUIRE(Read({"cpu value=1"}) == "cpu_value 77 1\n");
  REQUIRE(Read({"# a comment", "", "  ", "cpu value=1 -1500000 \r"}) == "cpu_value -2 1\n");
  REQUIRE(Read({"cpu  v=1  5000000"}) == "cpu_v 5 1\n");
  REQUIRE(Read({"up,__name__=up,job=a value=1 1000000"}) == "up{job=\"a\"} 1 1\n");
}

TEST_CASE("influx: precisions", "[import]") {
  REQUIRE(Read({"m v=1 17"}, TimeUnit::kSeconds) == "m_v 17000 1\n");
  REQUIRE(Read({"m v=1 17"}, TimeUnit::kMilliseconds) == "m_v 17 1\n");
  REQUIRE(Read({"m v=1 17000"}, TimeUnit::kMicroseconds) == "m_v 17 1\n");
}

TEST_CASE("influx: types of fields", "[import]") {
  REQUIRE(Read({"m a=1i,b=-2i,c=18446744073709551615u,d=t,e=False,f=-0,g=1e3,h=TRUE"}) ==
          "m_a 77 1\nm_b 77 -2\nm_c 77 18446744073709551616\nm_d 77 1\nm_e 77 0\nm_f 77 -0\n"
          "m_g 77 1000\nm_h 77 1\n");
  REQUIRE(Refusal("m a=1x").starts_with("5: not a number, a truth value or a string"));
  REQUIRE(Refusal("m a=-1u").starts_with("5: not a number"));
  REQUIRE(Refusal("m a=9223372036854775808i").starts_with("5: not a number"));
  REQUIRE(Refusal("m a=1.5i").starts_with("5: not a number"));
  REQUIRE(Refusal("m a=i").starts_with("5: not a number"));
}

TEST_CASE("influx: what was left out or rounded is told", "[import]") {
  MemorySink sink;
  InfluxParser parser({TimeUnit::kNanoseconds, kDefault}, sink);
  LineError error;
  REQUIRE(parser.Parse(R"(m a="x, y=\"z\" \\",b=1,c="" 1700000000000000000)", error));
  REQUIRE(parser.Parse("m b=9007199254740993i,d=9223372036854775807i,e=9007199254740992i", error));
  REQUIRE_FALSE(parser.Parse("m a=\"x\",b=9007199254740993i,c=", error));
  REQUIRE(sink.entries.size() == 4);
  REQUIRE(parser.Notes() == Texts{"string fields left out, because a sample is a number: 2",
                                  "integers rounded to the nearest double, being beyond 2^53: 2"});
  InfluxParser early({TimeUnit::kNanoseconds, kDefault}, sink);
  REQUIRE(early.Parse("m v=1 1700000000", error));
  REQUIRE(early.Notes().size() == 1);
  REQUIRE(early.Notes()[0].find("--precision") != std::string::npos);
}

TEST_CASE("influx: escapes", "[import]") {
  REQUIRE(Read({R"(my\ m\,x,a\=b=c\ d\\,e\,f=g\=h,k=\x f\ 1\==1)"}) ==
          R"({"my m,x_f 1=","a=b"="c d\\","e,f"="g=h",k="\\x"} 77 1)"
          "\n");
}

TEST_CASE("influx: a series seen before is looked up once, whatever the order of fields",
          "[import]") {
  MemorySink sink;
  InfluxParser parser({TimeUnit::kNanoseconds, kDefault}, sink);
  LineError error;
  for (const char* line : {"m,a=b x=1,y=2", "m,a=b x=3,y=4", "m,a=b y=5,x=6", "m,a=bb x=7",
                           "m,a=b z=8,x=9", "m x=1"}) {
    REQUIRE(parser.Parse(line, error));
  }
  REQUIRE(sink.lookups == 5);
  REQUIRE(sink.Text() ==
          "m_x{a=\"b\"} 77 1\nm_y{a=\"b\"} 77 2\nm_x{a=\"b\"} 77 3\nm_y{a=\"b\"} 77 4\n"
          "m_y{a=\"b\"} 77 5\nm_x{a=\"b\"} 77 6\nm_x{a=\"bb\"} 77 7\nm_z{a=\"b\"} 77 8\n"
          "m_x{a=\"b\"} 77 9\nm_x 77 1\n");
}

TEST_CASE("influx: refusals give the column and what is wrong there", "[import]") {
  REQUIRE(Refusal("m") == "2: the fields are missing after the measurement");
  REQUIRE(Refusal(" m a=1") == "1: a blank before the measurement");
  REQUIRE(Refusal(",a=b c=1") == "1: the measurement is missing");
  REQUIRE(Refusal("m,a c=1") == "4: a '=' is missing after the tag 'a'");
  REQUIRE(Refusal("m,=b c=1") == "3: the name of a tag is missing");
  REQUIRE(Refusal("m,a= c=1") == "5: the value of the tag 'a' is missing");
  REQUIRE(Refusal("m,a=b=c d=1") == "6: a '=' in the value of a tag must be escaped: \\=");
  REQUIRE(Refusal("m,a=b c") == "8: a '=' is missing after the field 'c'");
  REQUIRE(Refusal("m =1") == "3: the name of a field is missing");
  REQUIRE(Refusal("m c=") == "5: the value of the field is missing");
  REQUIRE(Refusal("m c=1,") == "7: the name of a field is missing");
  REQUIRE(Refusal("m c=\"x") == "5: the quote is not closed in this line");
  REQUIRE(Refusal("m c=\"x\"y") == "8: a ',' is missing between fields");
  REQUIRE(Refusal("m c=1 x") == "7: not a timestamp in whole nanoseconds: 'x'");
  REQUIRE(Refusal("m c=1 1 2") == "8: unexpected text after the timestamp");
  REQUIRE(Refusal("m c=1 9223372036854775808") ==
          "7: the timestamp '9223372036854775808' does not fit 64 bits");
  REQUIRE(Refusal("m,a=1,a=2 c=1") == "1: the label name \"a\" appears more than once");
}

}  // namespace
}  // namespace tsdb::importer
