// What the engine's rates are held against, measured in the same run on the same input.
//
// Thread safety: each function from one thread; they start and join threads of their own.
#pragma once

#include <cstdint>
#include <memory>

#include "benchmark/flags.h"
#include "benchmark/hand_rolled_store.h"
#include "benchmark/machine.h"
#include "benchmark/report.h"
#include "benchmark/writers.h"

namespace tsdb::benchmark {

// Records per second of the input alone, each stream read by a thread of its own: best of three.
double MeasureGenerator(const Inputs& inputs, uint64_t records);

// Records per second that as many threads put into a HandRolledStore; NaN when the records would
// take more than half of the machine's memory. Best of three.
double MeasureHandRolled(const Inputs& inputs, Shape mode, uint64_t records);

// A HandRolledStore with the whole workload, in order; null when it would not fit as above.
std::unique_ptr<HandRolledStore> LoadHandRolled(const Workload& workload);

// A line for people about machine and compiler, and the beginning of a JSON object for them.
JsonObject AddMachine(Report& report, const char* benchmark);

// A JSON object and a line for people: machine, compiler, instruction set, workload and its digest.
void AddPreamble(Report& report, const char* benchmark, const Flags& flags);

// Prints "<program>: <status>" on stderr and returns the exit code for it.
int Fail(const char* program, const absl::Status& status);

}  // namespace tsdb::benchmark
