// The bytes themselves. A change here is a change of the format: docs/formats/segment.md, the
// version and what reads the old one must change with it.
#include <catch2/catch.hpp>

#include "storage/base/crc32c.h"
#include "test/bytes.h"
#include "test/faults/memory_file_system.h"
#include "test/storage/segment/segments.h"

namespace tsdb::segment {
namespace {

TEST_CASE("golden: the worked example of docs/formats/segment.md", "[segment]") {
  MemoryFileSystem files({kDirectory});
  SegmentContent content;
  content.series = {{5, "\1a\1b"}};
  content.leaves = {{5, {1000, 2000, 3000}, {7, 7, 7}}, {5, {4000}, {8}}};
  content.superseded = {{2, 3}};
  REQUIRE(Write(&files, 7, content, 42).ok());
  CHECK(Hex(files.Content(PathOf(7))) ==
        "747364627365676d 0100000000000000 0700000000000000 00000000c6d91123 "
        "78e51d6505000000 0200000000040200 e803000000000000 e803000000000000 "
        "0000000000001c40 de834cc605000000 0000000000040200 a00f000000000000 "
        "0000000000000000 0000000000002040 0500000005000000 e803000000000000 "
        "a00f000000000000 b80b000000000000 a00f000000000000 050000000a000000 "
        "0300010000000000 0504016101620000 0200000000000000 0300000000000000 "
        "7000000000000000 3800000000000000 020000000f80b426 a800000000000000 "
        "0800000000000000 0100000025d03a0e b000000000000000 1000000000000000 "
        "010000008e70c078 0700000000000000 0400000000000000 e803000000000000 "
        "a00f000000000000 2a00000000000000 5001000000000000 0500000005000000 "
        "01000000b1897864 7473646273656766");
}

TEST_CASE("golden: a segment of many leaves", "[segment]") {
  MemoryFileSystem files({kDirectory});
  REQUIRE(Write(&files, 7, LargeContent(100), 42).ok());
  CHECK(files.Content(PathOf(7)).size() == 79712);
  CHECK(crc32c::Compute(files.Content(PathOf(7))) == 0xca216a7f);
}

}  // namespace
}  // namespace tsdb::segment
