#include "index/label/index_state.h"

#include <string>

namespace tsdb::label {
namespace {

constexpr size_t kFirstSlots = 32;

}  // namespace

NameIndex* NameDirectory::Find(std::string_view name) const {
  if (slots_.empty()) return nullptr;
  const size_t mask = slots_.size() - 1;
  for (size_t i = HashOfText(name) & mask; slots_[i] != 0; i = (i + 1) & mask) {
    NameIndex* const found = names_[slots_[i] - 1].get();
    if (found->name() == name) return found;
  }
  return nullptr;
}

NameIndex* NameDirectory::FindOrCreate(std::string_view name) {
  if (NameIndex* const found = Find(name)) return found;
  const auto number = static_cast<uint32_t>(names_.size());
  names_.push_back(std::make_unique<NameIndex>(std::string(name), number));
  if (2 * names_.size() > slots_.size()) {
    slots_.assign(slots_.empty() ? kFirstSlots : 2 * slots_.size(), 0);
    for (uint32_t i = 0; i < number; ++i) Store(i);
  }
  Store(number);
  return names_.back().get();
}

void NameDirectory::Store(uint32_t number) {
  const size_t mask = slots_.size() - 1;
  size_t i = HashOfText(names_[number]->name()) & mask;
  while (slots_[i] != 0) i = (i + 1) & mask;
  slots_[i] = number + 1;
}

size_t NameDirectory::Bytes() const {
  size_t bytes = names_.capacity() * sizeof(names_[0]) + slots_.capacity() * sizeof(slots_[0]);
  for (const auto& name : names_) bytes += name->Bytes();
  return bytes;
}

}  // namespace tsdb::label
