#include "storage/codec/kernel_loops.h"
#include "storage/codec/vector_avx2.h"

namespace tsdb::codec {

const KernelTable& Avx2Kernels() {
  static constexpr KernelTable kTable = Loops<VectorAvx2>::Table(InstructionSet::kAvx2);
  return kTable;
}

}  // namespace tsdb::codec
