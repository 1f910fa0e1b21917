// A decoder that leaves out one check, for the harness to find: a text is as long as its first byte
// says, whatever there is.
#include <string>

#include "test/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const tsdb::fuzz::ExactBytes exact({data, size});
  if (exact.bytes().empty()) return 0;
  const size_t length = exact.bytes()[0];
  const std::string text(reinterpret_cast<const char*>(exact.bytes().data()) + 1, length);
  TSDB_CHECK(text.size() == length);
  return 0;
}
