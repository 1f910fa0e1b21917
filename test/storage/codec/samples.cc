#include "test/storage/codec/samples.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace tsdb::codec {
namespace {

constexpr Timestamp kStart = 1'700'000'000'000;

int64_t Between(Random& random, int64_t least, int64_t greatest) {
  return std::uniform_int_distribution<int64_t>(least, greatest)(random);
}

template <typename T, typename F>
std::vector<T> Generate(size_t count, F next) {
  std::vector<T> column(count);
  for (size_t i = 0; i < count; ++i) column[i] = next(i);
  return column;
}

// Timestamps that rise from `first` by step(i).
template <typename F>
std::vector<Timestamp> Rising(size_t count, Timestamp first, F step) {
  auto now = static_cast<uint64_t>(first);
  return Generate<Timestamp>(count, [&](size_t i) {
    if (i > 0) now += static_cast<uint64_t>(step(i));
    return static_cast<Timestamp>(now);
  });
}

double FromBits(uint64_t bits) { return std::bit_cast<double>(bits); }

double OddValue(Random& random) {
  static const double kOdd[] = {0.0,
                                -0.0,
                                std::numeric_limits<double>::infinity(),
                                -std::numeric_limits<double>::infinity(),
                                std::numeric_limits<double>::denorm_min(),
                                -std::numeric_limits<double>::min(),
                                std::numeric_limits<double>::max(),
                                std::numeric_limits<double>::lowest(),
                                FromBits(0x7ff8000000000000),
                                FromBits(0x7ff0000000000002),
                                FromBits(0xfff8dead0000beef),
                                9007199254740993.0,
                                9.3e18,
                                -9.2233720368547758e18,
                                0.1,
                                1e-18,
                                123456.789};
  return kOdd[Between(random, 0, std::size(kOdd) - 1)];
}

// A random walk in units of 1 / scale.
std::function<std::vector<double>(size_t, Random&)> Walk(int64_t first, int64_t step_max,
                                                         double scale) {
  return [=](size_t count, Random& random) {
    int64_t level = first;
    return Generate<double>(count, [&](size_t) {
      level += Between(random, -step_max, step_max);
      return static_cast<double>(level) / scale;
    });
  };
}

// `shape`, with each value replaced by an odd one with probability 1 / rarity.
std::function<std::vector<double>(size_t, Random&)> WithOdd(
    std::function<std::vector<double>(size_t, Random&)> shape, int64_t rarity) {
  return [=](size_t count, Random& random) {
    std::vector<double> values = shape(count, random);
    for (double& value : values) {
      if (Between(random, 1, rarity) == 1) value = OddValue(random);
    }
    return values;
  };
}

std::vector<double> Reals(size_t count, Random& random) {
  std::normal_distribution<double> normal(100, 15);
  return Generate<double>(count, [&](size_t) { return normal(random); });
}

std::vector<double> AnyBits(size_t count, Random& random) {
  return Generate<double>(count, [&](size_t) { return FromBits(random()); });
}

std::vector<double> Repeated(size_t count, Random& random) {
  std::vector<double> levels = Generate<double>(
      11, [&](size_t) { return std::ldexp(static_cast<double>(random() >> 11), -53); });
  return Generate<double>(count, [&](size_t) { return levels[random() % levels.size()]; });
}

std::vector<double> Counter(size_t count, Random& random) {
  int64_t total = Between(random, 0, 1'000'000'000);
  return Generate<double>(count, [&](size_t) {
    // A reset now and then.
    total = Between(random, 0, 300) == 0 ? 0 : total + Between(random, 900, 1100);
    return static_cast<double>(total);
  });
}

std::vector<double> WideIntegers(size_t count, Random& random) {
  return Generate<double>(count, [&](size_t) {
    return static_cast<double>(static_cast<int64_t>(random()) >> Between(random, 0, 60));
  });
}

std::function<std::vector<double>(size_t, Random&)> Constant(double value) {
  return [value](size_t count, Random&) { return std::vector<double>(count, value); };
}

std::vector<ValueShape> MakeValueShapes() {
  return {
      {"cents", Walk(10'000, 100, 100)},
      {"cents below zero", Walk(-10'000'000'000, 3, 100)},
      {"flags", Walk(0, 1, 1)},
      {"pages", Walk(100'000, 50, 1.0 / 4096)},
      {"one tenth, one value apart", Walk(5, 0, 10)},
      {"seven digits", Walk(1, 100'000'000, 1e7)},
      {"eighteen digits", Walk(1, 1000, 1e18)},
      {"counter with resets", Counter},
      {"noise",
       [](size_t count, Random& random) {
         return Generate<double>(
             count, [&](size_t) { return static_cast<double>(Between(random, 0, 999)) / 10; });
       }},
      {"wide integers", WideIntegers},
      {"reals", Reals},
      {"any bits", AnyBits},
      {"repeated reals", Repeated},
      {"cents with some odd", WithOdd(Walk(10'000, 100, 100), 100)},
      {"cents with many odd", WithOdd(Walk(10'000, 100, 100), 3)},
      {"counter with some odd", WithOdd(Counter, 200)},
      {"reals with some odd", WithOdd(Reals, 50)},
      {"odd only", WithOdd(Reals, 1)},
      {"constant zero", Constant(0.0)},
      {"constant minus zero", Constant(-0.0)},
      {"constant 0.1", Constant(0.1)},
      {"constant infinity", Constant(std::numeric_limits<double>::infinity())},
      {"constant NaN with payload", Constant(FromBits(0x7ff0000000000002))},
      {"constant denormal", Constant(std::numeric_limits<double>::denorm_min())},
  };
}

std::vector<Timestamp> Jitter(size_t count, Random& random) {
  return Generate<Timestamp>(
      count, [&](size_t i) { return kStart + Timestamp(i) * 1000 + Between(random, 0, 7); });
}

std::vector<Timestamp> ShortSeriesInTurn(size_t count, Random& random) {
  return Generate<Timestamp>(count, [&](size_t i) {
    return kStart + Timestamp(i % 10) * 15'000 + Between(random, 0, 100);
  });
}

std::vector<Timestamp> Extremes(size_t count, Random& random) {
  return Generate<Timestamp>(
      count, [&](size_t) { return Between(random, 0, 1) == 0 ? kTimestampMin : kTimestampMax; });
}

std::vector<Timestamp> Any(size_t count, Random& random) {
  return Generate<Timestamp>(count, [&](size_t) { return static_cast<Timestamp>(random()); });
}

std::vector<Timestamp> FromTheBeginning(size_t count, Random&) {
  return Generate<Timestamp>(count, [](size_t i) {
    return kTimestampMin + static_cast<Timestamp>(i) + (i > 3 ? kTimestampMax : 0);
  });
}

std::vector<Timestamp> Drifting(size_t count, Random&) {
  return Generate<Timestamp>(count, [](size_t i) {
    return kStart + static_cast<Timestamp>(std::floor(static_cast<double>(i) * 1000.37));
  });
}

std::vector<TimestampShape> MakeTimestampShapes() {
  const auto rising = [](Timestamp first, int64_t step_min, int64_t step_max) {
    return [=](size_t count, Random& random) {
      return Rising(count, first, [&](size_t) { return Between(random, step_min, step_max); });
    };
  };
  const auto gaps = [](int64_t unit) {
    return [=](size_t count, Random& random) {
      return Rising(count, kStart, [&](size_t) {
        return unit * (Between(random, 0, 99) == 0 ? Between(random, 1, 1'000'000)
                                                   : Between(random, 14, 16));
      });
    };
  };
  return {
      {"regular", true, rising(kStart, 15'000, 15'000)},
      {"regular across zero", true, rising(-700, 3, 3)},
      {"jitter", true, Jitter},
      {"drifting clock", true, Drifting},
      {"irregular", true, rising(kStart, 1, 60'000)},
      {"whole seconds", true,
       [](size_t count, Random& random) {
         return Rising(count, kStart, [&](size_t) { return 1000 * Between(random, 1, 40); });
       }},
      {"gaps", true, gaps(1)},
      {"gaps of whole minutes", true, gaps(60'000)},
      {"one millisecond, then a gap", true,
       [](size_t count, Random&) {
         return Rising(count, kStart, [&](size_t i) { return i == 1 ? 86'400'000 : 1; });
       }},
      {"near the end of time", true,
       [](size_t count, Random& random) {
         return Rising(count, kTimestampMax - 5000 * Timestamp(count),
                       [&](size_t) { return Between(random, 1, 5000); });
       }},
      {"great strides", true,
       [](size_t count, Random&) {
         return Rising(count, kTimestampMin, [&](size_t) { return int64_t{1} << 52; });
       }},
      {"great strides, unevenly", true,
       [](size_t count, Random& random) {
         return Generate<Timestamp>(count, [&](size_t i) {
           const auto apart = static_cast<uint64_t>(Between(random, 0, (int64_t{1} << 51) - 1));
           return static_cast<Timestamp>((uint64_t{1} << 63) + (uint64_t{i} << 51) + apart);
         });
       }},
      {"from the beginning of time", true, FromTheBeginning},
      {"equal", false, rising(kStart, 0, 0)},
      {"short series in turn", false, ShortSeriesInTurn},
      {"falling", false, rising(kStart, -1000, -990)},
      {"any order", false,
       [](size_t count, Random& random) {
         return Generate<Timestamp>(
             count, [&](size_t) { return kStart + 250 * Between(random, 0, 100'000); });
       }},
      {"extremes in turn", false, Extremes},
      {"any", false, Any},
  };
}

}  // namespace

const std::vector<TimestampShape>& TimestampShapes() {
  static const std::vector<TimestampShape> shapes = MakeTimestampShapes();
  return shapes;
}

const std::vector<ValueShape>& ValueShapes() {
  static const std::vector<ValueShape> shapes = MakeValueShapes();
  return shapes;
}

EncodedBlock::EncodedBlock(const std::vector<Timestamp>& timestamps,
                           const std::vector<double>& values, EncodeHint& hint) {
  std::vector<uint8_t> room(EncodedBytesMax(timestamps.size()), 0xEE);
  const size_t bytes =
      EncodeBlock(timestamps.data(), values.data(), timestamps.size(), hint, room.data());
  bytes_.assign(room.begin(), room.begin() + static_cast<ptrdiff_t>(bytes));
  bytes_.shrink_to_fit();
}

std::vector<size_t> EdgeLengths() {
  std::vector<size_t> lengths;
  for (size_t length = 1; length <= 34; ++length) lengths.push_back(length);
  for (size_t edge : {64, 128, 256, 320, 512, 520, 1024, 2000}) {
    for (size_t length : {edge - 1, edge, edge + 1}) lengths.push_back(length);
  }
  lengths.push_back(kBlockSamplesMax - 1);
  lengths.push_back(kBlockSamplesMax);
  return lengths;
}

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

}  // namespace tsdb::codec
