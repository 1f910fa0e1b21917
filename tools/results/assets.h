// The files that pages are made of, as embed.cmake puts them into the program.
// Thread safety: constants.
#pragma once

#include <string_view>

namespace tsdb::tools::assets {

extern const std::string_view kUplotScript;
extern const std::string_view kUplotStyle;
extern const std::string_view kUplotLicence;
extern const std::string_view kPageScript;
extern const std::string_view kPageStyle;

}  // namespace tsdb::tools::assets
