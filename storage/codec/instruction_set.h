// Which vector instructions the codec's kernels use: the widest this processor has, found once.
// Every set produces the same bytes and the same decoded values; tests force each in turn.
//
// Thread safety: all functions may be called from any thread. Forcing a set while other threads
// encode is safe (they finish their kernel on the old one) but makes timings meaningless.
#pragma once

#include <cstdint>

namespace tsdb::codec {

enum class InstructionSet : uint8_t { kPortable, kAvx2, kAvx512 };

const char* InstructionSetName(InstructionSet set);

// True if this build has kernels for `set` and this processor can run them.
bool InstructionSetAvailable(InstructionSet set);

// The set in use.
InstructionSet ActiveInstructionSet();

// Uses `set` from now on, for tests and benchmarks. REQUIRES: InstructionSetAvailable(set).
void ForceInstructionSet(InstructionSet set);

}  // namespace tsdb::codec
