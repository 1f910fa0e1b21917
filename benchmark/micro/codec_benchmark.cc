// What the block codec costs and saves, per data set and instruction set, one core.
//
//   build/bin/codec_benchmark [rounds]
//
// Prints for each data set bytes per sample (timestamps, values, all of the block) and the best of
// several rounds, in ns per sample, of encoding, of decoding each column, of a point lookup (Find,
// then ValueAt) and of reading a block's statistics (ns per block). Blocks hold 512 samples and the
// inputs fit in the L2 cache. The last column is a hash of all encoded bytes, the same for every
// instruction set. Runs (run_rows.h) come first.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "benchmark/micro/run_rows.h"
#include "storage/codec/block.h"
#include "storage/codec/instruction_set.h"
#include "test/storage/codec/recorded_columns.h"

namespace tsdb::codec {
namespace {

constexpr size_t kBlockSamples = 512;
constexpr Timestamp kStart = 1'700'000'000'000;
// Samples of a data set that are encoded over and over to be timed: 256 KiB of input.
constexpr size_t kTimedSamples = 16 * 1024;

struct DataSet {
  std::string name;
  std::vector<RecordedColumn> columns;
};

struct Block {
  size_t column, begin, count, offset;
  BlockView view;
};

struct Figures {
  size_t samples = 0, timed_samples = 0;
  size_t bytes = 0;
  double encode = 1e9, decode_timestamps = 1e9, decode_values = 1e9, lookup = 1e9, statistics = 1e9;
  uint64_t hash = 0;
};

double NowNs() {
  return std::chrono::duration<double, std::nano>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

template <typename F>
void Best(double& best, double operations, F run) {
  const double before = NowNs();
  run();
  best = std::min(best, (NowNs() - before) / operations);
}

uint64_t Hash(const std::vector<uint8_t>& bytes, size_t size) {
  uint64_t hash = 0xcbf29ce484222325;
  for (size_t i = 0; i < size; ++i) hash = (hash ^ bytes[i]) * 0x100000001b3;
  return hash;
}

// Encodes whole columns, block by block; stops after `samples_max` samples.
size_t EncodeAll(const DataSet& data, size_t samples_max, std::vector<uint8_t>& out,
                 std::vector<Block>* blocks) {
  size_t bytes = 0, samples = 0;
  for (size_t c = 0; c < data.columns.size() && samples < samples_max; ++c) {
    const RecordedColumn& column = data.columns[c];
    EncodeHint hint;
    for (size_t begin = 0; begin < column.values.size() && samples < samples_max;
         begin += kBlockSamples) {
      const size_t count = std::min(kBlockSamples, column.values.size() - begin);
      const size_t used = EncodeBlock(column.timestamps.data() + begin,
                                      column.values.data() + begin, count, hint, &out[bytes]);
      if (blocks != nullptr) {
        blocks->push_back({c, begin, count, bytes, BlockView::Trusted(&out[bytes])});
      }
      bytes += used;
      samples += count;
    }
  }
  return bytes;
}

void TimeReads(const DataSet& data, const std::vector<Block>& blocks, size_t samples,
               Figures& figures) {
  alignas(64) Timestamp timestamps[kBlockSamples];
  alignas(64) double values[kBlockSamples];
  const auto count = static_cast<double>(samples);
  Best(figures.decode_timestamps, count, [&] {
    for (const Block& block : blocks) block.view.DecodeTimestamps(timestamps);
  });
  Best(figures.decode_values, count, [&] {
    for (const Block& block : blocks) block.view.DecodeValues(values);
  });
  double sum = 0;
  Best(figures.statistics, static_cast<double>(blocks.size()) * 16, [&] {
    for (int repeat = 0; repeat < 16; ++repeat) {
      for (const Block& block : blocks) {
        const BlockStatistics statistics = block.view.Statistics();
        sum += statistics.sum + statistics.max - statistics.min;
      }
    }
  });
  constexpr size_t kLookups = 4096;
  std::vector<std::pair<const Block*, Timestamp>> wanted(kLookups);
  std::mt19937_64 random(1);
  for (auto& [block, timestamp] : wanted) {
    block = &blocks[random() % blocks.size()];
    timestamp = data.columns[block->column].timestamps[block->begin + random() % block->count];
  }
  Best(figures.lookup, kLookups, [&] {
    for (const auto& [block, timestamp] : wanted) {
      const size_t position = block->view.Find(timestamp);
      if (position < block->count) sum += block->view.ValueAt(position);
    }
  });
  volatile double sink = sum;
  (void)sink;
}

Figures Measure(const DataSet& data, int rounds) {
  Figures figures;
  size_t room = 0;
  for (const RecordedColumn& column : data.columns) {
    figures.samples += column.values.size();
    room += (column.values.size() / kBlockSamples + 1) * EncodedBytesMax(kBlockSamples);
  }
  std::vector<uint8_t> out(room);
  figures.bytes = EncodeAll(data, SIZE_MAX, out, nullptr);
  figures.hash = Hash(out, figures.bytes);
  std::vector<Block> blocks;
  EncodeAll(data, kTimedSamples, out, &blocks);
  size_t timed = 0;
  for (const Block& block : blocks) timed += block.count;
  for (int round = 0; round < rounds; ++round) {
    Best(figures.encode, static_cast<double>(timed),
         [&] { EncodeAll(data, kTimedSamples, out, nullptr); });
    TimeReads(data, blocks, timed, figures);
  }
  return figures;
}

template <typename TimestampAt, typename ValueAt>
DataSet Synthetic(const char* name, TimestampAt timestamp_at, ValueAt value_at) {
  DataSet data{name, {}};
  for (int series = 0; series < 4; ++series) {
    RecordedColumn column;
    for (size_t i = 0; i < 8 * kBlockSamples; ++i) {
      column.timestamps.push_back(timestamp_at(i));
      column.values.push_back(value_at(i));
    }
    data.columns.push_back(std::move(column));
  }
  return data;
}

std::vector<DataSet> SyntheticSets() {
  std::mt19937_64 random(42);
  const auto between = [&random](int64_t least, int64_t greatest) {
    return std::uniform_int_distribution<int64_t>(least, greatest)(random);
  };
  const auto regular = [](size_t i) { return kStart + static_cast<Timestamp>(i) * 15'000; };
  const auto jitter = [&](size_t i) {
    return kStart + static_cast<Timestamp>(i) * 1000 + between(0, 7);
  };
  Timestamp now = kStart;
  const auto irregular = [&](size_t) { return now += between(1, 60'000); };
  int64_t cents = 0, total = 0;
  const auto walk = [&](size_t) {
    return static_cast<double>(cents += between(-100, 100)) / 100.0;
  };
  const auto counter = [&](size_t) { return static_cast<double>(total += between(900, 1100)); };
  std::normal_distribution<double> normal(100, 15);
  std::vector<DataSet> sets;
  sets.push_back(Synthetic("W: jitter, cents walk", jitter, walk));
  sets.push_back(Synthetic("regular, cents walk", regular, walk));
  sets.push_back(Synthetic("regular, constant", regular, [](size_t) { return 42.0; }));
  sets.push_back(Synthetic("regular, counter", regular, counter));
  sets.push_back(Synthetic("jitter, cents noise", jitter,
                           [&](size_t) { return static_cast<double>(between(0, 9999)) / 100.0; }));
  sets.push_back(Synthetic("irregular, cents walk", irregular, walk));
  sets.push_back(Synthetic("regular, reals", regular, [&](size_t) { return normal(random); }));
  sets.push_back(Synthetic("regular, repeated reals", regular,
                           [&](size_t) { return std::sqrt(static_cast<double>(between(2, 30))); }));
  sets.push_back(Synthetic("regular, cents, 1 % NaN", regular,
                           [&](size_t i) { return between(0, 99) == 0 ? std::nan("") : walk(i); }));
  return sets;
}

std::vector<DataSet> RecordedSets() {
  std::vector<DataSet> sets;
  for (RecordedColumn& column : ReadAlpColumns()) {
    column.timestamps.resize(column.values.size());
    for (size_t i = 0; i < column.values.size(); ++i) {
      column.timestamps[i] = kStart + static_cast<Timestamp>(i) * 1000;
    }
    DataSet data{"alp " + column.name, {}};
    data.columns.push_back(std::move(column));
    sets.push_back(std::move(data));
  }
  if (auto columns = ReadNabColumns(); !columns.empty()) {
    sets.push_back({"nab, all", std::move(columns)});
  }
  if (auto columns = ReadNodeColumns(); !columns.empty()) {
    sets.push_back({"node_exporter, all", columns});
    std::erase_if(columns, [](const RecordedColumn& column) {
      return std::all_of(column.values.begin(), column.values.end(),
                         [&](double value) { return value == column.values[0]; });
    });
    sets.push_back({"node_exporter, varying", std::move(columns)});
  }
  if (sets.empty()) {
    std::printf("no recorded data in %s: those sets are left out\n", SharedDataFolder().c_str());
  }
  return sets;
}

// Bytes of the value sections alone: what blocks would take, less their timestamps and headers.
size_t TimestampBytes(const DataSet& data) {
  DataSet constant = data;
  size_t bytes = 0, blocks = 0;
  std::vector<uint8_t> out(EncodedBytesMax(kBlockSamples));
  const std::vector<double> zeros(kBlockSamples, 0.0);
  for (const RecordedColumn& column : data.columns) {
    for (size_t begin = 0; begin < column.values.size(); begin += kBlockSamples) {
      EncodeHint hint;
      const size_t count = std::min(kBlockSamples, column.values.size() - begin);
      bytes += EncodeBlock(column.timestamps.data() + begin, zeros.data(), count, hint, out.data());
      ++blocks;
    }
  }
  return bytes - blocks * 16;  // without the header and the constant
}

void Report(const DataSet& data, int rounds) {
  for (InstructionSet set :
       {InstructionSet::kAvx512, InstructionSet::kAvx2, InstructionSet::kPortable}) {
    if (!InstructionSetAvailable(set)) continue;
    ForceInstructionSet(set);
    const Figures f = Measure(data, rounds);
    const auto samples = static_cast<double>(f.samples);
    const auto timestamps = static_cast<double>(TimestampBytes(data));
    std::printf("%-30s %-8s %7.3f %7.3f %7.3f  %6.2f %6.2f %6.2f %6.1f %6.1f  %016llx\n",
                data.name.c_str(), InstructionSetName(set), timestamps / samples,
                (static_cast<double>(f.bytes) - timestamps) / samples,
                static_cast<double>(f.bytes) / samples, f.encode, f.decode_timestamps,
                f.decode_values, f.lookup, f.statistics, static_cast<unsigned long long>(f.hash));
  }
}

int Main(int rounds) {
  ReportRuns(ReadNodeColumns(), rounds);
  std::printf("\n");
  std::printf("%-30s %-8s %23s  %20s %6s %6s\n", "blocks of 512 samples", "", "bytes per sample",
              "ns per sample", "ns per", "ns per");
  std::printf("%-30s %-8s %7s %7s %7s  %6s %6s %6s %6s %6s  %s\n", "data set", "kernels", "time",
              "rest", "all", "encode", "d.time", "d.val", "lookup", "stats", "hash of bytes");
  for (const DataSet& data : SyntheticSets()) Report(data, rounds);
  for (const DataSet& data : RecordedSets()) Report(data, rounds);
  return 0;
}

}  // namespace
}  // namespace tsdb::codec

int main(int argc, char** argv) {
  return tsdb::codec::Main(argc > 1 ? std::max(1, std::atoi(argv[1])) : 40);
}
