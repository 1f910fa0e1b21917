#include "storage/codec/instruction_set.h"

#include <atomic>
#include <cassert>

#include "storage/codec/kernels.h"

namespace tsdb::codec {

const double kPowersOfTen[kDecimalExponentMax + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,
                                                      1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13,
                                                      1e14, 1e15, 1e16, 1e17, 1e18};
const double kPowersOfTenInverse[kDecimalExponentMax + 1] = {
    1e-0,  1e-1,  1e-2,  1e-3,  1e-4,  1e-5,  1e-6,  1e-7,  1e-8, 1e-9,
    1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16, 1e-17, 1e-18};
const double kPowersOfTenInverseRest[kDecimalExponentMax + 1] = {0.0,
                                                                 -5.551115123125783e-18,
                                                                 -2.0816681711721684e-19,
                                                                 -2.0816681711721686e-20,
                                                                 -4.79217360238593e-21,
                                                                 -8.180305391403131e-22,
                                                                 4.525188817411374e-23,
                                                                 4.525188817411374e-24,
                                                                 -2.092256083012847e-25,
                                                                 -6.228159145777985e-26,
                                                                 -3.643219731549774e-27,
                                                                 6.050303071806019e-28,
                                                                 2.0113352370744385e-29,
                                                                 -3.037374556340037e-30,
                                                                 1.1806906454401013e-32,
                                                                 -7.770539987666108e-32,
                                                                 2.0902213275965398e-33,
                                                                 -7.154242405462192e-34,
                                                                 -7.154242405462193e-35};

namespace {

// Null until first used. Tables are immutable and the choice is the same for every thread that
// makes it, so no order beyond the pointer's own is needed: relaxed throughout.
constinit std::atomic<const KernelTable*> active_kernels{nullptr};

const KernelTable& KernelsFor(InstructionSet set) {
#if defined(__x86_64__)
  if (set == InstructionSet::kAvx512) return Avx512Kernels();
  if (set == InstructionSet::kAvx2) return Avx2Kernels();
#endif
  (void)set;
  return PortableKernels();
}

const KernelTable& ChooseKernels() {
  InstructionSet best = InstructionSet::kPortable;
  for (InstructionSet set : {InstructionSet::kAvx2, InstructionSet::kAvx512}) {
    if (InstructionSetAvailable(set)) best = set;
  }
  const KernelTable& table = KernelsFor(best);
  active_kernels.store(&table, std::memory_order_relaxed);
  return table;
}

}  // namespace

const char* InstructionSetName(InstructionSet set) {
  switch (set) {
    case InstructionSet::kPortable:
      return "portable";
    case InstructionSet::kAvx2:
      return "avx2";
    case InstructionSet::kAvx512:
      return "avx512";
  }
  return "unknown";
}

bool InstructionSetAvailable(InstructionSet set) {
#if defined(__x86_64__)
  switch (set) {
    case InstructionSet::kPortable:
      return true;
    case InstructionSet::kAvx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("bmi2");
    case InstructionSet::kAvx512:
      return InstructionSetAvailable(InstructionSet::kAvx2) && __builtin_cpu_supports("avx512f") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
             __builtin_cpu_supports("avx512vbmi2");
  }
  return false;
#else
  return set == InstructionSet::kPortable;
#endif
}

const KernelTable& Kernels() {
  const KernelTable* table = active_kernels.load(std::memory_order_relaxed);
  if (table != nullptr) [[likely]]
    return *table;
  return ChooseKernels();
}

InstructionSet ActiveInstructionSet() { return Kernels().set; }

void ForceInstructionSet(InstructionSet set) {
  assert(InstructionSetAvailable(set));
  active_kernels.store(&KernelsFor(set), std::memory_order_relaxed);
}

}  // namespace tsdb::codec
