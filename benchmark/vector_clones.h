// Loops compiled for each instruction set that may be there; the machine's own is taken when the
// program starts.
//
// Why: the programs are built for any x86-64, and baseline SSE2 has no 32-bit multiply, which alone
// makes a record of the workload three times as dear.
#pragma once

#if defined(__x86_64__)
#define TSDB_VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define TSDB_VECTOR_CLONES
#endif
