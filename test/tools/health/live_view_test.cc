// The block of lines that people watch.
#include "tools/health/live_view.h"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

namespace tsdb::tools {
namespace {

PublishedStats Example() {
  PublishedStats now;
  now.state = DatabaseState::kOpen;
  now.process_id = 4711;
  now.opened = 1000;
  now.written = 63'000;
  now.stats.ledger.appended = now.stats.ledger.accepted = 62'000;
  now.stats.ledger.merged = now.stats.ledger.in_tree = 60'000;
  now.stats.ledger.buffered_open = 2000;
  now.stats.memory_bytes = 1'000'000;
  now.stats.memory_budget_bytes = 4'000'000;
  return now;
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::string Shown(const PublishedStats& now, size_t width = 120) {
  return Joined(
      LiveView("a.db", Style(false)).Lines(IntervalOfRun(now), now, now.written + 400, width));
}

bool Says(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

TEST_CASE("live view: it says who writes, how much, and where it is", "[health]") {
  const std::string text = Shown(Example());
  CHECK(
      Says(text, "a.db         open, process 4711, 1m2s after it was opened; written 400ms ago\n"));
  CHECK(Says(text, "accepted     1,000/s\n"));
  CHECK(Says(text, "backlog      2,000 (open 2,000, sealed 0, late 0)\n"));
  CHECK(Says(text, "blocked      chunk 0.0 %, helping 0.0 %, log 0.0 %, checkpoint 0.0 %, commit"));
  CHECK(Says(text, "accepted 62,000 = merged 60,000 + buffered 2,000, balanced\n"));
  CHECK(Says(text, "memory       1.0 MB of 4.0 MB (25.0 %)\n"));
  CHECK(Says(text, "cache        not read, 0 B\n"));
}

TEST_CASE("live view: what is wrong is said", "[health]") {
  PublishedStats now = Example();
  now.stats.ledger.merged = now.stats.ledger.in_tree = 59'999;
  CHECK(Says(Shown(now), ", 1 appended while it was read"));
  now.state = DatabaseState::kClosed;
  CHECK(Says(Shown(now), "NOT BALANCED"));
  now.stats.ledger.rejected_budget = 5;
  CHECK(Says(Shown(now), "; rejected 5"));
  now.stats.checkpoint_failures = 2;
  CHECK(Says(Shown(now), "; failed 2"));
}

TEST_CASE("live view: figures that are not renewed are said to be old", "[health]") {
  const PublishedStats now = Example();
  const LiveView view("a.db", Style(false));
  const auto head = [&](Timestamp age) {
    return view.Lines(IntervalOfRun(now), now, now.written + age, 120)[0];
  };
  CHECK_FALSE(Says(head(3000), "OLD"));
  CHECK(Says(head(3001), "OLD"));
}

TEST_CASE("live view: no line is wider than the terminal", "[health]") {
  const PublishedStats now = Example();
  for (const std::string& name : {std::string("a.db"), std::string(300, 'x')}) {
    LiveView view(name, Style(false));
    for (int i = 0; i < 100; ++i) view.Note(IntervalOfRun(now), now);
    for (const size_t width : {1, 13, 20, 40, 80, 200}) {
      for (const std::string& line : view.Lines(IntervalOfRun(now), now, now.written, width)) {
        INFO(width << ": " << line);
        CHECK(DisplayWidth(line) <= std::max<size_t>(width, 14));
      }
    }
  }
}

TEST_CASE("live view: the rate is drawn, a character an interval", "[health]") {
  PublishedStats now = Example();
  LiveView view("a.db", Style(false));
  Interval interval;
  for (int i = 0; i < 3; ++i) {
    interval.accepted_per_second = 1000 * i;
    view.Note(interval, now);
  }
  CHECK(Says(Joined(view.Lines(interval, now, now.written, 120)), "accepted     2,000/s  ▁▅█\n"));
}

TEST_CASE("live view: it is drawn in its own place, or below", "[health]") {
  for (const bool in_place : {false, true}) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    Output output(ends[1], "a pipe");
    LiveView view("a.db", Style(false));
    view.Draw({"a", "b"}, in_place, output);
    view.Draw({"c"}, in_place, output);
    REQUIRE(output.Flush().ok());
    close(ends[1]);
    char text[100];
    const ssize_t length = read(ends[0], text, sizeof(text));
    close(ends[0]);
    REQUIRE(length > 0);
    CHECK(std::string(text, static_cast<size_t>(length)) ==
          (in_place ? "a\nb\n\x1b[2F\x1b[Jc\n" : "a\nb\n\nc\n"));
  }
}

}  // namespace
}  // namespace tsdb::tools
