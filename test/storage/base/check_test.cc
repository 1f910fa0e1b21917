#include "storage/base/check.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <string>

namespace tsdb {
namespace {

struct Death {
  int signal = 0;
  std::string message;
};

// Runs `action` in a child process; how it died and what it said.
template <typename Action>
Death RunInChild(Action action) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    signal(SIGABRT, SIG_DFL);  // Catch's handler would report the abort as its own failure
    dup2(ends[1], STDERR_FILENO);
    action();
    _exit(0);
  }
  close(ends[1]);
  Death death;
  char buffer[256];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof(buffer))) > 0;) death.message.append(buffer, n);
  close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status)) death.signal = WTERMSIG(status);
  return death;
}

TEST_CASE("check: a true condition does nothing and is evaluated once", "[check]") {
  int calls = 0;
  TSDB_CHECK(++calls == 1);
  CHECK(calls == 1);
}

TEST_CASE("check: a false condition prints its place and aborts", "[check]") {
  const Death death = RunInChild([] { TSDB_CHECK(1 + 1 == 3); });
  CHECK(death.signal == SIGABRT);
  CHECK(death.message.rfind("test/storage/base/check_test.cc:", 0) == 0);
  CHECK(death.message.find(": check failed: 1 + 1 == 3\n") != std::string::npos);
}

TEST_CASE("check: TSDB_DCHECK is evaluated in debug builds only", "[check]") {
  int calls = 0;
  TSDB_DCHECK(++calls == 1);
#ifdef NDEBUG
  CHECK(calls == 0);
#else
  CHECK(calls == 1);
#endif
}

}  // namespace
}  // namespace tsdb
