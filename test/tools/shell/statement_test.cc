// Lines put together to statements, and dot commands read.
#include "tools/shell/statement.h"

#include <catch2/catch.hpp>
#include <string>

#include "tools/shell/dot_commands.h"

namespace tsdb::tools {
namespace {

TEST_CASE("statements: an expression ends where everything is closed", "[shell]") {
  for (const char* text : {"up", "sum(up)", "up{job=\"a\"}", "rate(x[5m])", ".5", "up # (", "a - b",
                           ".mode (", "`a b`", "up offset 5m", ""}) {
    INFO(text);
    REQUIRE(IsWholeStatement(text));
  }
  for (const char* text : {"sum(", "up{", "x[5m", "up +", "up and", "sum by", "up offset", "a,",
                           "a == bool", "`a", "sum( # )", "up \\", "a / on"}) {
    INFO(text);
    REQUIRE_FALSE(IsWholeStatement(text));
  }
}

TEST_CASE("statements: what no further line can mend is told at once", "[shell]") {
  for (const char* text : {"sum)", "(]", "up{job=\"a", "label_replace(x, 'a"}) {
    INFO(text);
    REQUIRE(IsWholeStatement(text));
  }
}

TEST_CASE("statements: lines are put together", "[shell]") {
  StatementReader reader;
  REQUIRE_FALSE(reader.Add(""));
  REQUIRE_FALSE(reader.Add("# what is up"));
  REQUIRE_FALSE(reader.pending());
  REQUIRE_FALSE(reader.Add("sum("));
  REQUIRE_FALSE(reader.Add(""));
  REQUIRE(reader.pending());
  REQUIRE(reader.Add("  up) ;"));
  REQUIRE(reader.Take() == "sum(\n\n  up)");
  REQUIRE_FALSE(reader.pending());
  REQUIRE_FALSE(reader.Add("up \\"));
  REQUIRE(reader.Add("+ 1"));
  REQUIRE(reader.Take() == "up \n+ 1");
  REQUIRE(reader.Add("  .mode csv "));
  REQUIRE(reader.Take() == ".mode csv");
  REQUIRE_FALSE(reader.Add("sum("));
  reader.Clear();
  REQUIRE(reader.Add("up"));
  REQUIRE(reader.Take() == "up");
}

TEST_CASE("dot commands: arguments are counted, a selector keeps its blanks", "[shell]") {
  DotLine line;
  std::string error;
  REQUIRE(ReadDotLine(".values  job up{a=\"x y\", b=\"z\"} ", line, error));
  REQUIRE(line.arguments == std::vector<std::string>{"job", "up{a=\"x y\", b=\"z\"}"});
  REQUIRE(ReadDotLine(".exit", line, error));
  REQUIRE(line.entry->command == DotCommand::kQuit);
  REQUIRE_FALSE(ReadDotLine(".range 1", line, error));
  REQUIRE(error == ".range takes START END [STEP]");
  REQUIRE_FALSE(ReadDotLine(".top 5", line, error));
  REQUIRE(error == ".top takes no argument");
  REQUIRE_FALSE(ReadDotLine(".serise", line, error));
  REQUIRE(error == "there is no command .serise; did you mean .series?");
  REQUIRE(IsDotCommand(".help"));
  REQUIRE_FALSE(IsDotCommand(".5 + up"));
}

}  // namespace
}  // namespace tsdb::tools
