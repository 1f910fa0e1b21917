#include "storage/codec/kernel_loops.h"
#include "storage/codec/vector_avx512.h"

namespace tsdb::codec {

const KernelTable& Avx512Kernels() {
  static constexpr KernelTable kTable = Loops<VectorAvx512>::Table(InstructionSet::kAvx512);
  return kTable;
}

}  // namespace tsdb::codec
