// Trying what has a version for each instruction set on all of them.
//
// Thread safety: one thread at a time forces a set.
#pragma once

#include <vector>

#include "storage/codec/instruction_set.h"

namespace tsdb::codec {

// The instruction sets this machine can run.
inline std::vector<InstructionSet> AvailableInstructionSets() {
  std::vector<InstructionSet> sets;
  for (InstructionSet set :
       {InstructionSet::kPortable, InstructionSet::kAvx2, InstructionSet::kAvx512}) {
    if (InstructionSetAvailable(set)) sets.push_back(set);
  }
  return sets;
}

// Forces an instruction set for as long as it lives.
class WithInstructionSet {
 public:
  explicit WithInstructionSet(InstructionSet set) : before_(ActiveInstructionSet()) {
    ForceInstructionSet(set);
  }
  ~WithInstructionSet() { ForceInstructionSet(before_); }
  WithInstructionSet(const WithInstructionSet&) = delete;
  WithInstructionSet& operator=(const WithInstructionSet&) = delete;

 private:
  InstructionSet before_;
};

}  // namespace tsdb::codec
