// The sum of squared differences from a mean, for standard deviations: the second of two passes
// over values in the cache. Eight lanes, value i in lane i mod 8, added in a fixed order, so that
// the result is the same on every instruction set, bit for bit (but for the payload of a NaN).
//
// Thread safety: pure functions; which one is used follows codec::ActiveInstructionSet().
#pragma once

#include <cstddef>

#include "storage/codec/instruction_set.h"

namespace tsdb::scan {

double SquaredDeviations(const double* values, size_t count, double mean);

// The same on a given set. REQUIRES: InstructionSetAvailable(set).
double SquaredDeviationsOn(codec::InstructionSet set, const double* values, size_t count,
                           double mean);

}  // namespace tsdb::scan
