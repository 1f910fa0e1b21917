// Transposes the rows of a scrape into columns, one per series.
//
// Thread safety: pure.
#pragma once

#include <cstdint>

namespace tsdb::merge {

// Copies from[row * columns + column] to to[begins[column] + row] for all rows and columns. With
// AVX-512 eight by eight values at a time, with AVX2 four by four: every store is a full cache line
// of one column, or half of it, where scattering record by record writes eight bytes to each of all
// columns in turn.
void Transpose(const uint64_t* from, uint32_t rows, uint32_t columns, const uint32_t* begins,
               uint64_t* to);

}  // namespace tsdb::merge
