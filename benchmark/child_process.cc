#include "benchmark/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

extern char** environ;

namespace tsdb::benchmark {
namespace {

absl::Status SystemError(const char* doing, int error) {
  return absl::UnavailableError(std::string(doing) + ": " + std::strerror(error));
}

// How the process ended, as waitpid says.
absl::StatusOr<int> Ended(pid_t process) {
  int status = 0;
  while (waitpid(process, &status, 0) < 0) {
    if (errno != EINTR) return SystemError("waiting for a process", errno);
  }
  return status;
}

}  // namespace

absl::StatusOr<ChildProcess> ChildProcess::Start(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return SystemError("making a pipe", errno);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t process = 0;
  // A new program, not a fork: threads of the allocator and of TBB would be missing in a fork.
  const int error =
      posix_spawn(&process, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (error != 0) {
    close(ends[0]);
    return SystemError("starting a process", error);
  }
  return ChildProcess(process, fdopen(ends[0], "r"));
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : process_(std::exchange(other.process_, 0)), output_(std::exchange(other.output_, nullptr)) {}

ChildProcess::~ChildProcess() {
  if (output_ != nullptr) fclose(output_);
  if (process_ == 0) return;
  kill(process_, SIGKILL);
  (void)Ended(process_);  // nothing is left to be told
}

absl::Status ChildProcess::ReadUntil(const std::string& point, Figures& figures) {
  std::array<char, 256> buffer;
  while (output_ != nullptr && fgets(buffer.data(), buffer.size(), output_) != nullptr) {
    std::string_view line(buffer.data());
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line == point) return absl::OkStatus();
    const size_t space = line.find(' ');
    double value = 0;
    const char* const end = line.data() + line.size();
    if (space == std::string_view::npos ||
        std::from_chars(line.data() + space + 1, end, value).ptr != end) {
      return absl::InternalError("a process said \"" + std::string(line) + "\"");
    }
    figures[std::string(line.substr(0, space))] = value;
  }
  return absl::DataLossError("a process ended before it was \"" + point + "\"");
}

absl::Status ChildProcess::Kill() {
  const pid_t process = std::exchange(process_, 0);
  kill(process, SIGKILL);
  const absl::StatusOr<int> status = Ended(process);
  if (!status.ok()) return status.status();
  if (WIFSIGNALED(*status) && WTERMSIG(*status) == SIGKILL) return absl::OkStatus();
  return absl::InternalError("the process to be killed had ended by itself");
}

absl::Status ChildProcess::Wait() {
  const absl::StatusOr<int> status = Ended(std::exchange(process_, 0));
  if (!status.ok()) return status.status();
  if (WIFEXITED(*status) && WEXITSTATUS(*status) == 0) return absl::OkStatus();
  return absl::DataLossError("a process failed");
}

void EndWithParent() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == 1) _exit(1);  // it ended before this could be asked for
}

void TellParent(const std::string& name, double value) {
  std::printf("%s %.17g\n", name.c_str(), value);
}

void TellParentReached(const std::string& point) {
  std::printf("%s\n", point.c_str());
  std::fflush(stdout);
}

}  // namespace tsdb::benchmark
