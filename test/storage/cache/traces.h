// Requests for a cache, and what it makes of them: the same for S3-FIFO and for the LRU that it is
// measured against. Thread safety: one thread at a time.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <random>
#include <vector>

#include "storage/cache/s3_fifo.h"

namespace tsdb::cache {

struct TraceShape {
  size_t entries = 10'000;
  size_t requests = 400'000;
  double skew = 0.9;        // Zipf's exponent
  size_t scan_every = 0;    // requests between full scans; 0: none
  size_t scan_touches = 1;  // requests for each entry in a row, in a scan
};

// Which entry is asked for, in order.
inline std::vector<uint32_t> MakeTrace(const TraceShape& shape, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<double> upto(shape.entries);
  double sum = 0;
  for (size_t i = 0; i < shape.entries; ++i) {
    upto[i] = sum += 1 / std::pow(static_cast<double>(i + 1), shape.skew);
  }
  // So that neighbours are not alike in use.
  std::vector<uint32_t> names(shape.entries);
  for (size_t i = 0; i < names.size(); ++i) names[i] = static_cast<uint32_t>(i);
  std::shuffle(names.begin(), names.end(), random);
  std::vector<uint32_t> trace;
  for (size_t i = 0; i < shape.requests; ++i) {
    if (shape.scan_every != 0 && i % shape.scan_every == shape.scan_every - 1) {
      for (uint32_t entry = 0; entry < shape.entries; ++entry) {
        trace.insert(trace.end(), shape.scan_touches, entry);
      }
    }
    const double at = std::uniform_real_distribution<double>(0, sum)(random);
    const auto rank = std::lower_bound(upto.begin(), upto.end(), at) - upto.begin();
    trace.push_back(names[std::min<size_t>(static_cast<size_t>(rank), shape.entries - 1)]);
  }
  return trace;
}

class S3FifoCache {
 public:
  S3FifoCache(size_t entries, size_t capacity)
      : entries_(std::make_unique<CacheEntry[]>(entries)), in_(entries), capacity_(capacity) {
    policy_.SetCapacity(capacity);
  }
  // Whether it was there.
  bool Request(uint32_t entry) {
    if (in_[entry]) {
      policy_.Touch(entries_[entry]);
      return true;
    }
    if (policy_.size() >= capacity_)
      in_[static_cast<size_t>(policy_.Evict() - &entries_[0])] = false;
    policy_.Admit(&entries_[entry]);
    in_[entry] = true;
    return false;
  }

 private:
  S3Fifo policy_;
  std::unique_ptr<CacheEntry[]> entries_;
  std::vector<bool> in_;
  const size_t capacity_;
};

class LruCache {
 public:
  LruCache(size_t entries, size_t capacity) : at_(entries, order_.end()), capacity_(capacity) {}
  bool Request(uint32_t entry) {
    const bool hit = at_[entry] != order_.end();
    if (hit) {
      order_.erase(at_[entry]);
    } else if (order_.size() >= capacity_) {
      at_[order_.back()] = order_.end();
      order_.pop_back();
    }
    order_.push_front(entry);
    at_[entry] = order_.begin();
    return hit;
  }

 private:
  std::list<uint32_t> order_;  // last used first
  std::vector<std::list<uint32_t>::iterator> at_;
  const size_t capacity_;
};

// Hits in a hundred requests, once the first tenth of the trace has filled the cache.
template <typename Cache>
double HitRate(const std::vector<uint32_t>& trace, size_t entries, size_t capacity) {
  Cache cache(entries, capacity);
  const size_t warm = trace.size() / 10;
  size_t hits = 0;
  for (size_t i = 0; i < trace.size(); ++i) hits += cache.Request(trace[i]) && i >= warm ? 1 : 0;
  return 100.0 * static_cast<double>(hits) / static_cast<double>(trace.size() - warm);
}

}  // namespace tsdb::cache
