#include "benchmark/machine.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "benchmark/huge_array.h"
#include "benchmark/start_gate.h"

namespace tsdb::benchmark {
namespace {

// The first value after "name<blanks>:" in one of the kernel's text files; empty if there is none.
std::string KernelFileValue(const char* path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, name.size(), name) != 0) continue;
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

uint64_t KernelFileBytes(const std::string& name) {
  return 1024 * std::strtoull(KernelFileValue("/proc/self/status", name).c_str(), nullptr, 10);
}

std::string Compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#elif defined(__GNUC__)
  return "gcc " __VERSION__;
#else
  return "unknown";
#endif
}

std::string InstructionSet() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")) return "avx512";
  if (__builtin_cpu_supports("avx2")) return "avx2";
#endif
  return "portable";
}

}  // namespace

Machine DescribeMachine() {
  Machine machine;
  machine.processor = KernelFileValue("/proc/cpuinfo", "model name");
  machine.cores = std::max(1u, std::thread::hardware_concurrency());
  machine.memory_bytes = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                         static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
  machine.compiler = Compiler();
  machine.instruction_set = InstructionSet();
  utsname name;
  if (uname(&name) == 0) machine.kernel = std::string(name.sysname) + " " + name.release;
#ifdef NDEBUG
  machine.build = "release";
#else
  machine.build = "assertions on";
#endif
  return machine;
}

uint64_t ResidentBytes() { return KernelFileBytes("VmRSS"); }
uint64_t AnonymousResidentBytes() { return KernelFileBytes("RssAnon"); }
uint64_t PeakResidentBytes() { return KernelFileBytes("VmHWM"); }
void ResetPeakResident() { std::ofstream("/proc/self/clear_refs") << "5"; }

double ProcessCpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double MeasureMemoryCopy(uint32_t threads) {
  constexpr size_t kBytes = size_t{64} << 20;
  constexpr int kCopies = 8;
  std::vector<HugeArray<char>> from, to;
  for (uint32_t i = 0; i < threads; ++i) {
    from.emplace_back(kBytes);
    to.emplace_back(kBytes);
  }
  double best = 0;
  for (int attempt = 0; attempt < 3; ++attempt) {
    const double seconds = RunTogether(threads, [&](size_t thread) {
      for (int i = 0; i < kCopies; ++i) {
        std::memcpy(to[thread].data(), from[thread].data(), kBytes);
        asm volatile("" ::"r"(to[thread].data()) : "memory");
      }
    });
    best = std::max(best, static_cast<double>(kBytes) * kCopies * threads / seconds);
  }
  return best;
}

}  // namespace tsdb::benchmark
