#include "test/soak/process_figures.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace tsdb::soak {
namespace {

constexpr std::chrono::milliseconds kWatchEvery{20};

// Seconds, of all processors, that processes could have run and the host let other machines run.
double StolenSeconds() {
  std::ifstream file("/proc/stat");
  std::string name;
  double user = 0, nice = 0, system = 0, idle = 0, waiting = 0, hard = 0, soft = 0, stolen = 0;
  file >> name >> user >> nice >> system >> idle >> waiting >> hard >> soft >> stolen;
  return stolen / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

ProcessFigures ReadFigures() {
  ProcessFigures figures;
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    uint64_t value = 0;
    words >> name >> value;
    if (name == "VmRSS:") figures.resident_bytes = value * 1024;
    if (name == "RssAnon:") figures.anonymous_bytes = value * 1024;
    if (name == "Threads:") figures.threads = value;
  }
  if (figures.anonymous_bytes == 0) Fail("no RssAnon in /proc/self/status");
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    figures.descriptors += entry.path().empty() ? 0 : 1;
  }
  figures.cpu_seconds = CpuSeconds();
  figures.stolen_seconds = StolenSeconds();
  return figures;
}

MemoryWatch::MemoryWatch() : thread_([this] { Loop(); }) {}

MemoryWatch::~MemoryWatch() {
  {
    MutexLock lock(&mutex_);
    ending_ = true;
    wake_.NotifyAll();
  }
  thread_.join();
}

void MemoryWatch::Loop() {
  MutexLock lock(&mutex_);
  while (!ending_) {
    const uint64_t now = ReadFigures().anonymous_bytes;
    peak_.store(std::max(now, peak_bytes()), std::memory_order_relaxed);
    wake_.WaitFor(&mutex_, kWatchEvery);
  }
}

Flags::Flags(const std::vector<std::string>& arguments, std::map<std::string, std::string> defaults)
    : values_(std::move(defaults)) {
  for (size_t i = 0; i < arguments.size(); i += 2) {
    const std::string name = arguments[i].substr(std::min<size_t>(2, arguments[i].size()));
    if (!values_.contains(name) || i + 1 == arguments.size()) Fail("what is " + arguments[i]);
    values_[name] = arguments[i + 1];
  }
}

uint64_t Flags::Number(const std::string& name) const {
  const std::string& text = Text(name);
  uint64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) {
    Fail("--" + name + ": no number: " + text);
  }
  return number;
}

void Fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::_Exit(1);
}

}  // namespace tsdb::soak
