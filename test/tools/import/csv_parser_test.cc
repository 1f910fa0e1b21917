#include "tools/import/csv_parser.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "test/tools/import/memory_sink.h"

namespace tsdb::importer {
namespace {

using Texts = std::vector<std::string>;

// The samples of records that must all be taken. The file's name is "file".
std::string Read(const Texts& lines, const CsvOptions& options = {}, char delimiter = ',') {
  MemorySink sink;
  CsvParser parser(options, delimiter, "file", sink);
  LineError error;
  for (const std::string& line : lines) {
    const bool taken = parser.Parse(line, error);
    INFO(line << " " << error.column << ": " << error.message);
    REQUIRE(taken);
  }
  REQUIRE(parser.Finish(error));
  REQUIRE(parser.counts().samples == sink.entries.size());
  return sink.Text();
}

// "column: message" of the last record, which alone must be refused.
std::string Refusal(const Texts& lines, const CsvOptions& options = {}) {
  MemorySink sink;
  CsvParser parser(options, ',', "file", sink);
  LineError error;
  for (size_t i = 0; i + 1 < lines.size(); ++i) REQUIRE(parser.Parse(lines[i], error));
  const size_t before = sink.entries.size();
  REQUIRE_FALSE(parser.Parse(lines.back(), error));
  REQUIRE(sink.entries.size() == before);
  REQUIRE(error.ends_input == (lines.size() == 1));
  return std::to_string(error.column) + ": " + error.message;
}

CsvOptions WithMetric(const std::string& metric) {
  CsvOptions options;
  options.metric = metric;
  return options;
}

TEST_CASE("csv: a time and a value are a series named by the file", "[import]") {
  const Texts table = {"timestamp,value", "2014-04-01 00:00:00,20.0", "2014-04-01 00:05:00,-1e3"};
  REQUIRE(Read(table) == "file 1396310400000 20\nfile 1396310700000 -1000\n");
  REQUIRE(Read(table, WithMetric("load")) == "load 1396310400000 20\nload 1396310700000 -1000\n");
}

TEST_CASE("csv: numbers are values, other columns labels", "[import]") {
  const Texts table = {"time,host,cpu,mem", "1000,a,1,2", "1000,b,3,4", "2000,a,5,6"};
  REQUIRE(Read(table) ==
          "file_cpu{host=\"a\"} 1000000 1\nfile_mem{host=\"a\"} 1000000 2\n"
          "file_cpu{host=\"b\"} 1000000 3\nfile_mem{host=\"b\"} 1000000 4\n"
          "file_cpu{host=\"a\"} 2000000 5\nfile_mem{host=\"a\"} 2000000 6\n");
  REQUIRE(Read({"time,cpu", "1,2"}, WithMetric("")) == "cpu 1000 2\n");
  REQUIRE(Read({"time,cpu", "1,2"}, WithMetric("node_")) == "node_cpu 1000 2\n");
  REQUIRE(Read({"time,7 of 9", "1,2"}) == "file_7_of_9 1000 2\n");
}

TEST_CASE("csv: empty cells are gaps, and an empty column is decided late", "[import]") {
  REQUIRE(Read({"time,a,b", "1,,2", "2,3,", "3, ,"}) == "file_b 1000 2\nfile_a 2000 3\n");
  REQUIRE(Read({"time,host,v", "1,,2", "2,x,3"}) == "file_v 1000 2\nfile_v{host=\"x\"} 2000 3\n");
  REQUIRE(Read({"v,host,time", "1,,2", "2,x,3", "4,,4", "5,x,5"}) ==
          "file_v 2000 1\nfile_v{host=\"x\"} 3000 2\nfile_v 4000 4\nfile_v{host=\"x\"} 5000 5\n");
}

TEST_CASE("csv: what tsdb exports is read back without options", "[import]") {
  REQUIRE(Read({"__name__,cpu,timestamp_ms,value", "up,0,5,1", "up,0,6,NaN", ",1,7,-0"}) ==
          "up{cpu=\"0\"} 5 1\nup{cpu=\"0\"} 6 nan\n{cpu=\"1\"} 7 -0\n");
  // Labels of any name, even those of the other columns.
  REQUIRE(Read({"__name__,time,timestamp_ms,value,timestamp_ms,value", "up,a,b,c,5,1"}) ==
          "up{time=\"a\",timestamp_ms=\"b\",value=\"c\"} 5 1\n");
}

TEST_CASE("csv: a metric column names series", "[import]") {
  REQUIRE(Read({"metric,host,time,value", "up,1,1,2"}) == "up{host=\"1\"} 1000 2\n");
  CsvOptions options;
  options.metric_column = "what";
  options.value_columns = {"low", "high"};
  REQUIRE(Read({"time,what,low,high", "1,t,2,3"}, options) == "t_low 1000 2\nt_high 1000 3\n");
}

TEST_CASE("csv: options say what columns mean, the others are left out and told", "[import]") {
  CsvOptions options;
  options.time_column = "when";
  options.time_format = "%d.%m.%Y %H:%M";
  options.value_columns = {"v"};
  options.label_columns = {"id"};
  options.labels = {{"dc", "x"}};
  MemorySink sink;
  CsvParser parser(options, ';', "file", sink);
  LineError error;
  REQUIRE(parser.Parse("id;v;when;note;", error));
  REQUIRE(parser.Parse("17;0.5;31.12.1969 23:59;text;", error));
  REQUIRE(sink.Text() == "file_v{dc=\"x\",id=\"17\"} -60000 0.5\n");
  REQUIRE(
      parser.Notes() ==
      Texts{"columns left out, being neither time, value nor label: 'note', 5 (without a name)"});
}

TEST_CASE("csv: quotes, doubled quotes, newlines, carriage returns, a byte order mark",
          "[import]") {
  REQUIRE(Read({"\xEF\xBB\xBF\"time\",\"a,b\",v\r", "1,\"x \"\"y\"\"\nz\",\"2\"\r", "\r", ""}) ==
          "file_v{\"a,b\"=\"x \\\"y\\\"\\nz\"} 1000 2\n");
  REQUIRE(Read({"time, v", " 1 ,\t2 "}) == "file_v 1000 2\n");
  REQUIRE(Read({"time,a,v", "1,5\" disk,1"}) == "file_v{a=\"5\\\" disk\"} 1000 1\n");
}

TEST_CASE("csv: a record is recognised by its labels, wherever they stand", "[import]") {
  MemorySink sink;
  CsvParser parser({}, ',', "file", sink);
  LineError error;
  for (const char* line : {"a,time,b,v", "x,1,y,1", "x,2,y,2", "x,3,z,3", "x,4,y,4", "xx,5,y,5"}) {
    REQUIRE(parser.Parse(line, error));
  }
  REQUIRE(sink.lookups == 3);
  REQUIRE(sink.entries[4].series == "file_v{a=\"xx\",b=\"y\"}");
  MemorySink first;
  CsvParser labels_first({}, ',', "file", first);
  for (const char* line : {"a,b,time,v,w", "x,y,1,1,", "x,y,2,2,5", "x,yy,3,3,", "x,y,4,4,"}) {
    REQUIRE(labels_first.Parse(line, error));
  }
  REQUIRE(first.lookups == 4);  // one again, since only the second record showed what w is
  REQUIRE(first.Text() ==
          "file_v{a=\"x\",b=\"y\"} 1000 1\nfile_v{a=\"x\",b=\"y\"} 2000 2\n"
          "file_w{a=\"x\",b=\"y\"} 2000 5\nfile_v{a=\"x\",b=\"yy\"} 3000 3\n"
          "file_v{a=\"x\",b=\"y\"} 4000 4\n");
}

TEST_CASE("csv: refusals say column, name and content", "[import]") {
  const std::string header = "time,host,v";
  REQUIRE(Refusal({header, "1,a,1", "1,a,x"}) ==
          "5: column 3 'v': not a number: 'x'; the column was taken for values because its first "
          "cell is '1', --label-columns makes labels of columns");
  REQUIRE(Refusal({header, "x,a,1"}) ==
          "1: column 1 'time': not a date or a number since the epoch: 'x'");
  REQUIRE(Refusal({header, "1,a,1", "2014-02-30,a,1"}) ==
          "1: column 1 'time': not a date or a number of seconds: '2014-02-30'");
  REQUIRE(Refusal({header, ",a,1"}) == "1: column 1 'time': the time is empty");
  REQUIRE(Refusal({header, "1,a"}) == "4: the line has 2 columns, the header 3; 'v' is missing");
  REQUIRE(Refusal({header, "1,a,1,2"}) == "7: the line has 4 columns, the header 3");
  REQUIRE(Refusal({header, "1,\"a,1"}) == "3: the quote is not closed");
  REQUIRE(Refusal({header, "1,\"a\"b,1"}).starts_with("6: text after the closing quote"));
  REQUIRE(Refusal({header, "1,\xFF,1"}) == "3: column 2 'host': not valid UTF-8: '?'");
  REQUIRE(Refusal({"timestamp_ns,v", "9223372036854775808,1"}) ==
          "1: column 1 'timestamp_ns': the time '9223372036854775808' does not fit 64 bits of "
          "milliseconds");
}

TEST_CASE("csv: a header that cannot be used ends the input", "[import]") {
  REQUIRE(Refusal({"time,a,a"}) == "8: columns 2 and 3 are both called 'a'");
  REQUIRE(Refusal({"a,b"}).starts_with("0: no column of the header is called time"));
  REQUIRE(Refusal({"time;v"}).ends_with("if its fields are set apart by ';', say --delimiter ';'"));
  REQUIRE(Refusal({"date,time,v"}) ==
          "6: columns 'date' and 'time' could both hold the time; --time-column says which does");
  REQUIRE(Refusal({"time"}) == "0: no column is left for values. There are 'time'");
  REQUIRE(Refusal({""}) == "0: the header is empty");
  CsvOptions options;
  options.time_column = "tmie";
  REQUIRE(Refusal({"time,v"}, options) ==
          "0: there is no column 'tmie', which --time-column names; is 'time' meant? There are "
          "'time', 'v'");
  options.time_column = "time";
  options.value_columns = {"v", "time"};
  REQUIRE(Refusal({"time,v"}, options) ==
          "1: --value-columns names the column 'time', which an option named already");
  CsvOptions clash;
  clash.labels = {{"host", "x"}};
  clash.label_columns = {"host"};
  REQUIRE(Refusal({"time,host,v"}, clash) ==
          "6: --label gives 'host', which is a column, too; leave one of them out");
}

TEST_CASE("csv: values keep every bit they can have in text", "[import]") {
  MemorySink sink;
  CsvParser parser({}, ',', "file", sink);
  LineError error;
  REQUIRE(parser.Parse("time_ms,value", error));
  const std::pair<const char*, uint64_t> values[] = {
      {"-0", 0x8000000000000000},   {"5e-324", 1},
      {"+Inf", 0x7FF0000000000000}, {"-Inf", 0xFFF0000000000000},
      {"NaN", 0x7FF8000000000000},  {"1.7976931348623157e308", 0x7FEFFFFFFFFFFFFF},
      {"0.1", 0x3FB999999999999A}};
  for (const auto& [text, bits] : values) {
    REQUIRE(parser.Parse(std::string("-9223372036854775808,") + text, error));
    uint64_t word;
    std::memcpy(&word, &sink.entries.back().value, sizeof(word));
    REQUIRE(word == bits);
    REQUIRE(sink.entries.back().timestamp == kTimestampMin);
  }
}

TEST_CASE("csv: a sink that is full ends the import", "[import]") {
  MemorySink sink;
  sink.capacity = 1;
  CsvParser parser({}, ',', "file", sink);
  LineError error;
  REQUIRE(parser.Parse("time,v", error));
  REQUIRE(parser.Parse("1,1", error));
  REQUIRE_FALSE(parser.Parse("2,1", error));
  REQUIRE(error.sink_status.code() == absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace tsdb::importer
