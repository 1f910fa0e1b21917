#include "index/label/indexer.h"

#include <algorithm>

#include "storage/base/patience.h"
namespace tsdb::label {
namespace {

constexpr size_t kTextsAhead = 4;
constexpr size_t kKeptNames = 64;

}  // namespace

void Indexer::IndexBelow(SeriesId end) {
  const PatientScope patient;  // a series is indexed whole or not at all
  // Only this thread writes it.
  SeriesId begin = state_.indexed.load(std::memory_order_relaxed);
  while (begin < end) {
    const SeriesId rest = ValueColumn::kChunkIds - begin % ValueColumn::kChunkIds;
    const SeriesId next = begin + std::min(rest, end - begin);
    IndexRange(begin, next);
    // Pairs with the acquires in LabelIndex.
    state_.indexed.store(next, std::memory_order_release);
    begin = next;
  }
}

void Indexer::IndexRange(SeriesId begin, SeriesId end) {
  texts_.clear();
  // By itself, so that the processor waits for many of them at once.
  for (SeriesId series = begin; series < end; ++series) {
    texts_.push_back(state_.table.BytesOf(series));
  }
  for (size_t i = 0; i < texts_.size(); ++i) {
    if (i + kTextsAhead < texts_.size()) __builtin_prefetch(texts_[i + kTextsAhead].data() + 64);
    TakeApart(begin + static_cast<SeriesId>(i), texts_[i]);
  }
  for (const uint32_t number : touched_) {
    NamedEntries& named = names_[number];
    {
      ReaderMutexLock lock(&state_.mutex);
      named.name->Resolve(named.entries);
    }
    {
      WriterMutexLock lock(&state_.mutex);
      named.name->Add(named.entries, state_.table);
    }
    // With few names the memory is used again; many, each in use once, would add up.
    if (names_.size() <= kKeptNames) {
      named.entries.clear();
    } else {
      std::vector<Entry>().swap(named.entries);
    }
  }
  touched_.clear();
}

void Indexer::TakeApart(SeriesId series, std::string_view label_bytes) {
  const char* position = label_bytes.data();
  const char* const end = position + label_bytes.size();
  for (size_t place = 0; position < end; ++place) {
    const std::string_view name = TextAt(position);
    const char* const value = name.data() + name.size();
    const std::string_view text = TextAt(value);
    position = text.data() + text.size();
    if (place == guesses_.size()) guesses_.push_back(0);
    uint32_t& number = guesses_[place];
    if (number >= names_.size() || names_[number].name == nullptr ||
        names_[number].name->name() != name) {
      number = static_cast<uint32_t>(NumberOf(name));
    }
    std::vector<Entry>& entries = names_[number].entries;
    if (entries.empty()) touched_.push_back(number);
    entries.push_back({value, HashOfText(text), series, kNoValue});
  }
}

size_t Indexer::NumberOf(std::string_view name) {
  NameIndex* found = nullptr;
  {
    ReaderMutexLock lock(&state_.mutex);
    found = state_.names.Find(name);
  }
  if (found == nullptr) {
    WriterMutexLock lock(&state_.mutex);
    found = state_.names.FindOrCreate(name);
  }
  if (found->number() >= names_.size()) names_.resize(found->number() + 1);
  names_[found->number()].name = found;
  return found->number();
}

size_t Indexer::Bytes() const {
  size_t bytes = texts_.capacity() * sizeof(texts_[0]) + names_.capacity() * sizeof(names_[0]) +
                 (touched_.capacity() + guesses_.capacity()) * sizeof(uint32_t);
  for (const NamedEntries& named : names_) bytes += named.entries.capacity() * sizeof(Entry);
  return bytes;
}

}  // namespace tsdb::label
