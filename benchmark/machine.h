// What a figure depends on besides the code: machine, compiler, memory in use.
//
// Thread safety: all functions from any thread.
#pragma once

#include <cstdint>
#include <string>

namespace tsdb::benchmark {

struct Machine {
  std::string processor;  // as the kernel names it
  uint32_t cores = 0;     // that this process may use
  uint64_t memory_bytes = 0;
  std::string compiler;
  std::string instruction_set;  // the widest that kernels can choose: avx512, avx2 or portable
  std::string kernel;
  std::string build;  // "release" or "assertions on"
};
Machine DescribeMachine();

uint64_t ResidentBytes();
uint64_t AnonymousResidentBytes();  // of it, what no file backs
// Highest resident size since the last ResetPeakResident(), or since the start where that fails.
uint64_t PeakResidentBytes();
void ResetPeakResident();
// CPU time of all threads of this process so far.
double ProcessCpuSeconds();

// Bytes per second that `threads` threads copy at once, each from 64 MiB of its own to another.
double MeasureMemoryCopy(uint32_t threads);

}  // namespace tsdb::benchmark
