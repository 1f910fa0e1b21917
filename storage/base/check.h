// Assertions about our own bugs; what the world does wrong is an absl::Status instead.
//
// TSDB_CHECK stays on in release builds: use it where it costs nothing beside its surroundings.
// TSDB_DCHECK is for hot loops and is compiled, but not evaluated, under NDEBUG. Both print
// file:line and the condition, and abort.
#pragma once

namespace tsdb::internal {

[[noreturn, gnu::cold, gnu::noinline]] void CheckFailed(const char* file, int line,
                                                        const char* condition);

}  // namespace tsdb::internal

#define TSDB_CHECK(condition)                        \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::tsdb::internal::CheckFailed(__FILE__, __LINE__, #condition))

#ifdef NDEBUG
#define TSDB_DCHECK(condition) static_cast<void>(sizeof(static_cast<bool>(condition)))
#else
#define TSDB_DCHECK(condition) TSDB_CHECK(condition)
#endif
