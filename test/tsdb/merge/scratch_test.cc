// Scratch memory for sorting: when it is mapped, how much, and when it goes.
#include <catch2/catch.hpp>
#include <memory>

#include "index/tree/tree.h"
#include "tsdb/merge/pipeline.h"

namespace tsdb::merge {
namespace {

struct PipelineFixture {
  // Merges that many records, which come from that many series in turn.
  void Merge(uint32_t records, uint32_t series) {
    ingest::Chunk* chunk = chunks->TryAcquire(records);
    REQUIRE(chunk != nullptr);
    for (uint32_t i = 0; i < records; ++i) {
      chunk->series[i] = i % series;
      chunk->times[i] = now++;
      chunk->values[i] = 1;
    }
    chunk->published.store(records);
    pipeline.AwaitMerged(pipeline.Submit(chunk, 0, records, nullptr));
  }

  tree::Tree tree{tree::KeepDuplicate::kLater};
  std::unique_ptr<ingest::ChunkPool> chunks = ingest::ChunkPool::Create(4 << 20).value();
  MergePipeline pipeline{&tree, chunks.get(), 2};
  Timestamp now = 0;
};

TEST_CASE_METHOD(PipelineFixture,
                 "scratch: mapped for records that have to be copied, to measure") {
  REQUIRE(pipeline.scratch_bytes() == 0);
  Merge(4096, 1);  // they lie as they should
  REQUIRE(pipeline.scratch_bytes() == 0);
  Merge(3000, 500);
  const size_t bytes = pipeline.scratch_bytes();
  REQUIRE(bytes >= 3000 * sizeof(Sample));
  REQUIRE(bytes < 2 * 3000 * sizeof(Sample));
  Merge(2000, 500);
  Merge(4096, 500);
  REQUIRE(pipeline.scratch_bytes() == bytes);
  Merge(16'384, 500);
  REQUIRE(pipeline.scratch_bytes() >= 16'384 * sizeof(Sample));
  REQUIRE(pipeline.scratch_bytes() <= pipeline.scratch_bytes_max());
}

TEST_CASE_METHOD(PipelineFixture, "scratch: what was not used between two calls is given back") {
  Merge(4096, 500);
  const size_t bytes = pipeline.scratch_bytes();
  pipeline.Trim();
  REQUIRE(pipeline.scratch_bytes() == bytes);
  Merge(4096, 500);
  pipeline.Trim();
  REQUIRE(pipeline.scratch_bytes() == bytes);
  pipeline.Trim();
  REQUIRE(pipeline.scratch_bytes() == 0);
  Merge(4096, 500);
  REQUIRE(pipeline.scratch_bytes() == bytes);
  REQUIRE(pipeline.merged() == pipeline.submitted());
}

}  // namespace
}  // namespace tsdb::merge
