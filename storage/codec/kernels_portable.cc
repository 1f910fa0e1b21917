#include "storage/codec/kernel_loops.h"
#include "storage/codec/vector_portable.h"

namespace tsdb::codec {

const KernelTable& PortableKernels() {
  static constexpr KernelTable kTable = Loops<VectorPortable>::Table(InstructionSet::kPortable);
  return kTable;
}

}  // namespace tsdb::codec
