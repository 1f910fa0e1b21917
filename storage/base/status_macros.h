// Passing errors up. Both macros work in functions that return absl::Status or absl::StatusOr.
//
//   TSDB_RETURN_IF_ERROR(file.Sync());
//   TSDB_ASSIGN_OR_RETURN(auto region, HugeRegion::Map(bytes, /*prefault=*/true));
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define TSDB_RETURN_IF_ERROR(expression)                                                   \
  do {                                                                                     \
    if (absl::Status tsdb_status_ = (expression); !tsdb_status_.ok()) return tsdb_status_; \
  } while (false)

// `target` is a declaration or an assignable expression; a comma in it needs parentheses around the
// type's alias instead. Declares a name, so it cannot be the only statement of an unbraced if.
#define TSDB_ASSIGN_OR_RETURN(target, expression) \
  TSDB_ASSIGN_OR_RETURN_NAMED_(TSDB_JOIN_(tsdb_result_, __LINE__), target, expression)

#define TSDB_ASSIGN_OR_RETURN_NAMED_(result, target, expression) \
  auto result = (expression);                                    \
  if (!result.ok()) return std::move(result).status();           \
  target = *std::move(result)

#define TSDB_JOIN_(a, b) TSDB_JOIN_EXPANDED_(a, b)
#define TSDB_JOIN_EXPANDED_(a, b) a##b
