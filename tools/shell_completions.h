// What fits at the cursor, by what the database has: the second half of completion.
// Thread safety: one thread.
#pragma once

#include <string_view>

#include "tools/shell/line_editor.h"
#include "tsdb/database.h"

namespace tsdb::tools {

// Sorted, each once, some thousands at most; none where nothing is known. Takes a second at most:
// while a line is typed, Ctrl-C does not end it.
Completions CompletionsFor(Database& database, std::string_view before_cursor);

}  // namespace tsdb::tools
