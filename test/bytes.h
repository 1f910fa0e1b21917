// Texts as bytes, and bytes as text, for tests.
//
// Thread safety: pure.
#pragma once

#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

namespace tsdb {

// REQUIRES: the text outlives what is returned.
inline std::span<const uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Two digits a byte, eight bytes a group, in order of address.
inline std::string Hex(std::span<const uint8_t> bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    char two[3];
    std::snprintf(two, sizeof(two), "%02x", bytes[i]);
    text += two;
    if (i % 8 == 7 && i + 1 < bytes.size()) text += ' ';
  }
  return text;
}

}  // namespace tsdb
